"""What the providers that speak HTTP have in common: a message is made ready once, an answer becomes a verdict.

A provider adds two functions: ``_request``, which fills a token into a message, and ``_verdict``, which reads an
answer by the provider's table.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from openrate.model import Cause, Message, Platform
from openrate.payloads import MOST_BYTES
from openrate.ports.clock import Clock
from openrate.ports.provider import Check, Provider, Push, Result, Verdict
from openrate.providers.http2 import Answer, Http2Client, Request

_LONGEST_TTL = 2_419_200
"""Seconds; four weeks are the most that Google takes."""
_RENEW_MS = 1000
_REMEMBERED = 256
"""Messages kept ready: versions times languages of the sends under way."""
_WORD = re.compile(r"[A-Za-z_]{1,64}", re.ASCII)

Ready = TypeVar("Ready")

SENT = Verdict(Result.SENT)
TRIAL_S = 10.0
"""Seconds that a provider gets to say whether it takes credentials."""
_TURN = 0.1
_NO_ANSWER = Verdict(Result.RETRY, Cause.UNAVAILABLE, f"There was no answer within {TRIAL_S:.0f} seconds.")
_EXPIRED = Verdict(Result.REFUSED, Cause.EXPIRED, "The message's time to live is over.")


class ReadyMessages(Generic[Ready]):
    """Messages in a provider's form, but for the token: thousands of pushes share one.

    Args:
        make: makes a message ready, given the seconds that are left of its time to live.
    """

    def __init__(self, make: Callable[[Message, int], Ready | Verdict]) -> None:
        self._make = make
        self._known: dict[int, tuple[Message, int, Ready | Verdict]] = {}

    def of(self, message: Message, now: int) -> Ready | Verdict:
        """The message made ready, or why it cannot be sent; made anew each second, as less time is left."""
        # By identity: the callers share the object, and comparing all that it says costs more than the rest.
        known = self._known.get(id(message))
        if known is not None and known[0] is message and now - known[1] < _RENEW_MS:
            return known[2]
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        left = message.expires_at - now
        made = self._make(message, min(left // 1000, _LONGEST_TTL)) if left > 0 else _EXPIRED
        self._known[id(message)] = (message, now, made)
        return made


class HttpProvider(ABC):
    """A provider by HTTP (``ports.Provider``)."""

    def __init__(self, client: Http2Client[Push], clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._ended: list[tuple[Push, Verdict]] = []

    def start(self, pushes: Sequence[Push]) -> None:
        """Begin to send; what cannot be sent ends without the network."""
        now = self._clock.now()
        for push in pushes:
            request = self._request(push, now)
            if isinstance(request, Verdict):
                self._ended.append((push, request))
            else:
                self._client.start(push, request)

    def finished(self, wait: float) -> list[tuple[Push, Verdict]]:
        """What came to an end since the last call; waits up to ``wait`` seconds when nothing has."""
        done, self._ended = self._ended, []
        answers = self._client.finished(0 if done else wait)
        return done + [(push, self._read(answer)) for push, answer in answers]

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _read(self, answer: Answer) -> Verdict:
        return self._verdict(answer) if answer.status else unanswered(answer)

    @abstractmethod
    def _request(self, push: Push, now: int) -> Request | Verdict:
        """The request for a push, or how it ends without one."""

    @abstractmethod
    def _verdict(self, answer: Answer) -> Verdict:
        """What an answer with a status means."""


def unanswered(answer: Answer) -> Verdict:
    """The verdict when nobody answered."""
    return Verdict(Result.RETRY, Cause.UNAVAILABLE, f"There was no answer: {answer.failure}.")


def tried(provider: Provider, nobody: str, taken: str) -> Check:
    """What a provider says of its credentials, asked on the way of every push; waits ``TRIAL_S`` at most.

    It looks at them first. When it finds fault with the token, it has taken them.

    Args:
        provider: with the credentials.
        nobody: a token that no device has.
        taken: the sentence when it takes them.
    """
    deadline = time.monotonic() + TRIAL_S
    expires_at = time.time_ns() // 1_000_000 + 60_000
    message = Message("check", "check", None, "Check", None, None, {}, False, False, None, expires_at)
    provider.start([Push(0, nobody, message)])
    ended: list[tuple[Push, Verdict]] = []
    while not ended and time.monotonic() < deadline:
        ended = provider.finished(_TURN)
    verdict = ended[0][1] if ended else _NO_ANSWER
    if verdict.result in {Result.SENT, Result.GONE} or verdict.cause is Cause.INVALID_TOKEN:
        return Check(True, taken)
    return Check(False if verdict.result is Result.HELD else None, verdict.reason)


def too_long(platform: Platform) -> Verdict:
    """How a message ends that is longer than the platform takes."""
    said = f"The message is longer than {MOST_BYTES[platform]:,} bytes."
    return Verdict(Result.REFUSED, Cause.PAYLOAD, said)


def word(said: str) -> str:
    """A code that a provider answered, if it is one: what else it says may quote a token."""
    return said if _WORD.fullmatch(said) else ""
