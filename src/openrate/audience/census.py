"""Counts the audiences of apps behind everybody's back: what people look at answers from memory."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from openrate.audience.figures import Counting, Day, Figures, history, together
from openrate.conditions import AsOf
from openrate.model import DAY_MS, App
from openrate.ports.audience import AudienceCounts, AudienceDay
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog
from openrate.ports.records import Records

logger = logging.getLogger(__name__)

_FIRST_DAYS_S, _DAYS_EVERY_S = 30.0, 3600.0
"""Seconds from the start, and between two counts of how many there are: a second of work for a million."""
_SHORTEST_S, _REST = 5.0, 10
"""An app is counted anew after 5 seconds, or 10 times as long as a processor was busy with it."""
_PATIENCE_S = 0.05
"""How long who asks first waits: a small app is counted within that."""
_LAST_S = 1.0
"""Seconds that a count under way gets to notice that the server stops."""

_Part = TypeVar("_Part")


class _Stopped(Exception):
    """Nobody wants the count any more."""


class Census:
    """Counts an app when somebody looks at it, and how many installations there are every hour.

    One thread does it, an app at a time, with a rest after each portion as long as the portion kept a processor busy:
    a million installations take 6 seconds of that, so they are as of a minute ago. Safe from any thread.
    """

    def __init__(self, records: Records, log: EventLog, counts: AudienceCounts, clock: Clock) -> None:
        self._records = records
        self._log = log
        self._counts = counts
        self._clock = clock
        self._known: dict[int, Figures] = {}
        self._not_before: dict[int, float] = {}
        self._wanted: dict[int, App] = {}
        self._kept: dict[int, AudienceDay] = {}
        self._days_at = time.monotonic() + _FIRST_DAYS_S
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="census", daemon=True)
        self._thread.start()

    def of(self, apps: Sequence[App]) -> dict[int, Figures]:
        """The figures of these apps by id, as they were counted last; one that was not yet is not there.

        Never takes longer than a moment. What is old is counted anew afterwards, so asking again gets it.
        """
        with self._changed:
            now = time.monotonic()
            self._wanted.update({app.id: app for app in apps if self._not_before.get(app.id, 0) <= now})
            self._changed.notify_all()
            self._changed.wait_for(lambda: all(app.id in self._known for app in apps), _PATIENCE_S)
            return {app.id: self._known[app.id] for app in apps if app.id in self._known}

    def history(self, apps: Sequence[App], days: int) -> list[Day]:
        """So many UTC days of these apps together, ascending; today is the last one. Raises StoreError."""
        last = self._clock.now() // DAY_MS
        first = last - days + 1
        kept = self._counts.days([app.id for app in apps], first)
        known = together([self._known[app.id] for app in apps if app.id in self._known])
        return history(kept, {} if known is None else known.registered, first, last)

    def close(self) -> None:
        """Count no more."""
        with self._changed:
            self._stop.set()
            self._changed.notify_all()
        self._thread.join(_LAST_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            app = self._next()
            try:
                if app is not None:
                    self._count(app)
                elif time.monotonic() >= self._days_at:
                    self._count_days()
            except _Stopped:
                return
            except Exception:  # a count that fails ends none of the later ones
                if not self._stop.is_set():
                    logger.exception("Counting installations failed; it is tried again.")

    def _next(self) -> App | None:
        """The app that is wanted longest; None when it is time to count how many there are, or to stop."""
        with self._changed:
            left = max(0.0, self._days_at - time.monotonic())
            self._changed.wait_for(lambda: self._wanted or self._stop.is_set(), left)
            if not self._wanted or self._stop.is_set():
                return None
            app = self._wanted.pop(next(iter(self._wanted)))
            self._not_before[app.id] = float("inf")
            return app

    def _count(self, app: App) -> None:
        began = time.thread_time()
        try:
            figures = self._figures(app)
        finally:
            rest = max(_SHORTEST_S, _REST * (time.thread_time() - began))
            with self._changed:
                self._not_before[app.id] = time.monotonic() + rest
        total = figures.total
        # Before the figures are shown: who sees them sees the day that they make.
        self._keep([AudienceDay(app.id, figures.as_of // DAY_MS, total.installations, total.opted_in)])
        with self._changed:
            self._known[app.id] = figures
            self._changed.notify_all()

    def _figures(self, app: App) -> Figures:
        as_of = AsOf(self._clock.now(), self._records.company_of(app).rule.inactive_after)
        counting = Counting(as_of, self._log.opens(app.id, dev=False))
        for portion in self._gently(self._counts.portions(app.id)):
            counting.add(portion)
        return counting.figures(self._records.audiences(app.id, dev=False))

    def _count_days(self) -> None:
        self._days_at = time.monotonic() + _DAYS_EVERY_S
        day = self._clock.now() // DAY_MS
        days = []
        for app in self._records.apps():
            parts = list(self._gently(self._counts.totals(app.id)))
            installations, opted_in = (sum(part[column] for part in parts) for column in (0, 1))
            days.append(AudienceDay(app.id, day, installations, opted_in))
        self._keep(days)

    def _keep(self, days: Sequence[AudienceDay]) -> None:
        """Keep what is not kept already: a server where nothing happens writes nothing."""
        fresh = [day for day in days if self._kept.get(day.app_id) != day]
        if fresh:
            self._counts.put_days(fresh)
            self._kept.update({day.app_id: day for day in fresh})

    def _gently(self, parts: Iterable[_Part]) -> Iterator[_Part]:
        """The parts, with a rest after each; raises _Stopped."""
        began = time.thread_time()
        for part in parts:
            yield part
            if self._stop.wait(time.thread_time() - began):
                raise _Stopped
            began = time.thread_time()
