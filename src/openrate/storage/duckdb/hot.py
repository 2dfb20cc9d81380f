"""The recent facts in memory, by installation: what attribution of new facts needs, without reading the log.

The facts with ``at >= horizon`` are here, all of them, in a ring in order of arrival, each linked to the
one before it of the same installation. Of the facts before the horizon there is, per installation, when it
was first seen, when it last opened and since when it has loose taps (here or there: taps with no sent
delivery at or before them, and none by name), and per send and campaign, whether it has reports or taps
back there.

That is enough to know how new facts change the counters of an installation, except when the change
reaches behind the horizon. ``must_reread`` says when, and then its facts are read from the log instead:

1. a new fact is from before the horizon, or an open close enough after it to be owed to a delivery before;
2. a report is about a send that also has reports or taps from before the horizon;
3. of its taps before the horizon one is loose: a report that comes now may decide whose it is;
4. whose a tap is, is not certain here (known after ``evaluate``: ``undecided``). A tap that was known and not
   loose, but finds no delivery here, has one from before the horizon: it is settled, and nothing to look for.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from openrate.model import DAY_MS, FactType
from openrate.ports.event_log import NEVER
from openrate.storage.duckdb.evaluate import (
    NOT_YET,
    Before,
    Deliveries,
    Facts,
    Flags,
    Ints,
    lift,
    lower,
)
from openrate.storage.duckdb.numbering import Numbering

_Number = TypeVar("_Number", np.bool_, np.int32, np.int64)
_NONE = -1
_LONG_LIST = 128
HORIZON_STEP_MS = DAY_MS
"""The horizon lies at midnight UTC: a send without a name of its own is a date, so none lies on both sides."""
MARGIN_MS = 2 * DAY_MS


class _Known(NamedTuple):
    """Arrays by installation."""

    newest: NDArray[np.int32]
    first_seen: Ints
    last_open: Ints
    loose_since: Ints

    @classmethod
    def room(cls, size: int) -> _Known:
        """Room for so many; what is not touched costs no memory."""
        return cls(np.empty(size, np.int32), *(np.empty(size, np.int64) for _ in range(3)))

    def cut(self, size: int) -> _Known:
        """The first ``size`` of it, in the same memory."""
        return _Known(
            self.newest[:size], self.first_seen[:size], self.last_open[:size], self.loose_since[:size]
        )


_ROOM = 1_000_000
"""Installations for which there is room at first."""


class HotFacts:
    """The hot window. Not safe for concurrent use: attribution is the only one that touches it."""

    def __init__(self, capacity: int, reengage_window_ms: int, numbering: Numbering) -> None:
        self._numbering = numbering
        # Untouched pages of these arrays cost no memory.
        self._facts = Facts(
            np.empty(capacity, np.int32),
            np.empty(capacity, np.int64),
            np.empty(capacity, np.int32),
            np.empty(capacity, np.uint8),
        )
        self._next = np.empty(capacity, np.int32)
        self._capacity = capacity
        self._write = 0
        self._size = 0
        self._room = _Known.room(_ROOM)
        self._known = self._room.cut(0)
        self._past_send = np.zeros(0, bool)
        self._past_campaign = np.zeros(0, bool)
        self._newest_at = 0
        self.reengage_window_ms = reengage_window_ms
        self.horizon = 0

    def __len__(self) -> int:
        return self._size

    def make_known(self, installations: int) -> None:
        """Make room for that many installations, and for every send and campaign that has a number."""
        _, sends, campaigns = self._numbering.sizes
        known = len(self._known.newest)
        if installations > len(self._room.newest):
            # Twice as much, and untouched: filling it would stop attribution for as long as copying does.
            larger = _Known.room(2 * installations)
            for old, new in zip(self._known, larger, strict=True):
                np.copyto(cast(Ints, new)[:known], cast(Ints, old))
            self._room = larger
        self._known = self._room.cut(max(known, installations))
        for array, unknown in zip(self._known, (_NONE, NOT_YET, NEVER, NOT_YET), strict=True):
            cast(Ints, array)[known:] = unknown
        self._past_send = _grown(self._past_send, sends, fill=False)
        self._past_campaign = _grown(self._past_campaign, campaigns, fill=False)

    def before(self, installations: NDArray[np.int32], new: Facts) -> Before:
        """What is known of these installations from before the horizon, when ``new`` is all that is new."""
        settled_until = self._known.loose_since[installations]
        taps = new.where(new.types == FactType.PUSH_OPEN)
        lower(settled_until, taps)
        return Before(
            self._known.first_seen[installations], self._known.last_open[installations], settled_until
        )

    def gather(self, installations: NDArray[np.int32]) -> Facts:
        """The facts here of these installations, numbered by position in ``installations``."""
        local = np.arange(len(installations), dtype=np.int32)
        slot = self._known.newest[installations]
        age = np.full(len(local), -1, np.int64)
        found: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
        while len(local):
            if len(found) > _LONG_LIST:
                return self._gather_by_scan(installations)
            slot_age = (self._write - 1 - slot) % self._capacity
            # A link may lead to a slot that was used again: by another installation, or out of order in age.
            alive = (slot != _NONE) & (slot_age > age) & (slot_age < self._size)
            alive &= self._facts.installation[slot] == installations[local]
            local, slot, age = local[alive], slot[alive], slot_age[alive]
            found.append((local, slot))
            slot = self._next[slot]
        owners = np.concatenate([local for local, _ in found] or [local])
        slots = np.concatenate([slot for _, slot in found] or [slot])
        facts = Facts(owners, self._facts.at[slots], self._facts.send[slots], self._facts.code[slots])
        return facts.where(facts.at >= self.horizon)

    def _gather_by_scan(self, installations: NDArray[np.int32]) -> Facts:
        """The same for installations with very many facts: following a list costs a step per fact."""
        wanted = np.full(len(self._known.newest), _NONE, np.int32)
        wanted[installations] = np.arange(len(installations), dtype=np.int32)
        found = []
        for part in self._live():
            facts = self._facts.where(part)
            facts = facts._replace(installation=wanted[facts.installation])
            found.append(facts.where((facts.installation != _NONE) & (facts.at >= self.horizon)))
        return Facts.together(found)

    def loose_since(self, installations: NDArray[np.int32]) -> Ints:
        """When each has its first loose tap; NOT_YET: it has none."""
        return self._known.loose_since[installations]

    def set_loose_since(self, installations: NDArray[np.int32], loose_since: Ints) -> None:
        """Remember when each has its first loose tap, before the horizon or after it."""
        self._known.loose_since[installations] = loose_since

    def must_reread(self, installations: NDArray[np.int32], here: Facts, new: Facts) -> Flags:
        """Which of the installations need their facts from the log (conditions 1, 2 and 3)."""
        reread = self._known.loose_since[installations] < self.horizon
        opens = (new.types == FactType.PUSH_OPEN) | (new.types == FactType.APP_OPEN)
        reach = np.where(opens, self.horizon + self.reengage_window_ms, self.horizon)
        reread[new.installation[new.at < reach]] = True
        for facts in (here, new):
            reports = facts.where(facts.types <= FactType.PUSH_ERROR)
            reread[reports.installation[self._past_send[reports.send]]] = True
        return reread

    def undecided(self, old: Deliveries, now: Deliveries, installations: int) -> Flags:
        """Which of the installations need their facts from the log (condition 4), because of one of their taps.

        It has no delivery here, but may have one from before the horizon; or it has one here, but may name one
        from before the horizon; or it had one from before the horizon, and now there is a better one here.
        """
        reread = np.zeros(installations, bool)
        for taps in (old.timed, now.timed):
            unsure = taps.is_loose & self._past_campaign[taps.campaign]
            unsure |= taps.is_late & self._past_send[taps.facts.send]
            reread[taps.facts.installation[unsure]] = True
        were, are = (
            _count(taps.facts.installation[taps.is_settled], installations) for taps in (old.timed, now.timed)
        )
        reread |= were != are
        return reread

    def take(self, facts: Facts) -> None:
        """Add facts; then move the horizon if it is time."""
        late = facts.at < self.horizon
        self.remember(facts.where(late))
        self._append(facts.where(~late))
        self._newest_at = max(self._newest_at, int(facts.at.max(initial=0)))
        self._move_horizon(self.wanted_horizon(self._newest_at))

    def wanted_horizon(self, newest_at: int) -> int:
        """Where the horizon belongs when the newest fact is that old."""
        wanted = newest_at - self.reengage_window_ms - MARGIN_MS
        return max(0, wanted - wanted % HORIZON_STEP_MS)

    def remember(self, facts: Facts) -> None:
        """Keep what matters of facts from before the horizon."""
        seen = facts.where(facts.code >= FactType.PUSH_OPEN << 3)
        lower(self._known.first_seen, seen)
        opened = seen.code < FactType.INSTALLED << 3
        lift(self._known.last_open, seen if opened.all() else seen.where(opened))
        # A tap that names no send cannot be claimed by one; if it is loose, that is known elsewhere.
        about = np.flatnonzero(facts.code < FactType.APP_OPEN << 3)
        sends = np.flatnonzero(_count(facts.send[about], 0))
        sends = sends[self._numbering.send_is_named.values[sends] == 1]
        self._past_send[sends] = True
        self._past_campaign[self._numbering.send_campaign.values[sends]] = True

    def _append(self, facts: Facts) -> None:
        step = max(1, self._capacity // 16)
        for start in range(0, len(facts.at), step):
            part = facts.where(slice(start, start + step))
            self._make_room(len(part.at))
            part = self._keep_recent(part)
            slots = ((self._write + np.arange(len(part.at))) % self._capacity).astype(np.int32)
            self._facts.installation[slots] = part.installation
            self._facts.at[slots] = part.at
            self._facts.send[slots] = part.send
            self._facts.code[slots] = part.code
            self._link(part.installation, slots)
            self._write = (self._write + len(slots)) % self._capacity
            self._size += len(slots)

    def _keep_recent(self, facts: Facts) -> Facts:
        """Making room may have moved the horizon past some of the facts that room was made for."""
        late = facts.at < self.horizon
        self.remember(facts.where(late))
        return facts.where(~late)

    def _link(self, installation: NDArray[np.int32], slots: NDArray[np.int32]) -> None:
        """Link each fact to the one before it of its installation, and each installation to its newest."""
        if not len(slots):
            return
        order = np.argsort(installation.astype(np.int64) << 32 | np.arange(len(slots)))
        owner, mine = installation[order], slots[order]
        first = np.diff(owner, prepend=-1) != 0
        previous = np.concatenate((mine[:1], mine[:-1]))
        self._next[mine] = np.where(first, self._known.newest[owner], previous)
        last = np.append(first[1:], True)
        self._known.newest[owner[last]] = mine[last]

    def _make_room(self, count: int) -> None:
        """When full, move the horizon over the oldest arrivals: slower for facts behind it, never wrong."""
        while self._size + count > self._capacity:
            oldest = self._live()[0]
            part = slice(oldest.start, min(oldest.stop, oldest.start + max(count, self._capacity // 16)))
            newest = int(self._facts.at[part].max())
            self._move_horizon(newest + 1)

    def _move_horizon(self, horizon: int) -> None:
        if horizon <= self.horizon:
            return
        for part in self._live():
            at = self._facts.at[part]
            leaving = (at >= self.horizon) & (at < horizon)
            self.remember(self._facts.where(part).where(leaving))
        self.horizon = horizon
        for part in self._live():
            recent = self._facts.at[part] >= horizon
            dead = int(recent.argmax()) if recent.any() else len(recent)
            self._size -= dead
            if dead < len(recent):
                break

    def _live(self) -> list[slice]:
        """The used part of the ring in order of arrival."""
        start = self._write - self._size
        if start >= 0:
            return [slice(start, self._write)]
        return [slice(start + self._capacity, self._capacity), slice(0, self._write)]


def _count(numbers: NDArray[np.int32], size: int) -> NDArray[np.intp]:
    """How often each number below ``size`` occurs."""
    counts: NDArray[np.intp] = np.bincount(numbers, minlength=size)
    return counts


def _grown(array: NDArray[_Number], size: int, fill: int) -> NDArray[_Number]:
    if size <= len(array):
        return array
    grown = np.full(max(size, len(array) * 3 // 2), fill, array.dtype)
    grown[: len(array)] = array
    return grown
