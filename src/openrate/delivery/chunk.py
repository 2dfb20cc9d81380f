"""How far a chunk is, and what is to be done next in it. Nothing here waits, reads or writes.

A recipient is *open* until its end is known. It is attempted, which is written down before the push begins;
it ends as sent, as an error, or is skipped because there is no push token any more. "Not now" makes it wait
for another try. After a crash the attempts of which no end is written down are made once more, with the
same ``at``: if both arrive, they are the same fact.

Times are milliseconds since 1970.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from openrate.model import Cause
from openrate.ports.provider import Result, Verdict
from openrate.ports.sends import Attempt, Chunk, Recipient, SendTally

OPEN, SENT, ERROR, SKIPPED = range(4)
"""What stands for each recipient in the outcomes of a chunk."""

_FIRST_DELAY, _LONGEST_DELAY = 2_000, 300_000
"""Milliseconds before another try."""
_HELD_MS = 30_000


class End(NamedTuple):
    """What is reported about a recipient; ``cause`` is None when it was sent to."""

    position: int
    at: int
    cause: Cause | None


class ChunkRun:
    """A claimed chunk in the hands of a worker."""

    def __init__(self, chunk: Chunk, recipients: dict[str, Recipient]) -> None:
        self.chunk = chunk
        self._recipients = [recipients.get(name) for name in chunk.installations]
        self._outcomes = bytearray(chunk.outcomes)
        self._attempts = dict(chunk.attempts)
        self._next = 0
        self._under_way: set[int] = set()
        self._waiting: list[tuple[int, int]] = []
        for position, attempt in self._attempts.items():
            heappush(self._waiting, (attempt.not_before, position))

    @property
    def is_done(self) -> bool:
        """Whether every recipient has an end that may be written down."""
        return not self._attempts and self._next >= len(self._outcomes)

    @property
    def under_way(self) -> int:
        """How many pushes have no answer yet."""
        return len(self._under_way)

    def recipient(self, position: int) -> Recipient:
        """Who is at a position that was given to attempt."""
        found = self._recipients[position]
        assert found is not None  # noqa: S101 - those without are skipped and never given
        return found

    def next_try_at(self) -> int | None:
        """When something is to be tried again."""
        return self._waiting[0][0] if self._waiting else None

    def attempt(self, most: int, now: int) -> tuple[list[int], SendTally]:
        """Positions to push to now, at most so many, and how many were skipped on the way to them."""
        positions: list[int] = []
        skipped = 0
        if most <= 0:
            return positions, SendTally()
        for position in self._candidates(now):
            if self._skip(position):
                skipped += 1
                continue
            positions.append(position)
            if len(positions) >= most:
                break
        for position in positions:
            self._begin(position, now)
        return positions, SendTally(skipped=skipped)

    def expire(self, expires_at: int) -> tuple[list[End], SendTally]:
        """The ends of all that is not under way, as the time to live is over; and how many are skipped."""
        ends: list[End] = []
        skipped = 0
        for position in self._candidates(_NEVER):
            if self._skip(position):
                skipped += 1
                continue
            tried = self._attempts.get(position)
            at = expires_at if tried is None else tried.at
            self._attempts[position] = Attempt(at)
            ends.append(End(position, at, Cause.EXPIRED))
        return ends, SendTally(skipped=skipped)

    def answered(self, position: int, verdict: Verdict, now: int, expires_at: int) -> End | None:
        """Take an answer in. The end of the push, or None when it waits for another try."""
        self._under_way.discard(position)
        attempt = self._attempts[position]
        match verdict.result:
            case Result.SENT:
                return End(position, attempt.at, None)
            case Result.GONE | Result.REFUSED:
                return End(position, attempt.at, verdict.cause or Cause.OTHER)
        next_try = now + _delay(attempt.tries, verdict)
        if next_try >= expires_at:
            return End(position, attempt.at, verdict.cause or Cause.EXPIRED)
        tries = attempt.tries + (verdict.result is Result.RETRY)
        self._attempts[position] = Attempt(attempt.at, tries, next_try)
        heappush(self._waiting, (next_try, position))
        return None

    def conclude(self, ends: list[End]) -> SendTally:
        """Their facts are durable, so the ends may be written down; how many there are of each."""
        sent = 0
        for end in ends:
            is_sent = end.cause is None
            sent += is_sent
            self._outcomes[end.position] = SENT if is_sent else ERROR
            del self._attempts[end.position]
        return SendTally(sent, len(ends) - sent)

    def written(self) -> Chunk:
        """What to write down."""
        return self.chunk._replace(outcomes=bytes(self._outcomes), attempts=self._attempts)

    def _skip(self, position: int) -> bool:
        """Whether there is nowhere to send to, which is written down."""
        recipient = self._recipients[position]
        if recipient is not None and recipient.push_token is not None:
            return False
        self._outcomes[position] = SKIPPED
        self._attempts.pop(position, None)
        return True

    def _begin(self, position: int, now: int) -> None:
        tried = self._attempts.get(position)
        # An attempt whose end is unknown keeps its time; one that was answered "not now" is over, and this is another.
        at = tried.at if tried is not None and not tried.not_before else now
        self._attempts[position] = Attempt(at, tried.tries if tried else 0)
        self._under_way.add(position)

    def _candidates(self, now: int) -> Iterator[int]:
        """Open recipients that may be attempted: those that wait for a try first."""
        while self._waiting and self._waiting[0][0] <= now:
            yield heappop(self._waiting)[1]
        while self._next < len(self._outcomes):
            position = self._next
            self._next += 1
            if self._outcomes[position] == OPEN and position not in self._attempts:
                yield position


_NEVER = 1 << 62


def _delay(tries: int, verdict: Verdict) -> int:
    """Milliseconds until the next try: what the provider asked for, else twice as long each time, with jitter."""
    if verdict.retry_after is not None:
        return min(max(1, round(verdict.retry_after * 1000)), 3_600_000)
    if verdict.result is Result.HELD:
        return _HELD_MS
    longest = min(_LONGEST_DELAY, _FIRST_DELAY << min(tries, 10))
    return random.randint(longest // 2, longest)  # noqa: S311 - spreads load, guards nothing
