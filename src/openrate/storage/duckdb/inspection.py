"""What the facts about one campaign are like (``ports.Inspection``), by the functions that count them.

Its facts lie near each other in the log: where none of them are is not read. What concerns one installation
at a time is done for some millions of facts at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.model import Cause, FactType
from openrate.ports.event_log import LATE_MS, HourRow, Inspection
from openrate.storage.duckdb.by_installation import Runs
from openrate.storage.duckdb.day_rows import VERSIONS
from openrate.storage.duckdb.evaluate import (
    AT_BITS,
    AT_MASK,
    NEVER,
    Facts,
    Flags,
    Ints,
    Sends,
    once,
    owners_by_name,
    owners_by_time,
    settle,
    slices,
)
from openrate.storage.duckdb.file import FACT_COLUMNS

_HOUR_MS = 3_600_000
_APART_MS = 6 * _HOUR_MS
"""Opens between two deliveries this far apart are not read."""
_CAUSES = sorted(Cause)
_NOT_OPENED = 1 << AT_BITS
_END = np.iinfo(np.int64).max

_READ = f"""
    select seq, {FACT_COLUMNS}, coalesce(list_position({list(map(str, _CAUSES))}, cause), 0)::utinyint as cause,
           hash(platform, language) as rest
    from fact semi join (select unnest(?::integer[]) as id) wanted on wanted.id = send
    where seq > ? and seq <= ? and type <= 2
"""  # noqa: S608 - names are ours
_DEV_FACTS = "select count(*) from dev_fact where campaign = ?"
_OPENS = """
    select installation, at_ms from fact semi join wanted on wanted.id = installation
    where at_ms > ? and at_ms <= ? and type between 2 and 3 and seq <= ?
"""


class _Told(NamedTuple):
    """Facts, and what else they say: a cause by its place from 1, and of platform and language a hash."""

    facts: Facts
    cause: NDArray[np.uint8]
    rest: NDArray[np.uint64]

    def where(self, chosen: Flags | Ints) -> _Told:
        return _Told(self.facts.where(chosen), self.cause[chosen], self.rest[chosen])


class _Sent(NamedTuple):
    """Sent deliveries; ``direct_at`` is when one became a direct open, not before T, or ``_NOT_OPENED``."""

    installation: Ints
    at: Ints
    version: Ints
    direct_at: Ints

    def where(self, chosen: Flags) -> _Sent:
        return _Sent(*(column[chosen] for column in self))


_NONE_SENT = _Sent(*[np.empty(0, np.int64)] * 4)


class _Found(NamedTuple):
    """What some installations add up to."""

    sent: _Sent
    errors: Counter[Cause]
    repeats: int
    several_reports: int
    orphans: int
    fallbacks: int


class Source(NamedTuple):
    """Where the facts are: in the file, up to seq ``upto``; the runs know in which parts of it."""

    cursor: duckdb.DuckDBPyConnection
    runs: Runs
    upto: int


def inspect(
    source: Source, campaign_id: int, sends: Sends, is_named: NDArray[np.int32], hours: int
) -> Inspection:
    """See ``ports.EventLog``; ``is_named`` says of every send whether it has a name."""
    of_campaign = np.flatnonzero(sends.campaign == campaign_id).astype(np.int32)
    told = _read(source, of_campaign)
    installations, told = _numbered(told)
    found = [_look(part, first, sends, is_named) for part, first in _parts(told, len(installations))]
    sent = _Sent(
        *(np.concatenate(columns) for columns in zip(_NONE_SENT, *(part.sent for part in found), strict=True))
    )
    began_at = int(sent.at.min()) if len(sent.at) else None
    rows: list[HourRow] = []
    if began_at is not None:
        window = int(sends.windows[sends.app[of_campaign[0]], 0])
        rows = _hour_rows(source, installations, sent, window, hours)
    return Inspection(
        began_at,
        rows,
        dict(sum((part.errors for part in found), Counter[Cause]())),
        len(told.cause),
        sum(part.repeats for part in found),
        sum(part.several_reports for part in found),
        _late(told.facts.at),
        sum(part.orphans for part in found),
        sum(part.fallbacks for part in found),
        source.cursor.execute(_DEV_FACTS, [campaign_id]).fetchall()[0][0],
    )


def _read(source: Source, of_campaign: NDArray[np.int32]) -> _Told:
    """The facts about these sends in order of arrival."""
    parts = [
        _read_stretch(source.cursor, of_campaign, *stretch)
        for stretch in source.runs.about(of_campaign, source.upto)
    ]
    return _Told(
        Facts.together([part.facts for part in parts]),
        np.concatenate([part.cause for part in parts]),
        np.concatenate([part.rest for part in parts]),
    )


def _read_stretch(
    cursor: duckdb.DuckDBPyConnection, of_campaign: NDArray[np.int32], first: int, last: int
) -> _Told:
    columns = cursor.execute(_READ, [of_campaign.tolist(), first, last]).fetchnumpy()
    seq, cause, rest, *facts = (
        np.asarray(columns[name])
        for name in ("seq", "cause", "rest", "installation", "at_ms", "send", "code")
    )
    told = _Told(Facts(*facts), cause, rest)
    # Cheaper than to have them sorted: they come in order, though nothing says that they do.
    return told if (np.diff(seq) > 0).all() else told.where(np.argsort(seq))


def _numbered(told: _Told) -> tuple[NDArray[np.int32], _Told]:
    """The installations, ascending, and the facts with their positions for numbers."""
    is_there = np.zeros(int(told.facts.installation.max(initial=-1)) + 1, bool)
    is_there[told.facts.installation] = True
    place = np.cumsum(is_there, dtype=np.int32) - np.int32(1)
    numbered = told.facts._replace(installation=place[told.facts.installation])
    return np.flatnonzero(is_there).astype(np.int32), told._replace(facts=numbered)


def _parts(told: _Told, installations: int) -> Iterator[tuple[_Told, int]]:
    """The facts of some installations at a time, numbered from 0, and which number the first of them had."""
    for first, end in slices(told.facts.installation, installations):
        part = told
        if (first, end) != (0, installations):
            part = told.where((told.facts.installation >= first) & (told.facts.installation < end))
            facts = part.facts._replace(installation=part.facts.installation - np.int32(first))
            part = part._replace(facts=facts)
        yield part, first


def _look(told: _Told, first: int, sends: Sends, is_named: NDArray[np.int32]) -> _Found:
    """What some installations add up to, all of whose facts about the campaign are given."""
    types = told.facts.types
    reports = told.where(types <= FactType.PUSH_ERROR)
    taps = told.facts.where(types == FactType.PUSH_OPEN)
    key, best = settle(reports.facts)
    sent = best >> (AT_BITS + 3) == FactType.PUSH_SENT
    at, version = best >> 3 & AT_MASK, best >> 1 & 3
    owner, falls_back = _owners(key, at, sent, taps, sends, is_named)
    direct_at = np.full(len(key), _NOT_OPENED)
    owned = owner >= 0
    np.minimum.at(direct_at, owner[owned], taps.at[owned])
    repeats, several_reports = _repeats(reports)
    return _Found(
        _Sent((key >> 32) + first, at, version, np.maximum(direct_at, at)).where(sent),
        _causes(reports, key, sent),
        repeats + len(owner) - int(once(taps, np.ones(len(owner), bool)).sum()),
        several_reports,
        int(once(taps, ~owned).sum()),
        int(once(taps, falls_back).sum()),
    )


def _owners(  # noqa: PLR0913 - the columns of a delivery, and what decides
    key: Ints, at: Ints, sent: Flags, taps: Facts, sends: Sends, is_named: NDArray[np.int32]
) -> tuple[Ints, Flags]:
    """Of each tap the position of its delivery, -1: it has none; and whether time decided though it names one."""
    owner = owners_by_name(key, sent, taps)
    by_time = owner < 0
    rest = taps.where(by_time)
    of_one_campaign = np.zeros(len(key), np.int64), np.zeros(len(rest.at), np.int64)
    owner[by_time] = owners_by_time(key, of_one_campaign[0], at, sent, rest, of_one_campaign[1], sends)[0]
    return owner, by_time & (owner >= 0) & (is_named[taps.send] == 1)


def _causes(reports: _Told, key: Ints, sent: Flags) -> Counter[Cause]:
    """Of the deliveries that failed, by the report that counts: the smallest at, version, opted_in, cause."""
    failed = reports.where(reports.facts.types == FactType.PUSH_ERROR)
    delivery = np.searchsorted(key, _keys(failed.facts))
    failed, delivery = failed.where(~sent[delivery]), delivery[~sent[delivery]]
    order = np.lexsort((failed.cause, failed.facts.code & 7, failed.facts.at, delivery))
    first = order[np.diff(delivery[order], prepend=-1) != 0]
    counts = np.bincount(failed.cause[first], minlength=len(_CAUSES) + 1).tolist()
    return Counter(
        {cause: count for cause, count in zip([Cause.OTHER, *_CAUSES], counts, strict=True) if count}
    )


def _repeats(reports: _Told) -> tuple[int, int]:
    """Of reports: how many say what another says, and of how many deliveries there are several that differ."""
    key = _keys(reports.facts)
    ordered = np.sort(key)
    many = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(many):
        return 0, 0
    chosen = np.flatnonzero(np.isin(key, many))
    told, key = reports.where(chosen), key[chosen]
    columns = (told.rest, told.cause, told.facts.code, told.facts.at, key)
    order = np.lexsort(columns)
    is_new = np.ones(len(order), bool)
    is_new[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in columns], axis=0)
    reports_of_each = np.unique(key[order[is_new]], return_counts=True)[1]
    return len(order) - int(is_new.sum()), int((reports_of_each > 1).sum())


def _keys(reports: Facts) -> Ints:
    return reports.installation.astype(np.int64) << 32 | reports.send


def _late(at: Ints) -> int:
    """How many of the facts, in order of arrival, came after one that is later by more than an hour."""
    return int((at < np.maximum.accumulate(at) - LATE_MS).sum())


def _hour_rows(
    source: Source, installations: NDArray[np.int32], sent: _Sent, window: int, hours: int
) -> list[HourRow]:
    """Of deliveries in these hours and what became of them in these hours."""
    began_at = int(sent.at.min())
    end = began_at + hours * _HOUR_MS
    sent = sent.where(sent.at < end)
    is_direct = sent.direct_at < _NOT_OPENED
    opened_at = np.full(len(sent.at), _NOT_OPENED)
    opened_at[~is_direct] = _influenced_at(source, installations, sent.where(~is_direct), window)
    # A cell is an hour and a version; what came later is beyond the cells that are asked for.
    cells = [
        (np.minimum(at, end) - began_at) // _HOUR_MS * len(VERSIONS) + sent.version
        for at in (sent.at, sent.direct_at, opened_at)
    ]
    size = hours * len(VERSIONS)
    counts = np.array([np.bincount(cell, minlength=size)[:size] for cell in cells])
    return [
        HourRow(cell // len(VERSIONS), VERSIONS[cell % len(VERSIONS)], *counts[:, cell].tolist())
        for cell in np.flatnonzero(counts.any(axis=0)).tolist()
    ]


def _influenced_at(source: Source, installations: NDArray[np.int32], sent: _Sent, window: int) -> Ints:
    """When each was opened first within the window after T, by whatever; ``_NOT_OPENED``: it was not."""
    opens = _opens(source, installations, sent, window)
    here = sent.installation << AT_BITS | sent.at
    following = np.append(opens, _END)[np.searchsorted(opens, here, side="right")]
    return np.where(following - here <= window, following & AT_MASK, _NOT_OPENED)


def _opens(source: Source, installations: NDArray[np.int32], sent: _Sent, window: int) -> Ints:
    """The opens of these installations in the windows, as installation and time in one number, ascending."""
    cursor = source.cursor
    is_wanted = np.zeros(len(installations), bool)
    is_wanted[sent.installation] = True
    cursor.register("wanted", {"id": installations[is_wanted]})
    found = [np.empty(0, np.int64)]
    for first, last in _spans(np.sort(sent.at), window):
        columns = cursor.execute(_OPENS, [first, last, source.upto]).fetchnumpy()
        place = np.searchsorted(installations, np.asarray(columns["installation"]))
        found.append(place << AT_BITS | np.asarray(columns["at_ms"]))
    cursor.unregister("wanted")
    return np.sort(np.concatenate(found))


def _spans(times: Ints, window: int) -> list[tuple[int, int]]:
    """Stretches of time that together hold the windows after these times, which are ascending."""
    apart = max(window, _APART_MS)
    first = times[np.diff(times, prepend=NEVER) > apart]
    last = times[np.diff(times, append=_END) > apart] + window
    return list(zip(first.tolist(), last.tolist(), strict=True))
