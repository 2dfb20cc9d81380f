"""Sends for one app in one world, in a thread of its own.

A turn: take in answers → report what came to an end → choose what to attempt next → write both down → begin.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from openrate.delivery.desk import Desk
from openrate.delivery.pace import Rate, Window
from openrate.delivery.work import Work
from openrate.errors import OpenrateError
from openrate.model import App
from openrate.ports.provider import Provider, Push, Result, Verdict

logger = logging.getLogger(__name__)

_LOOK_S = 0.25
"""Seconds between looks at what is open: who stops a campaign sees it stop within a second."""
_TURN_S = 0.02
"""Seconds to gather answers before they are written down and others are begun."""
_PAUSE_S = 5.0
"""Seconds before what failed for all is tried again: storing facts, refused or missing credentials."""
_LAST_S = 5.0
"""Seconds that pushes under way get when the server stops."""


class Lane:
    """Sends what is open for one app in one world, until there is nothing left."""

    def __init__(self, app: App, dev: bool, desk: Desk) -> None:
        self._app, self._dev, self._desk = app, dev, desk
        self._work = Work(app, dev, desk)
        self._provider: Provider | None = None
        self._credentials: bytes | None = None
        self._window = Window()
        self._rate = Rate(app.send_rate, time.monotonic())
        self._is_outdated = False
        self._looked_at = -_LOOK_S
        self._reason: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"send-{app.id}", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether its thread has ended."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    def join(self) -> None:
        """Wait until what is under way has ended, a few seconds at most; the rest is in the journal."""
        self._thread.join(_LAST_S + 1)

    def _run(self) -> None:
        try:
            self._send_all()
        except Exception:  # the lane goes on after whatever it was
            logger.exception("Sending for %s failed; it goes on in a few seconds.", self._app.name)
            self._stop.wait(_PAUSE_S)
        try:
            self._finish()
        except Exception:  # the provider is let go in any case
            logger.exception("Sending for %s did not end in order; nothing is lost.", self._app.name)
        self._hang_up()

    def _send_all(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
                if self._work.is_over:
                    return
                self._turn()
            except OpenrateError as error:
                self._wait_because(str(error), _PAUSE_S)

    def _turn(self) -> None:
        now = self._desk.clock.now()
        self._take_answers()
        self._work.conclude(0 if self._work.under_way else _TURN_S)
        self._work.expire(now)
        self._attempt(now)
        pushes = self._work.write(now)
        if pushes and self._provider is not None:
            self._provider.start(pushes)
        elif not self._work.under_way and not self._work.reporting:
            self._stop.wait(_TURN_S)
        self._work.retire()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        self._app = self._desk.records.app_by_key(self._app.live_key) or self._app
        self._work.look(self._app)
        if (credentials := self._desk.providers.credentials(self._app)) != self._credentials:
            self._credentials = credentials
            self._is_outdated = True
            self._window = Window()  # what closed it may be mended
        if self._app.send_rate != self._rate.per_minute:
            self._rate = Rate(self._app.send_rate, now)
        for send in self._work.open_sends:
            if send.reason != self._reason:
                self._desk.sends.explain(send.id, self._reason)

    def _attempt(self, at: int) -> None:
        """Choose what to begin now, as far as the window and the rate allow."""
        now = time.monotonic()
        # What is answered and not written down yet would be attempted twice as well, if this process died now.
        at_risk = self._work.under_way + self._work.reporting
        most = min(self._window.room(at_risk, now), self._rate.room(now))
        if most > 0 and self._has_provider():
            self._rate.take(self._work.attempt(most, at))

    def _has_provider(self) -> bool:
        """Whether there is a way to the devices; an outdated one is replaced when nothing is under way."""
        if self._is_outdated:
            if self._work.under_way:
                return False
            self._hang_up()  # the next one is made with the credentials of now
        if self._provider is None:
            try:
                self._provider = self._desk.providers.provider(self._app, self._dev)
            except OpenrateError as error:
                self._wait_because(str(error), _PAUSE_S)
        return self._provider is not None

    def _take_answers(self) -> None:
        if self._provider is None or not self._work.under_way:
            return
        answers: list[tuple[Push, Verdict]] = []
        under_way, until = self._work.under_way, time.monotonic() + _TURN_S
        # Writing down costs the same for one answer as for hundreds, and the network stands still meanwhile.
        while len(answers) < under_way and (left := until - time.monotonic()) > 0:
            answers += self._provider.finished(left)
        if answers:
            self._work.answered(answers, self._desk.clock.now())
            self._adapt(answers)

    def _adapt(self, answers: Sequence[tuple[Push, Verdict]]) -> None:
        """Let the answers decide how many are under way, and say why a send waits."""
        now = time.monotonic()
        held = next((verdict for _, verdict in answers if verdict.result is Result.HELD), None)
        if held is not None:
            self._is_outdated = True
            self._window.shut(_PAUSE_S, now)
            self._explain(held.reason)
            return
        not_now = [verdict for _, verdict in answers if verdict.result is Result.RETRY]
        asked = max((verdict.retry_after or 0 for verdict in not_now), default=0)
        self._window.on_answers(len(answers) - len(not_now), len(not_now), now, asked)
        if self._window.room(0, now):
            self._explain(None)
        elif not_now:
            self._explain(f"{not_now[0].reason} It is tried again.")

    def _wait_because(self, reason: str, seconds: float) -> None:
        self._window.close(seconds, time.monotonic())
        self._explain(reason)
        self._stop.wait(_TURN_S)

    def _explain(self, reason: str | None) -> None:
        """Why the sends wait, or that they do not any more; it is written down at the next look."""
        if reason is not None and reason != self._reason:
            logger.warning("Sending for %s waits: %s", self._app.name, reason)
        if reason is not None:
            self._desk.activity.waits(self._app.id, reason)
        self._reason = reason

    def _finish(self) -> None:
        """Wait for what is under way, write its end down, and give back the chunks."""
        deadline = time.monotonic() + _LAST_S
        while (self._work.under_way or self._work.reporting) and time.monotonic() < deadline:
            self._take_answers()
            self._work.conclude(_TURN_S)
        self._work.write(self._desk.clock.now())
        self._work.retire()
        self._work.put_back()

    def _hang_up(self) -> None:
        if self._provider is not None:
            self._provider.close()
            self._provider = None
            self._is_outdated = False
