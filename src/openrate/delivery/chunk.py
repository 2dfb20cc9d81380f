"""How far a chunk is, and what is to be done next in it. Nothing here waits, reads or writes.

A recipient is *open* until its end is known. It is attempted, which is written down before the push begins;
it ends as sent, as an error, or is skipped because there is no push token any more. "Not now" makes it wait
for another try. After a crash the attempts of which no end is written down are made once more, with the
same ``at``: if both arrive, they are the same fact.

Times are milliseconds since 1970.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from heapq import heapify, heappush, nsmallest
from itertools import islice
from typing import NamedTuple

from openrate.model import Cause
from openrate.ports.provider import Result, Verdict
from openrate.ports.sends import Attempt, Chunk, Recipient, SendTally

OPEN, SENT, ERROR, SKIPPED = range(4)
"""What stands for each recipient in the outcomes of a chunk."""
EVER = 1 << 62
"""A moment after all others."""

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

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self._outcomes = bytearray(chunk.outcomes)
        self._attempts = dict(chunk.attempts)
        self._recipients: dict[int, Recipient] = {}
        self._next = 0
        self._under_way: set[int] = set()
        self._waiting = [(attempt.not_before, position) for position, attempt in chunk.attempts.items()]
        heapify(self._waiting)

    @property
    def is_done(self) -> bool:
        """Whether every recipient has an end that may be written down."""
        return OPEN not in self._outcomes

    @property
    def under_way(self) -> int:
        """How many pushes have no answer yet."""
        return len(self._under_way)

    @property
    def waits_until(self) -> int | None:
        """When there is something to do again, if until then there is nothing but to wait for another try."""
        if self._under_way or not self._waiting or self._first_fresh() < len(self._outcomes):
            return None
        return self._waiting[0][0]

    def recipient(self, position: int) -> Recipient:
        """Who is at a position that was begun or expired, and is not concluded."""
        return self._recipients[position]

    def candidates(self, now: int, most: int | None = None) -> list[int]:
        """Who may be attempted now, at most so many: first those that wait for another try."""
        most = len(self._outcomes) if most is None else most
        first = self._first_fresh()
        if not self._waiting or self._waiting[0][0] > now:
            again = []
        else:
            again = [position for at, position in nsmallest(most, self._waiting) if at <= now]
        fresh = (at for at in range(first, len(self._outcomes)) if self._is_fresh(at))
        return again + list(islice(fresh, max(0, most - len(again))))

    def begin(
        self, candidates: Sequence[int], known: Mapping[str, Recipient], now: int
    ) -> tuple[list[int], SendTally]:
        """Attempt these, as far as they still have a push token; returns whom, and how many have none."""
        begun, skipped = self._take_up(candidates, known)
        for position in begun:
            tried = self._attempts.get(position)
            # An attempt whose end is unknown keeps its time; one that was answered "not now" is over.
            at = tried.at if tried is not None and not tried.not_before else now
            self._attempts[position] = Attempt(at, tried.tries if tried else 0)
        self._under_way.update(begun)
        return begun, skipped

    def expire(
        self, candidates: Sequence[int], known: Mapping[str, Recipient], expires_at: int
    ) -> tuple[list[End], SendTally]:
        """End these, as the time to live is over; and how many are skipped."""
        over, skipped = self._take_up(candidates, known)
        for position in over:
            tried = self._attempts.get(position)
            self._attempts[position] = Attempt(expires_at if tried is None else tried.at)
        return [End(position, self._attempts[position].at, Cause.EXPIRED) for position in over], skipped

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

    def conclude(self, ends: Sequence[End]) -> SendTally:
        """Their facts are durable, so the ends may be written down; how many there are of each."""
        sent = 0
        for end in ends:
            is_sent = end.cause is None
            sent += is_sent
            self._outcomes[end.position] = SENT if is_sent else ERROR
            del self._attempts[end.position], self._recipients[end.position]
        return SendTally(sent, len(ends) - sent)

    def written(self) -> Chunk:
        """What to write down."""
        return self.chunk._replace(outcomes=bytes(self._outcomes), attempts=dict(self._attempts))

    def _is_fresh(self, position: int) -> bool:
        return self._outcomes[position] == OPEN and position not in self._attempts

    def _first_fresh(self) -> int:
        """The first whom nobody has tried to reach, or a position beyond the last."""
        while self._next < len(self._outcomes) and not self._is_fresh(self._next):
            self._next += 1
        return self._next

    def _take_up(
        self, candidates: Sequence[int], known: Mapping[str, Recipient]
    ) -> tuple[list[int], SendTally]:
        """Those of the candidates who can be sent to; the others are skipped for good."""
        names = self.chunk.installations
        reachable, skipped = [], 0
        for position in candidates:
            recipient = known.get(names[position])
            if recipient is not None and recipient.push_token is not None:
                self._recipients[position] = recipient
                reachable.append(position)
            else:
                self._outcomes[position] = SKIPPED
                self._attempts.pop(position, None)
                skipped += 1
        if self._waiting:
            taken = set(candidates)
            self._waiting = [(at, position) for at, position in self._waiting if position not in taken]
            heapify(self._waiting)
        return reachable, SendTally(skipped=skipped)


def _delay(tries: int, verdict: Verdict) -> int:
    """Milliseconds until the next try: what the provider asked for, else twice as long each time, with jitter."""
    if verdict.retry_after is not None:
        return max(1, round(verdict.retry_after * 1000))
    if verdict.result is Result.HELD:
        return _HELD_MS
    longest = min(_LONGEST_DELAY, _FIRST_DELAY << min(tries, 10))
    return random.randint(longest // 2, longest)  # noqa: S311 - spreads load, guards nothing
