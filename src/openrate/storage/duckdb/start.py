"""Start-up: what attribution keeps in memory, read back from the file.

Naming installations needs the interpreter, summing up the past needs the database: the two go side by side.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.model import FactType
from openrate.storage.duckdb import file
from openrate.storage.duckdb.evaluate import NEVER, Facts, Ints
from openrate.storage.duckdb.hot import HotFacts
from openrate.storage.duckdb.numbering import Numbering

_PART = 1_000_000


class _Past(NamedTuple):
    """What there was before the horizon: who was seen when, and what was sent."""

    installations: NDArray[np.int32]
    first_seen: Ints
    last_open: Ints
    sends: NDArray[np.int32]


def load(cursor: duckdb.DuckDBPyConnection, numbering: Numbering, hot: HotFacts, attributed: int) -> None:
    """Names, and of the facts that are attributed the recent ones and a summary of the others."""
    newest = cursor.execute("select coalesce(max(at_ms), 0) from fact where seq <= ?", [attributed])
    horizon = hot.wanted_horizon(newest.fetchall()[0][0])
    with ThreadPoolExecutor(2) as pool:
        halves = [pool.submit(_past, cursor.cursor(), attributed, horizon, half) for half in range(2)]
        _load_numbering(cursor, numbering)
        hot.make_known()
        hot.horizon = horizon
        for past in halves:
            hot.know(*past.result())
    loose = cursor.execute("select installation, at_ms from loose_tap").fetchnumpy()
    hot.set_loose_since(np.asarray(loose["installation"]), np.asarray(loose["at_ms"]))

    def recent(first: int) -> Facts:
        condition = "seq > ? and seq <= ? and at_ms >= ?"
        upto = min(first + _PART, attributed)
        return file.read_facts(cursor.cursor(), condition, first, upto, horizon, order="order by seq")

    with ThreadPoolExecutor(1) as pool:
        for facts in pool.map(recent, range(0, attributed, _PART)):
            hot.take(facts)


def _load_numbering(cursor: duckdb.DuckDBPyConnection, numbering: Numbering) -> None:
    """In parts, so that only one part stands in memory as text."""
    count = cursor.execute("select count(*) from installation").fetchall()[0][0]
    numbering.reserve(count)
    for first in range(0, count, _PART):
        part = cursor.execute(
            "select app, name from installation where id >= ? and id < ? order by id", [first, first + _PART]
        ).fetchnumpy()
        numbering.load_installations(np.asarray(part["app"]), list(part["name"]))
    sends = cursor.execute("select app, campaign, name from send order by id").fetchall()
    if sends:
        apps, campaigns, names = zip(*sends, strict=True)
        numbering.load_sends(np.array(apps, np.int32), np.array(campaigns, np.int32), list(names))


def _past(cursor: duckdb.DuckDBPyConnection, attributed: int, horizon: int, half: int) -> _Past:
    """Of every second installation, and of all its sends."""
    values = [attributed, horizon, half]
    past = "from fact where seq <= ? and at_ms < ? and installation % 2 = ?"
    seen = cursor.execute(
        "select installation as installations, min(at_ms) as first_seen, "
        f"coalesce(max(at_ms) filter (type <> {FactType.INSTALLED:d}), {NEVER}::bigint) as last_open "
        f"{past} and type >= {FactType.PUSH_OPEN:d} group by installation",
        values,
    ).fetchnumpy()
    sends = cursor.execute(
        f"select distinct send {past} and type <= {FactType.PUSH_OPEN:d} "  # noqa: S608 - numbers are ours
        "and send in (select id from send where name is not null)",
        values,
    ).fetchnumpy()
    columns = (seen["installations"], seen["first_seen"], seen["last_open"], sends["send"])
    return _Past(*map(np.asarray, columns))
