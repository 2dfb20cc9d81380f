"""A provider without a network that can be told to fail: for tests, demonstrations and first steps.

It is used only by an app whose credentials name it. What a push token begins with says how its pushes end:

    stub:gone          the token is of no use any more
    stub:refused       the message is refused
    stub:held          nothing can be sent for this app
    stub:retry:N       N times not now, then sent
    stub:slow:MS       sent, and the answer takes MS milliseconds longer

Anything may follow after another colon, so that tokens can differ. Every other token is sent to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from heapq import heappop, heappush
from pathlib import Path

import msgspec

from openrate.credentials import StubCredentials
from openrate.errors import OpenrateError
from openrate.model import Cause
from openrate.ports.provider import Check, Push, Result, Verdict

_SENT = Verdict(Result.SENT)
_BUSY = Verdict(Result.RETRY, Cause.THROTTLED, "The stub was told to be busy.")
_DOWN = Verdict(Result.RETRY, Cause.UNAVAILABLE, "The stub is down while its down file exists.")
_ENDS = {
    "gone": Verdict(Result.GONE, Cause.UNREGISTERED, "The stub was told that the token is gone."),
    "refused": Verdict(Result.REFUSED, Cause.PAYLOAD, "The stub was told to refuse the message."),
    "held": Verdict(Result.HELD, Cause.OTHER, "The stub was told that its credentials are refused."),
}
_LONGEST = 3_600_000
"""Milliseconds that an answer may take longer, and times that it may be busy."""


class Delivery(msgspec.Struct, frozen=True):
    """A line of the journal: a push that was accepted."""

    campaign_token: str
    send_id: str
    token: str
    title: str | None
    body: str


class StubProvider:
    """Accepts pushes at once and answers after ``latency_ms``.

    Args:
        journal: where a line of JSON (``Delivery``) is added for each accepted push, before its answer; it is
            there after a ``kill -9`` of this process.
        latency_ms: milliseconds from the push to its answer.
        down: while this file exists, nothing is accepted, and the answer is: not now.

    Raises:
        OpenrateError: the journal cannot be written.
    """

    def __init__(self, journal: Path | None = None, latency_ms: float = 0, down: Path | None = None) -> None:
        self._latency = latency_ms / 1000
        self._down = down
        self._journal = None
        if journal is not None:
            try:
                self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            except OSError as error:
                raise OpenrateError(
                    f"The stub's journal {journal} cannot be written ({error.strerror}): "
                    "make its folder, or set the credentials with another."
                ) from None
        self._busy: dict[tuple[str, str, str], int] = {}
        self._answers: list[tuple[float, int, Push, Verdict]] = []
        self._started = 0

    def start(self, pushes: Sequence[Push]) -> None:
        """Accept pushes, or not, as their tokens say."""
        is_down = self._down is not None and self._down.exists()
        now = time.monotonic()
        accepted = []
        for push in pushes:
            verdict, seconds = (_DOWN, 0.0) if is_down else self._told(push)
            if verdict is _SENT:
                accepted.append(push)
            self._started += 1
            heappush(self._answers, (now + self._latency + seconds, self._started, push, verdict))
        self._write(accepted)

    def finished(self, wait: float) -> list[tuple[Push, Verdict]]:
        """The answers that are due; waits up to ``wait`` seconds for the first."""
        now = time.monotonic()
        first = self._answers[0][0] if self._answers else now + wait
        if first > now:
            time.sleep(min(wait, first - now))
        done = []
        now = time.monotonic()
        while self._answers and self._answers[0][0] <= now:
            _, _, push, verdict = heappop(self._answers)
            done.append((push, verdict))
        return done

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None

    def _told(self, push: Push) -> tuple[Verdict, float]:
        """The end of a push, and the seconds that its answer takes longer."""
        if not push.token.startswith("stub:"):
            return _SENT, 0.0
        way, _, rest = push.token.removeprefix("stub:").partition(":")
        if way in _ENDS:
            return _ENDS[way], 0.0
        number = _number(rest)
        if way == "slow":
            return _SENT, number / 1000
        return (self._after(number, push) if way == "retry" else _SENT), 0.0

    def _after(self, times: int, push: Push) -> Verdict:
        """Busy for so many attempts at one delivery; then sent."""
        delivery = (push.token, push.message.campaign_token, push.message.send_id)
        count = self._busy.pop(delivery, 0)
        if count >= times:
            return _SENT
        self._busy[delivery] = count + 1
        return _BUSY

    def _write(self, accepted: Sequence[Push]) -> None:
        if self._journal is None or not accepted:
            return
        lines = [
            Delivery(
                push.message.campaign_token,
                push.message.send_id,
                push.token,
                push.message.title,
                push.message.body,
            )
            for push in accepted
        ]
        written = memoryview(msgspec.json.Encoder().encode_lines(lines))
        while written:
            written = written[os.write(self._journal, written) :]


def stub_for(credentials: StubCredentials) -> StubProvider:
    """The stub that credentials describe; raises OpenrateError when its journal cannot be written."""
    journal, down = (Path(path) if path else None for path in (credentials.journal, credentials.down))
    return StubProvider(journal, credentials.latency_ms, down)


def check(credentials: StubCredentials) -> Check:
    """Whether the stub can be made; it has nobody to ask."""
    with closing(stub_for(credentials)):
        return Check(True, "The stub works. It sends to nobody.")


def _number(rest: str) -> int:
    """``50`` of ``50:phone``; 0 when there is none."""
    with suppress(ValueError):
        return max(0, min(_LONGEST, int(rest.partition(":")[0])))
    return 0


def deliveries(journal: Path) -> list[Delivery]:
    """What a stub accepted, in order; a line that a crash cut off was not answered and is left out."""
    whole = journal.read_bytes().rpartition(b"\n")[0]
    return msgspec.json.Decoder(Delivery).decode_lines(whole)
