"""How fast pushes are begun: what was asked for at most, and what the provider takes.

Times are seconds of a clock that only moves forward.
"""

from __future__ import annotations

import random

_BURST_S = 1.0
"""Seconds' worth of messages that may be begun at once after a pause."""
_FIRST_WINDOW, _LARGEST_WINDOW = 64, 2048
"""Pushes under way: 10,000 a second, answered after 0.2 s, need 2,000."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a provider that is away is asked again."""


class Rate:
    """At most so many messages a minute, evenly (a token bucket). None: as many as one likes."""

    def __init__(self, per_minute: int | None, now: float) -> None:
        self.per_minute = per_minute
        self._per_second = None if per_minute is None else per_minute / 60
        self._allowed = 1.0
        self._at = now

    def room(self, now: float) -> int:
        """How many may be begun now; a very large number when there is no limit."""
        if self._per_second is None:
            return _LARGEST_WINDOW
        most = max(1.0, self._per_second * _BURST_S)
        self._allowed = min(most, self._allowed + (now - self._at) * self._per_second)
        self._at = now
        return int(self._allowed)

    def take(self, count: int) -> None:
        """So many were begun."""
        self._allowed -= count


class Window:
    """How many may be under way: doubled while the provider takes all, halved when it says that it is too much.

    A provider that answers nothing but "not now" is left alone for a while, twice as long each time, and then
    asked with one message.
    """

    def __init__(self) -> None:
        self._size = _FIRST_WINDOW
        self._taken = 0
        self._failures = 0
        self._closed_until = 0.0

    def room(self, under_way: int, now: float) -> int:
        """How many more may be begun now."""
        return 0 if now < self._closed_until else max(0, self._size - under_way)

    def opens_at(self) -> float:
        """When it can be tried again."""
        return self._closed_until

    def on_answers(self, taken: int, not_now: int, now: float) -> None:
        """So many were answered for good, and so many with "not now"."""
        if not_now > taken:
            self._shrink(now)
            return
        self._failures = 0
        self._taken += taken
        if not_now:
            self._size = max(1, self._size * 3 // 4)
        elif self._taken >= self._size and self._size < _LARGEST_WINDOW:
            self._size, self._taken = min(_LARGEST_WINDOW, 2 * self._size), 0

    def close(self, seconds: float, now: float) -> None:
        """Begin nothing for a while."""
        self._closed_until = max(self._closed_until, now + seconds)

    def _shrink(self, now: float) -> None:
        self._taken = 0
        if now < self._closed_until:
            return  # answers to what was under way when it was closed
        self._size = max(1, self._size // 2)
        self._failures += 1
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._failures - 1))
        self.close(random.uniform(longest / 2, longest), now)  # noqa: S311 - spreads load, guards nothing
