"""Counting from the log itself: for late facts, for a rebuild, and for the proof.

The first two use ``evaluate``; the proof (``verify``) uses the reference, ``openrate.attribution``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import duckdb
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from openrate.attribution import statistics
from openrate.model import COUNTERS, DayRow, Rule
from openrate.ports.event_log import Difference, Progress
from openrate.storage.duckdb import file
from openrate.storage.duckdb.by_installation import Runs
from openrate.storage.duckdb.day_rows import VERSIONS
from openrate.storage.duckdb.evaluate import (
    NO_TALLY,
    Before,
    Counted,
    Facts,
    Flags,
    Ints,
    Sends,
    counted,
    evaluate,
    slices,
)
from openrate.storage.duckdb.named_facts import NAMED_FACTS, fact
from openrate.storage.duckdb.numbering import Numbering

_REBUILD_FACTS = 2_000_000
_VERIFY_FACTS = 400_000
NO_LOOSE = np.empty(0, np.int64)


def sends_of(numbering: Numbering, rules: Mapping[int, Rule], cursor: duckdb.DuckDBPyConnection) -> Sends:
    """What ``evaluate`` needs to know of the sends, under these rules by app."""
    apps = numbering.send_app.values
    windows = np.empty((int(apps.max(initial=0)) + 1, 3), np.int64)
    for app in range(len(windows)):
        rule = rules.get(app, Rule())
        windows[app] = rule.influence_window, rule.reengage_window, rule.inactive_after
    return Sends(
        numbering.send_campaign.values, apps, windows * 1000, lambda sends: _ranks(cursor.cursor(), sends)
    )


def _ranks(cursor: duckdb.DuckDBPyConnection, sends: Ints) -> Ints:
    """Numbers that order sends as the bytes of their names do."""
    cursor.register("asked", {"id": np.unique(sends)})
    ordered = cursor.execute("select id from asked join send using (id) order by name").fetchnumpy()["id"]
    cursor.unregister("asked")
    by_id = np.argsort(ordered)
    return by_id[np.searchsorted(ordered, sends, sorter=by_id)]


def facts_of(
    cursor: duckdb.DuckDBPyConnection,
    runs: Runs,
    installations: NDArray[np.int32],
    attributed: int,
    upto: int,
) -> tuple[Facts, Flags]:
    """All facts of these installations, numbered by position, and which of them are not attributed yet."""
    in_runs = runs.upto
    older = runs.of(installations, in_runs)
    local = np.arange(len(installations), dtype=np.int32)
    cursor.register("wanted", {"id": installations, "local": local})
    columns = cursor.execute(
        f"select local, {file.FACT_COLUMNS}, seq > ? as is_new "  # noqa: S608 - names are ours
        "from fact join wanted on wanted.id = fact.installation where seq > ? and seq <= ?",
        [attributed, in_runs, upto],
    ).fetchnumpy()
    cursor.unregister("wanted")
    latest = Facts(*(np.asarray(columns[name]) for name in ("local", "at_ms", "send", "code")))
    is_new = np.concatenate((np.zeros(len(older.at), bool), np.asarray(columns["is_new"])))
    return Facts.together((older, latest)), is_new


def count(facts: Facts, installations: int, sends: Sends) -> Counted:
    """What all facts of installations 0 … n add up to."""
    parts = []
    for first, end in slices(facts.installation, installations):
        part = facts
        if (first, end) != (0, installations):
            part = facts.where((facts.installation >= first) & (facts.installation < end))
            part = part._replace(installation=part.installation - np.int32(first))
        parts.append(counted(evaluate(part, Before.nothing(end - first), sends), end - first))
    return _together(parts)


def _together(parts: Sequence[Counted]) -> Counted:
    """The count of ranges of installations, in their order."""
    return Counted(
        sum((part.tally for part in parts), NO_TALLY),
        sum(part.orphans for part in parts),
        np.concatenate([NO_LOOSE, *(part.loose_since for part in parts)]),
    )


def rebuild(  # noqa: PLR0913 - what there is, and how far
    cursor: duckdb.DuckDBPyConnection,
    runs: Runs,
    installations: int,
    sends: Sends,
    upto: int,
    progress: Progress,
) -> Counted:
    """Everything from the facts, some installations at a time; the runs too are made again."""
    runs.drop()
    while runs.extend(cursor, upto):
        progress(runs.upto // 2, upto)
    in_runs = runs.upto

    def count_range(limits: tuple[int, int]) -> tuple[Counted, int]:
        first, end = limits
        condition = "installation >= ? and installation < ? and seq > ? and seq <= ?"
        latest = file.read_facts(cursor.cursor(), condition, first, end, in_runs, upto)
        latest = latest._replace(installation=latest.installation - np.int32(first))
        facts = Facts.together((runs.between(first, end, in_runs), latest))
        return count(facts, end - first, sends), len(facts.at)

    parts, done = [], 0
    # Two at a time: one reads while the other counts, and sorting runs without the interpreter's lock.
    with ThreadPoolExecutor(2) as pool:
        for part, read in pool.map(count_range, _ranges(installations, upto, _REBUILD_FACTS)):
            parts.append(part)
            done += read
            progress((upto + done) // 2, upto)
    return _together(parts)


def _ranges(installations: int, facts: int, most_facts: int) -> list[tuple[int, int]]:
    """Ranges of installations that have about that many facts each."""
    parts = facts // most_facts + 1
    edges = [installations * part // parts for part in range(parts + 1)]
    return [(first, end) for first, end in pairwise(edges) if first < end]


def verify(cursor: duckdb.DuckDBPyConnection, progress: Progress) -> list[Difference]:
    """Hold every stored row against the reference, on one snapshot of the file, in bounded memory."""
    cursor.execute("begin")
    try:
        attributed = file.meta(cursor, "attributed")
        rules = {app: Rule(*seconds) for app, *seconds in cursor.execute("from app_rule").fetchall()}
        stored = {
            (campaign, day, VERSIONS[version]): DayRow(campaign, day, VERSIONS[version], *counts)
            for campaign, day, version, *counts in cursor.execute("from day_row").fetchall()
        }
        recomputed: dict[tuple[int, int, str | None], list[int]] = {}
        for rows in _reference(cursor, attributed, rules, progress):
            for key, row in rows.items():
                counts = recomputed.setdefault(key, [0] * len(COUNTERS))
                counts[:] = [a + b for a, b in zip(counts, astuple(row)[3:], strict=True)]
    finally:
        cursor.execute("rollback")
    keys = sorted(stored.keys() | recomputed.keys(), key=lambda key: (key[0], key[1], key[2] or ""))
    pairs = ((stored.get(key, DayRow(*key)), DayRow(*key, *recomputed.get(key, ()))) for key in keys)
    return [Difference(*pair) for pair in pairs if pair[0] != pair[1]]


def _reference(
    cursor: duckdb.DuckDBPyConnection, attributed: int, rules: Mapping[int, Rule], progress: Progress
) -> Iterator[dict[tuple[int, int, str | None], DayRow]]:
    installations = cursor.execute("select count(*) from installation").fetchall()[0][0]
    done = 0
    for first, end in _ranges(installations, attributed, _VERIFY_FACTS):
        query = NAMED_FACTS + "where f.installation >= ? and f.installation < ? and f.seq <= ?"
        facts = [fact(*row) for row in cursor.execute(query, [first, end, attributed]).fetchall()]
        yield statistics(facts, rules)
        done += len(facts)
        progress(done, attributed)


def sent_often(
    cursor: duckdb.DuckDBPyConnection, app_id: int, dev: bool, campaign_id: int, often: int
) -> set[str]:
    """The installations that a campaign was sent to at least so often."""
    rows = cursor.execute(_SENT_OFTEN_DEV if dev else _SENT_OFTEN, [app_id, campaign_id, often])
    return {name for (name,) in rows.fetchall()}


_SENT_OFTEN = """
select i.name from fact f join send s on s.id = f.send join installation i on i.id = f.installation
where s.app = ? and s.campaign = ? and f.type = 0
group by i.id, i.name having count(distinct f.send) >= ?
"""
_SENT_OFTEN_DEV = """
select installation from dev_fact where app = ? and campaign = ? and type = 0
group by installation having count(distinct send) >= ?
"""
