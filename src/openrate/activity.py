"""What happens at the server just now, for each app, kept in memory for an hour.

What arrives is counted when it is durable, whoever reported it; what is refused, when it is refused. Counting
costs microseconds, for each commit of facts and for each refused request. After a restart it begins anew: the
numbers that last are the statistics.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

import numpy as np

from openrate.model import Cause, FactType
from openrate.ports.clock import Clock
from openrate.ports.event_log import ByApp, FactColumns

MINUTES = 60
_MINUTE_MS = 60_000


class Counted(NamedTuple):
    """What happened in some time, the most frequent first. Names that do not occur are not there.

    Attributes:
        facts: stored, repeats included, by type; live world.
        dev_facts: stored of development builds.
        errors: ``push_error`` facts among those, by cause.
        refused_facts: by the code of the refusal (``POST /v1/{key}/events``).
        refused_requests: answered with an error, by its type, for instance AUTHENTICATION_INVALID.
    """

    facts: Mapping[FactType, int]
    dev_facts: int
    errors: Mapping[Cause, int]
    refused_facts: Mapping[str, int]
    refused_requests: Mapping[str, int]


class Minute(NamedTuple):
    """The facts stored in a minute that began ``at`` (milliseconds since 1970), by type."""

    at: int
    facts: Mapping[FactType, int]


class Wait(NamedTuple):
    """Why sending for an app had to wait, and when it did last (milliseconds since 1970)."""

    reason: str
    at: int


class Recent(NamedTuple):
    """What happened to some apps.

    Attributes:
        since: when counting began, in milliseconds since 1970.
        minutes: the last MINUTES, ascending; the last one is under way.
        last_hour: in these minutes.
        since_start: since ``since``.
    """

    since: int
    minutes: Sequence[Minute]
    last_hour: Counted
    since_start: Counted


class _What(Enum):
    FACT = auto()
    DEV_FACT = auto()
    PUSH_ERROR = auto()
    REFUSED_FACT = auto()
    REFUSED_REQUEST = auto()


_Key = tuple[_What, FactType | Cause | str]
"""The names under each are few and ours, so what is counted is bounded."""


class _App:
    """Counts of one app: all, and by minute since 1970."""

    def __init__(self) -> None:
        self.total: Counter[_Key] = Counter()
        self.minutes: deque[tuple[int, Counter[_Key]]] = deque(maxlen=MINUTES)

    def add(self, counts: Mapping[_Key, int], minute: int) -> None:
        if not self.minutes or self.minutes[-1][0] < minute:
            self.minutes.append((minute, Counter()))
        for counter in (self.total, self.minutes[-1][1]):
            counter.update(counts)


class Activity:
    """Counts what happens. Safe from any thread; 25 kB for an app about which something arrives all the time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.now()
        self._apps: dict[int, _App] = {}
        self._waits: dict[int, Wait] = {}
        self._lock = threading.Lock()

    def facts_stored(self, live: ByApp, dev: ByApp) -> None:
        """These facts of both worlds, by app id, are durable."""
        for app_id, facts in live:
            self._add(app_id, _by_kind(facts))
        for app_id, facts in dev:
            self._add(app_id, {(_What.DEV_FACT, ""): len(facts)})

    def facts_refused(self, app_id: int, refused: Mapping[tuple[int, str], int]) -> None:
        """So many facts were refused, by the campaign they name and code."""
        counts: Counter[_Key] = Counter()
        for (_, code), count in refused.items():
            counts[_What.REFUSED_FACT, code] += count
        if counts:
            self._add(app_id, counts)

    def request_refused(self, app_id: int, error_type: str) -> None:
        """A request whose path names this app was answered with an error."""
        self._add(app_id, {(_What.REFUSED_REQUEST, error_type): 1})

    def waits(self, app_id: int, reason: str) -> None:
        """Sending for an app has to wait."""
        self._waits[app_id] = Wait(reason, self._clock.now())

    def last_wait(self, app_id: int) -> Wait | None:
        """Why sending for an app had to wait last, perhaps long ago; None: it never had to."""
        return self._waits.get(app_id)

    def of(self, app_ids: Sequence[int]) -> Recent:
        """What happened to these apps together."""
        now = self._clock.now() // _MINUTE_MS
        by_minute = {minute: Counter[_Key]() for minute in range(now - MINUTES + 1, now + 1)}
        total: Counter[_Key] = Counter()
        with self._lock:
            for app in (self._apps[app_id] for app_id in app_ids if app_id in self._apps):
                total.update(app.total)
                for minute, counts in app.minutes:
                    if minute in by_minute:
                        by_minute[minute].update(counts)
        minutes = [Minute(at * _MINUTE_MS, _counted(counts).facts) for at, counts in by_minute.items()]
        last_hour = sum(by_minute.values(), Counter[_Key]())
        return Recent(self._since, minutes, _counted(last_hour), _counted(total))

    def last_hour(self, app_id: int) -> Counted:
        """What happened to an app in the last MINUTES: the same as ``of`` says, without the minutes."""
        now = self._clock.now() // _MINUTE_MS
        with self._lock:
            app = self._apps.get(app_id)
            recent = (
                [counts for minute, counts in app.minutes if now - MINUTES < minute <= now] if app else []
            )
            return _counted(sum(recent, Counter[_Key]()))

    def refused_facts(self) -> Mapping[str, int]:
        """The facts refused since the start, of all apps, by code."""
        with self._lock:
            whole = sum((app.total for app in self._apps.values()), Counter[_Key]())
        return _counted(whole).refused_facts

    def _add(self, app_id: int, counts: Mapping[_Key, int]) -> None:
        minute = self._clock.now() // _MINUTE_MS
        with self._lock:
            app = self._apps.get(app_id)
            if app is None:
                app = self._apps[app_id] = _App()
            app.add(counts, minute)


def _by_kind(facts: FactColumns) -> Counter[_Key]:
    """By type as arrays, for single events come in commits of hundreds of kinds; by cause one by one."""
    by_kind = np.bincount(facts.kind, minlength=len(facts.kinds))
    types = np.array([kind.type for kind in facts.kinds], np.int64)
    by_type = np.bincount(types, by_kind, len(FactType)).astype(np.int64).tolist()
    counts: Counter[_Key] = Counter({(_What.FACT, each): by_type[each] for each in FactType if by_type[each]})
    if by_type[FactType.PUSH_ERROR]:
        for kind, number in zip(facts.kinds, by_kind.tolist(), strict=True):
            if kind.cause is not None:
                counts[_What.PUSH_ERROR, kind.cause] += number
    return counts


def _counted(counts: Mapping[_Key, int]) -> Counted:
    by_what: dict[_What, dict[Any, int]] = {what: {} for what in _What}
    for (what, name), count in sorted(counts.items(), key=lambda item: -item[1]):
        if count:
            by_what[what][name] = count
    return Counted(
        by_what[_What.FACT],
        sum(by_what[_What.DEV_FACT].values()),
        by_what[_What.PUSH_ERROR],
        by_what[_What.REFUSED_FACT],
        by_what[_What.REFUSED_REQUEST],
    )
