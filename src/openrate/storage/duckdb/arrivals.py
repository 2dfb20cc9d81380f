"""What has arrived and is not in the rows yet, for each app and since when."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from openrate.ports.event_log import Behind, ByApp

Stored = Callable[[ByApp, ByApp], None]
"""Told of the facts of both worlds, live and dev, that have become durable. It must not fail."""

_TOGETHER_S = 0.05
"""Seconds in which commits are remembered as one."""
_MOST = 4_096
"""So many are remembered; what comes after them is added to the last, so that only the oldest keep their age."""


class _Arrival(NamedTuple):
    """Facts that arrived together: up to which number in the log, when (seconds), and how many of each app."""

    upto: int
    at: float
    by_app: Counter[int]


class Arrivals:
    """Facts between their commit and the rows. Safe from any thread."""

    def __init__(self) -> None:
        self._waiting: deque[_Arrival] = deque()
        self._lock = threading.Lock()

    def add(self, upto: int, apps: ByApp) -> None:
        """These facts are durable, with numbers up to ``upto``. To be called before they can be counted."""
        by_app = Counter({app_id: len(facts) for app_id, facts in apps})
        now = time.monotonic()
        with self._lock:
            last = self._waiting[-1] if self._waiting else None
            if last and (now - last.at < _TOGETHER_S or len(self._waiting) >= _MOST):
                self._waiting[-1] = _Arrival(upto, last.at, last.by_app + by_app)
            elif by_app:
                self._waiting.append(_Arrival(upto, now, by_app))

    def counted(self, upto: int) -> None:
        """Everything up to this number is in the rows."""
        with self._lock:
            while self._waiting and self._waiting[0].upto <= upto:
                self._waiting.popleft()

    def behind(self, app_ids: Sequence[int]) -> Behind:
        """See ``ports.EventLog``; what arrived together is in the rows when all of it is."""
        with self._lock:
            waiting = list(self._waiting)
        facts = [sum(arrival.by_app[app_id] for app_id in app_ids) for arrival in waiting]
        since = next((arrival.at for arrival, count in zip(waiting, facts, strict=True) if count), None)
        return Behind(sum(facts), 0 if since is None else round((time.monotonic() - since) * 1000))
