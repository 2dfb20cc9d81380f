"""Start-up: what attribution keeps in memory, read back from the file."""

from __future__ import annotations

import duckdb
import numpy as np

from openrate.model import FactType
from openrate.storage.duckdb import file
from openrate.storage.duckdb.evaluate import NEVER
from openrate.storage.duckdb.hot import HotFacts
from openrate.storage.duckdb.numbering import Numbering

_PART = 1_000_000


def load_numbering(cursor: duckdb.DuckDBPyConnection, numbering: Numbering) -> None:
    """The names of installations and sends, in parts, so that only one part stands in memory as text."""
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


def load_hot(cursor: duckdb.DuckDBPyConnection, hot: HotFacts, numbering: Numbering, attributed: int) -> None:
    """The recent facts, and what is known of the time before them; of facts that are attributed."""
    hot.make_known(*numbering.sizes)
    newest = cursor.execute(
        "select coalesce(max(at_ms), 0) from fact where seq <= ?", [attributed]
    ).fetchall()[0][0]
    hot.horizon = hot.wanted_horizon(newest)
    _load_past(cursor, hot, numbering, attributed)
    done = 0
    while done < attributed:
        upto = min(done + _PART, attributed)
        facts = file.read_facts(
            cursor, "seq > ? and seq <= ? and at_ms >= ?", done, upto, hot.horizon, order="order by seq"
        )
        hot.take(facts, numbering.send_campaign.values)
        done = upto


def _load_past(
    cursor: duckdb.DuckDBPyConnection, hot: HotFacts, numbering: Numbering, attributed: int
) -> None:
    if not hot.horizon:
        return
    values = [attributed, hot.horizon]
    past = "from fact where seq <= ? and at_ms < ?"
    seen = cursor.execute(
        "select installation, min(at_ms) as first_seen, "
        f"coalesce(max(at_ms) filter (type <> {FactType.INSTALLED:d}), {NEVER}::bigint) as last_open "
        f"{past} and type >= {FactType.PUSH_OPEN:d} group by installation",
        values,
    ).fetchnumpy()
    hot.remember_installations(
        *(np.asarray(seen[name]) for name in ("installation", "first_seen", "last_open"))
    )
    sends = cursor.execute(
        f"select distinct send {past} and type <= {FactType.PUSH_ERROR:d}", values
    ).fetchnumpy()
    hot.remember_sends(np.asarray(sends["send"]), numbering.send_campaign.values)
