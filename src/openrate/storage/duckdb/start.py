"""Start-up: what attribution keeps in memory, read back from the file.

Naming installations needs the interpreter, the facts mostly do not: the two go side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np

from openrate.storage.duckdb import file
from openrate.storage.duckdb.by_installation import Runs
from openrate.storage.duckdb.evaluate import Facts
from openrate.storage.duckdb.hot import HotFacts
from openrate.storage.duckdb.numbering import Numbering

_PART = 1_000_000


def load(
    cursor: duckdb.DuckDBPyConnection, runs: Runs, numbering: Numbering, hot: HotFacts, attributed: int
) -> None:
    """Names, and of the facts that are attributed the recent ones and a summary of the others."""
    installations = cursor.execute("select count(*) from installation").fetchall()[0][0]
    newest = cursor.execute("select coalesce(max(at_ms), 0) from fact where seq <= ?", [attributed])
    horizon = hot.wanted_horizon(newest.fetchall()[0][0])
    _load_sends(cursor, numbering)
    hot.make_known(installations)
    hot.horizon = horizon
    with ThreadPoolExecutor(1) as pool:
        naming = pool.submit(_load_installations, cursor.cursor(), numbering, installations)
        for facts in _past(cursor, runs, attributed, horizon):
            hot.remember(facts)
        loose = cursor.execute("select installation, at_ms from loose_tap").fetchnumpy()
        hot.set_loose_since(np.asarray(loose["installation"]), np.asarray(loose["at_ms"]))
        # The one thread reads ahead as soon as it is done with the names.
        starts = range(0, attributed, _PART)
        for facts in pool.map(lambda first: _recent(cursor, first, attributed, horizon), starts):
            hot.take(facts)
        naming.result()


def _load_installations(cursor: duckdb.DuckDBPyConnection, numbering: Numbering, count: int) -> None:
    """In parts, so that only one part stands in memory as text."""
    numbering.reserve(count)
    for first in range(0, count, _PART):
        part = cursor.execute(
            "select app, name from installation where id >= ? and id < ? order by id", [first, first + _PART]
        ).fetchnumpy()
        numbering.load_installations(np.asarray(part["app"]), list(part["name"]))


def _load_sends(cursor: duckdb.DuckDBPyConnection, numbering: Numbering) -> None:
    sends = cursor.execute("select app, campaign, name from send order by id").fetchall()
    if sends:
        apps, campaigns, names = zip(*sends, strict=True)
        numbering.load_sends(np.array(apps, np.int32), np.array(campaigns, np.int32), list(names))


def _past(cursor: duckdb.DuckDBPyConnection, runs: Runs, attributed: int, horizon: int) -> Iterator[Facts]:
    """The attributed facts from before the horizon, in no order."""
    for run in runs:
        past = run.at < horizon
        yield run if past.all() else run.where(past)
    for first in range(runs.upto, attributed, _PART):
        upto = min(first + _PART, attributed)
        yield file.read_facts(cursor, "seq > ? and seq <= ? and at_ms < ?", first, upto, horizon)


def _recent(cursor: duckdb.DuckDBPyConnection, first: int, attributed: int, horizon: int) -> Facts:
    """The attributed facts of a stretch of the log from the horizon on, in order of arrival."""
    upto = min(first + _PART, attributed)
    condition = "seq > ? and seq <= ? and at_ms >= ?"
    return file.read_facts(cursor.cursor(), condition, first, upto, horizon, order="order by seq")
