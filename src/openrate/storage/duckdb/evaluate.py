"""The rules of ``docs/metrics.md`` over columns: many installations at once, each with all its facts.

One function, three callers: what is new (facts from memory), what is late (facts from the log), and the
rebuild. ``openrate.attribution`` says the same for one installation in plain Python and is what this is
held against.

Composite keys pack an installation and a time into 63 bits, 42 of them the time in ms (enough until 2109),
so a call takes at most 2**20 installations, numbered from 0, with at most 2**21 pairs of a tapping
installation and a campaign; ``slices`` cuts larger work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openrate.model import COUNTERS, DAY_MS, FactType
from openrate.ports.event_log import NEVER

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

AT_BITS = 42
AT_MASK = (1 << AT_BITS) - 1
MOST_INSTALLATIONS = 1 << 20
NOT_YET = 1 << 60
_END = np.iinfo(np.int64).max
_SLICE_FACTS = 1 << 21


class Facts(NamedTuple):
    """Facts by column. ``code`` packs type, version (0 none, 1 a, 2 b) and opted_in, see ``pack_code``."""

    installation: NDArray[np.int32]
    at: Ints
    send: NDArray[np.int32]
    code: NDArray[np.uint8]

    @property
    def types(self) -> NDArray[np.uint8]:
        """The fact types, as ``FactType`` numbers them."""
        return (self.code >> 3).astype(np.uint8)

    def where(self, chosen: Flags | Ints | slice) -> Facts:
        """Those that a mask, positions or a slice chooses."""
        if isinstance(chosen, np.ndarray) and chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)  # a mask is several times slower, and four columns use it
        return Facts(self.installation[chosen], self.at[chosen], self.send[chosen], self.code[chosen])

    @classmethod
    def together(cls, parts: Sequence[Facts]) -> Facts:
        """All of several."""
        return cls(
            np.concatenate([part.installation for part in parts]),
            np.concatenate([part.at for part in parts]),
            np.concatenate([part.send for part in parts]),
            np.concatenate([part.code for part in parts]),
        )


def lower(times: Ints, facts: Facts) -> None:
    """Lower the time of each installation to that of its first fact."""
    np.minimum.at(times, facts.installation.astype(np.intp), facts.at)  # 32-bit positions: ten times slower


def lift(times: Ints, facts: Facts) -> None:
    """Raise the time of each installation to that of its last fact."""
    np.maximum.at(times, facts.installation.astype(np.intp), facts.at)


class Before(NamedTuple):
    """What is known of each installation from facts that are not among those given.

    Attributes:
        first_seen: when it was first seen, NOT_YET: never there.
        last_open: when it last opened, NEVER: never there.
        settled_until: each of its taps before then has its delivery, here or there; NEVER: nothing is known.
    """

    first_seen: Ints
    last_open: Ints
    settled_until: Ints

    @classmethod
    def nothing(cls, installations: int) -> Before:
        """For installations of which all facts are given."""
        unseen, never = np.full(installations, NOT_YET), np.full(installations, NEVER)
        return cls(unseen, never, never)


class Sends(NamedTuple):
    """Of each send, by number: its campaign and its app; of each app its windows in ms; the order of names.

    Columns of ``windows``: influence, reengage, inactive_after. ``ranks`` gives numbers that order sends by
    name; it is asked only when one installation got two sends of a campaign in the same millisecond.
    """

    campaign: NDArray[np.int32]
    app: NDArray[np.int32]
    windows: Ints
    ranks: Callable[[Ints], Ints]


class TimedTaps(NamedTuple):
    """The taps that name no sent delivery here, so that time decides whose they are.

    Attributes:
        facts: the taps.
        campaign: of each.
        is_late: it comes after a sent delivery of its campaign here, and so counts for the last of those.
        is_settled: its delivery is known to be elsewhere, among the facts that are not given.
        is_orphan: there is no sent delivery for it at all; of repeats, only one.
    """

    facts: Facts
    campaign: Ints
    is_late: Flags
    is_settled: Flags
    is_orphan: Flags

    @property
    def is_loose(self) -> Flags:
        """Whether a report that comes later can still decide whose it is, for want of an earlier delivery."""
        return ~(self.is_late | self.is_settled)


class Deliveries(NamedTuple):
    """One row per delivery: where it counts, and as what (bit k of ``counts`` is ``COUNTERS[k]``)."""

    installation: Ints
    campaign: Ints
    day: Ints
    version: Ints
    counts: NDArray[np.uint8]
    timed: TimedTaps


def slices(installation: NDArray[np.int32], installations: int) -> Iterator[tuple[int, int]]:
    """Cut installations 0 … n into ranges [first, end) that one call of ``evaluate`` can take."""
    done = np.concatenate(([0], np.cumsum(np.bincount(installation, minlength=installations))))
    first = 0
    while first < installations:
        fitting = int(np.searchsorted(done, done[first] + _SLICE_FACTS, side="right")) - 1
        end = min(max(fitting, first + 1), first + MOST_INSTALLATIONS, installations)
        yield first, end
        first = end


def pack_code(types: NDArray[np.uint8], versions: NDArray[np.uint8], opted_ins: Flags) -> NDArray[np.uint8]:
    """Type, version and opted_in in one byte, in the order in which reports of one delivery are preferred."""
    return (types << 3 | versions << 1 | opted_ins.astype(np.uint8)).astype(np.uint8)


def evaluate(facts: Facts, before: Before, sends: Sends) -> Deliveries:
    """Every delivery of these installations, counted as ``metrics.md`` says."""
    if len(before.first_seen) > MOST_INSTALLATIONS:
        raise ValueError(f"at most {MOST_INSTALLATIONS} installations a call")
    types = facts.types
    key, best = settle(facts.where(types <= FactType.PUSH_ERROR))
    installation, send = key >> 32, key & 0xFFFFFFFF
    at = best >> 3 & AT_MASK
    sent = best >> (AT_BITS + 3) == FactType.PUSH_SENT
    campaign = sends.campaign[send].astype(np.int64)
    taps = facts.where(types == FactType.PUSH_OPEN)
    direct, timed = _direct(key, campaign, at, sent, taps, sends, before.settled_until)
    influence, reengage, inactive_after = sends.windows[sends.app[send]].T
    opened, inactive = _opens(facts, types, before, installation, at, inactive_after)
    reengaged = sent & inactive & (opened <= reengage)
    influenced = sent & ~direct & (opened <= influence)
    counts = np.zeros(len(key), np.uint8)
    for bit, flag in enumerate((sent, sent & (best & 1 == 1), direct, influenced, reengaged, ~sent)):
        counts |= flag.astype(np.uint8) << np.uint8(bit)
    return Deliveries(installation, campaign, at // DAY_MS, best >> 1 & 3, counts, timed)


def settle(reports: Facts) -> tuple[Ints, Ints]:
    """One row per (installation, send), ascending, with the report that counts.

    Sent before error, then the smallest at, version, opted_in. (Cause, platform and language break no tie
    between counters.)
    """
    key = reports.installation.astype(np.int64) << 32 | reports.send
    code = reports.code.astype(np.int64)
    rank = (code >> 3) << (AT_BITS + 3) | reports.at << 3 | code & 7
    order = np.argsort(key)
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(starts):
        return key, rank
    return key[starts], np.minimum.reduceat(rank[order], starts)


def _opens(  # noqa: PLR0913 - the columns of a delivery
    facts: Facts, types: NDArray[np.uint8], before: Before, installation: Ints, at: Ints, inactive_after: Ints
) -> tuple[Ints, Flags]:
    """For each delivery: ms until the next app open (huge: none), and whether it was inactive."""
    is_open = (types == FactType.PUSH_OPEN) | (types == FactType.APP_OPEN)
    opens = np.sort(facts.installation[is_open].astype(np.int64) << AT_BITS | facts.at[is_open])
    here = installation << AT_BITS | at
    after = np.searchsorted(opens, here, side="right")
    # Beyond the installation's own opens the difference is at least 2**42 - T, longer than any window.
    padded = np.concatenate(([NEVER], opens, [_END]))
    until_next = padded[after + 1] - here
    since_last = np.minimum(here - padded[after], at - before.last_open[installation])
    first_seen = before.first_seen.copy()
    seen = types >= FactType.PUSH_OPEN
    lower(first_seen, facts.where(seen))
    inactive = (first_seen[installation] <= at - inactive_after) & (since_last >= inactive_after)
    return until_next, inactive


def _direct(  # noqa: PLR0913 - the columns of a delivery
    key: Ints, campaign: Ints, at: Ints, sent: Flags, taps: Facts, sends: Sends, settled_until: Ints
) -> tuple[Flags, TimedTaps]:
    """Which deliveries own a tap, and the taps whose owner is a matter of time."""
    direct = np.zeros(len(key), bool)
    named_owner = owners_by_name(key, sent, taps)
    named = named_owner >= 0
    direct[named_owner[named]] = True
    rest = taps.where(~named)
    tap_campaign = sends.campaign[rest.send].astype(np.int64)
    owner, late = owners_by_time(key, campaign, at, sent, rest, tap_campaign, sends)
    settled = ~late & (rest.at < settled_until[rest.installation])
    direct[owner[(owner >= 0) & ~settled]] = True
    return direct, TimedTaps(rest, tap_campaign, late, settled, once(rest, (owner < 0) & ~settled))


def owners_by_name(key: Ints, sent: Flags, taps: Facts) -> Ints:
    """Of each tap the position of the sent delivery that it names; -1: it names none."""
    tap_key = taps.installation.astype(np.int64) << 32 | taps.send
    place = np.searchsorted(key, tap_key)
    place[place == len(key)] = 0
    named = (key[place] == tap_key) & sent[place] if len(key) else np.zeros(len(tap_key), bool)
    return np.where(named, place, -1)


def once(taps: Facts, chosen: Flags) -> Flags:
    """Of the chosen taps, one of each that is there several times."""
    positions = np.flatnonzero(chosen)
    alone = taps.where(positions)
    place = alone.installation.astype(np.int64) << AT_BITS | alone.at
    order = np.lexsort((alone.send, place))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(place[order]) != 0) | (np.diff(alone.send[order]) != 0)
    mask = np.zeros(len(chosen), bool)
    mask[positions[order[is_first]]] = True
    return mask


def owners_by_time(  # noqa: PLR0913 - the columns of a delivery and of a tap
    key: Ints, campaign: Ints, at: Ints, sent: Flags, taps: Facts, tap_campaign: Ints, sends: Sends
) -> tuple[Ints, Flags]:
    """Of each tap: its delivery (-1: orphan) by time, and whether that one lies at or before the tap."""
    tapped = np.zeros(MOST_INSTALLATIONS, bool)
    tapped[taps.installation] = True
    mine = np.flatnonzero(sent & tapped[key >> 32])
    pairs, pair = np.unique((key[mine] >> 32) << 32 | campaign[mine], return_inverse=True)
    place = pair.astype(np.int64) << AT_BITS | at[mine]
    order = np.argsort(place)
    ordered = place[order]
    if (np.diff(ordered) == 0).any():
        order = np.lexsort((sends.ranks(key[mine] & 0xFFFFFFFF), place))
    tap_pair = taps.installation.astype(np.int64) << 32 | tap_campaign
    number = np.searchsorted(pairs, tap_pair)
    known = number < len(pairs)
    known[known] = pairs[number[known]] == tap_pair[known]
    first = np.searchsorted(ordered, number << AT_BITS)
    last = np.searchsorted(ordered, number << AT_BITS | taps.at, side="right") - 1
    earlier = known & (last >= first)
    owner = np.full(len(taps.at), -1, np.int64)
    owner[known] = mine[order[np.maximum(first, last)[known]]]
    return owner, earlier


_BITS = np.array([[code >> bit & 1 for bit in range(len(COUNTERS))] for code in range(64)], np.int64)


class Tally(NamedTuple):
    """Counters (columns in the order of ``COUNTERS``) by cell, a packed (campaign, day, version)."""

    cells: Ints
    counts: Ints

    def __add__(self, other: Tally) -> Tally:  # type: ignore[override]  # tallies add up, tuples do not
        """Both together, without cells that come to nothing."""
        cells, at = np.unique(np.concatenate((self.cells, other.cells)), return_inverse=True)
        counts = np.zeros((len(cells), len(COUNTERS)), np.int64)
        counts[at[: len(self.cells)]] += self.counts
        counts[at[len(self.cells) :]] += other.counts
        some = counts.any(axis=1)
        return Tally(cells[some], counts[some])

    def __sub__(self, other: Tally) -> Tally:
        """The change from ``other`` to this."""
        return self + Tally(other.cells, -other.counts)


NO_TALLY = Tally(np.empty(0, np.int64), np.empty((0, len(COUNTERS)), np.int64))


def tally(deliveries: Deliveries, keep: Flags | None = None) -> Tally:
    """Count deliveries by cell; ``keep`` by installation leaves the others out."""
    cells = deliveries.campaign << 18 | deliveries.day << 2 | deliveries.version
    counts = deliveries.counts
    if keep is not None:
        kept = keep[deliveries.installation]
        cells, counts = cells[kept], counts[kept]
    distinct, at = np.unique(cells, return_inverse=True)
    table = np.bincount(at * 64 + counts, minlength=64 * len(distinct)).reshape(-1, 64)
    return Tally(distinct, table @ _BITS)


def cell_parts(cells: Ints) -> tuple[Ints, Ints, Ints]:
    """Campaign, day and version of packed cells."""
    return cells >> 18, cells >> 2 & 0xFFFF, cells & 3


class Counted(NamedTuple):
    """What some installations add up to; ``loose_since`` is the time of the first loose tap of each, or NOT_YET."""

    tally: Tally
    orphans: int
    loose_since: Ints

    def after(self, old: Counted) -> Counted:
        """The change from ``old`` to this; what is loose is what is loose now."""
        return Counted(self.tally - old.tally, self.orphans - old.orphans, self.loose_since)


def counted(deliveries: Deliveries, installations: int, keep: Flags | None = None) -> Counted:
    """Count the deliveries of installations 0 … n; ``keep`` leaves some out."""
    taps = deliveries.timed.facts
    orphans = deliveries.timed.is_orphan
    if keep is not None:
        orphans = orphans & keep[taps.installation]
    loose = taps.where(deliveries.timed.is_loose)
    loose_since = np.full(installations, NOT_YET, np.int64)
    lower(loose_since, loose)
    return Counted(tally(deliveries, keep), int(orphans.sum()), loose_since)
