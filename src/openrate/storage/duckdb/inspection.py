"""What the facts about one campaign are like (``ports.Inspection``), by the functions that count them.

Its facts lie near each other in the log: where none of them are is not read. What concerns one installation
at a time is done for some millions of facts at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.model import HOUR_MS, Cause, FactType
from openrate.ports.event_log import LATE_MS, NEVER, HourRow, Inspection
from openrate.storage.duckdb.by_installation import Runs
from openrate.storage.duckdb.day_rows import VERSIONS
from openrate.storage.duckdb.evaluate import (
    AT_BITS,
    AT_MASK,
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

_APART_MS = 6 * HOUR_MS
"""Opens between two deliveries this far apart are not read."""
_AT_ONCE = 2_000_000
"""Deliveries whose facts are in memory together, and facts of the log that are searched together; 34 bytes each."""
_CAUSES = sorted(Cause)
_NOT_OPENED = 1 << AT_BITS
_END = np.iinfo(np.int64).max
_COUNTED = ("sent", "direct_open", "influenced_open")

_ABOUT = "from fact semi join (select unnest(?::integer[]) as id) wanted on wanted.id = send"
_READ = f"""
    select seq, {FACT_COLUMNS}, coalesce(list_position({list(map(str, _CAUSES))}, cause), 0)::utinyint as cause,
           hash(platform, language) as rest
    {_ABOUT} where seq > ? and seq <= ? and type <= 2 and installation % ? = ?
"""
_READ_TIMES = f"select seq, at_ms, type {_ABOUT} where seq > ? and seq <= ? and type <= 2"
_READ_OPENS = """
    select installation, at_ms from fact semi join wanted on wanted.id = installation
    where at_ms > ? and at_ms <= ? and type between 2 and 3 and seq <= ?
"""
_DEV_FACTS = "select count(*) from dev_fact where campaign = ?"


class Source(NamedTuple):
    """Where the facts are: in the file, up to seq ``upto``; the runs know in which parts of it."""

    cursor: duckdb.DuckDBPyConnection
    runs: Runs
    upto: int


class _Told(NamedTuple):
    """Facts, and what else they say: a cause by its place from 1, and of platform and language a hash."""

    facts: Facts
    cause: NDArray[np.uint8]
    rest: NDArray[np.uint64]

    def where(self, chosen: Flags | Ints) -> _Told:
        return _Told(self.facts.where(chosen), self.cause[chosen], self.rest[chosen])


class _Part(NamedTuple):
    """All facts about the campaign of some installations, which are ascending and numbered by their positions."""

    told: _Told
    installations: NDArray[np.int32]


class _Sent(NamedTuple):
    """Sent deliveries; ``direct_at`` is when one became a direct open, not before T, or ``_NOT_OPENED``."""

    installation: Ints
    at: Ints
    version: Ints
    direct_at: Ints

    def where(self, chosen: Flags) -> _Sent:
        return _Sent(*(column[chosen] for column in self))


class _Hours(NamedTuple):
    """Which hours are counted: from the moment the campaign began, so many; and the influence window in ms."""

    began_at: int
    number: int
    window: int

    @property
    def end(self) -> int:
        return self.began_at + self.number * HOUR_MS


class _Found(NamedTuple):
    """What some installations add up to; ``hours`` has a row for each counter and a column for each cell."""

    hours: Ints
    errors: Counter[Cause]
    facts: int
    repeats: int
    several_reports: int
    orphans: int
    fallbacks: int


def inspect(  # noqa: PLR0913 - what there is, and what is asked
    source: Source,
    campaign_id: int,
    sends: Sends,
    is_named: NDArray[np.int32],
    deliveries: int,
    hours: int,
) -> Inspection:
    """See ``ports.EventLog``.

    Args:
        source: the facts.
        campaign_id: about which.
        sends: all there are.
        is_named: of every send, whether it has a name.
        deliveries: about how many the campaign has.
        hours: how many are counted.
    """
    of_campaign = np.flatnonzero(sends.campaign == campaign_id).astype(np.int32)
    shares = 1 + deliveries // _AT_ONCE
    if shares == 1:
        whole = _read(source, of_campaign)
        tolds, (began_at, late) = (
            iter([whole]),
            _arrived([(whole.facts.at, whole.facts.types == FactType.PUSH_SENT)]),
        )
    else:
        tolds = (_read(source, of_campaign, shares, share) for share in range(shares))
        began_at, late = _arrived(_read_times(source, of_campaign))
    counted = None
    if began_at is not None:
        counted = _Hours(began_at, hours, int(sends.windows[sends.app[of_campaign[0]], 0]))
    found = [_look(source, part, sends, is_named, counted) for told in tolds for part in _parts(told)]
    return Inspection(
        began_at,
        _hour_rows(np.sum([part.hours for part in found], axis=0)) if counted else [],
        dict(sum((part.errors for part in found), Counter[Cause]())),
        sum(part.facts for part in found),
        sum(part.repeats for part in found),
        sum(part.several_reports for part in found),
        late,
        sum(part.orphans for part in found),
        sum(part.fallbacks for part in found),
        source.cursor.execute(_DEV_FACTS, [campaign_id]).fetchall()[0][0],
    )


# ── reading ──


def _read(source: Source, of_campaign: NDArray[np.int32], shares: int = 1, share: int = 0) -> _Told:
    """The facts about these sends in order of arrival, or those of a share of the installations."""
    parts = [
        _read_stretch(source.cursor, [of_campaign.tolist(), *stretch, shares, share])
        for stretch in source.runs.about(of_campaign, source.upto)
    ]
    return _Told(
        Facts.together([part.facts for part in parts]),
        np.concatenate([part.cause for part in parts]),
        np.concatenate([part.rest for part in parts]),
    )


def _read_stretch(cursor: duckdb.DuckDBPyConnection, values: list[Any]) -> _Told:
    columns = cursor.execute(_READ, values).fetchnumpy()
    seq, cause, rest, *facts = (
        np.asarray(columns[name])
        for name in ("seq", "cause", "rest", "installation", "at_ms", "send", "code")
    )
    told = _Told(Facts(*facts), cause, rest)
    # Cheaper than to have them sorted: they come in order, though nothing says that they do.
    return told if (np.diff(seq) > 0).all() else told.where(np.argsort(seq))


def _read_times(source: Source, of_campaign: NDArray[np.int32]) -> Iterator[tuple[Ints, Flags]]:
    """Of the facts about these sends when, and whether it is sent; in order of arrival, some at a time."""
    for first, last in source.runs.about(of_campaign, source.upto):
        for start in range(first, last, _AT_ONCE):
            values = [of_campaign.tolist(), start, min(start + _AT_ONCE, last)]
            columns = source.cursor.execute(_READ_TIMES, values).fetchnumpy()
            order = np.argsort(columns["seq"])
            yield (
                np.asarray(columns["at_ms"])[order],
                np.asarray(columns["type"])[order] == FactType.PUSH_SENT,
            )


def _arrived(parts: Iterable[tuple[Ints, Flags]]) -> tuple[int | None, int]:
    """T of the first sent delivery; and how many facts came after one that is later by more than an hour."""
    began_at, latest, late = _END, NEVER, 0
    for at, is_sent in parts:
        before = np.maximum.accumulate(np.append(latest, at))
        late += int((at < before[1:] - LATE_MS).sum())
        latest = int(before[-1])
        began_at = min(began_at, int(at[is_sent].min(initial=_END)))
    return (None if began_at == _END else began_at), late


def _parts(told: _Told) -> Iterator[_Part]:
    """The facts of as many installations at a time as ``evaluate`` can take."""
    numbers = told.facts.installation
    is_there = np.zeros(int(numbers.max(initial=-1)) + 1, bool)
    is_there[numbers] = True
    installations = np.flatnonzero(is_there).astype(np.int32)
    place = np.cumsum(is_there, dtype=np.int32)[numbers] - np.int32(1)
    for first, end in slices(place, len(installations)):
        part, own = told, place
        if (first, end) != (0, len(installations)):
            chosen = np.flatnonzero((place >= first) & (place < end))
            part, own = told.where(chosen), place[chosen] - np.int32(first)
        yield _Part(part._replace(facts=part.facts._replace(installation=own)), installations[first:end])


# ── what is found in it ──


def _look(
    source: Source, part: _Part, sends: Sends, is_named: NDArray[np.int32], hours: _Hours | None
) -> _Found:
    """What some installations add up to."""
    facts = part.told.facts
    reports = part.told.where(facts.types <= FactType.PUSH_ERROR)
    taps = facts.where(facts.types == FactType.PUSH_OPEN)
    key, best = settle(reports.facts)
    is_sent = best >> (AT_BITS + 3) == FactType.PUSH_SENT
    at, version = best >> 3 & AT_MASK, best >> 1 & 3
    owner, falls_back = _owners(key, at, is_sent, taps, sends, is_named)
    direct_at = np.full(len(key), _NOT_OPENED)
    owned = owner >= 0
    np.minimum.at(direct_at, owner[owned], taps.at[owned])
    sent = _Sent(key >> 32, at, version, np.maximum(direct_at, at)).where(is_sent)
    repeats, several_reports = _repeats(reports)
    return _Found(
        _by_hour(source, part.installations, sent, hours) if hours else np.zeros(0, np.int64),
        _causes(reports, key, is_sent),
        len(facts.at),
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


# ── hours ──


def _by_hour(source: Source, installations: NDArray[np.int32], sent: _Sent, hours: _Hours) -> Ints:
    """By counter and cell (an hour and a version), what there was and what became of it in these hours."""
    sent = sent.where(sent.at < hours.end)
    is_direct = sent.direct_at < _NOT_OPENED
    opened_at = np.full(len(sent.at), _NOT_OPENED)
    opened_at[~is_direct] = _influenced_at(source, installations, sent.where(~is_direct), hours.window)
    size = hours.number * len(VERSIONS)
    counts = np.zeros((len(_COUNTED), size), np.int64)
    for row, times in zip(counts, (sent.at, sent.direct_at, opened_at), strict=True):
        # What came later is in cells behind those that are asked for.
        hour = (np.minimum(times, hours.end) - hours.began_at) // HOUR_MS
        row[:] = np.bincount(hour * len(VERSIONS) + sent.version, minlength=size)[:size]
    return counts


def _hour_rows(counts: Ints) -> list[HourRow]:
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
        columns = cursor.execute(_READ_OPENS, [first, last, source.upto]).fetchnumpy()
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
