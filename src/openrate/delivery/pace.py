"""How fast pushes are begun: what was asked for at most, and what the provider takes.

Times are seconds of a clock that only moves forward.
"""

from __future__ import annotations

import random

_BURST_S = 1.0
"""Seconds' worth of messages that may be begun at once after a pause."""
_FIRST_WINDOW, _LARGEST_WINDOW = 64, 2048
"""Pushes under way: 10,000 a second, answered after 0.2 s, need 2,000."""
_MOST_NOT_NOW = 0.5
"""The share of "not now" above which a provider counts as away."""
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
    """How many may be under way: more while the provider takes all, less when it says that it is too much.

    Each window's worth of answers is judged by the share of "not now" among them, as DCTCP (RFC 8257) judges
    marks: without any it is doubled; with some it shrinks by half their share and grows by a sixteenth, so that
    a few who are always answered "not now" slow down nobody else. A provider that takes none is left alone for
    a while, twice as long each time, and then asked with one message.
    """

    def __init__(self) -> None:
        self._size = float(_FIRST_WINDOW)
        self._taken = 0
        self._not_now = 0
        self._failures = 0
        self.opens_at = 0.0

    def room(self, under_way: int, now: float) -> int:
        """How many more may be begun now."""
        return 0 if now < self.opens_at else max(0, int(self._size) - under_way)

    def on_answers(self, taken: int, not_now: int, now: float, asked: float = 0.0) -> None:
        """So many were answered for good, and so many with "not now", which asked to wait (seconds)."""
        if now < self.opens_at and not taken:
            return  # answers to what was under way when it was closed
        self._taken += taken
        self._not_now += not_now
        if not self._taken:
            self._fail(now, asked)
        elif self._taken + self._not_now >= self._size:
            self._judge(now, asked)

    def close(self, seconds: float, now: float) -> None:
        """Begin nothing for a while."""
        self.opens_at = max(self.opens_at, now + seconds)

    def shut(self, seconds: float, now: float) -> None:
        """Begin nothing for a while, and then with one."""
        self._size = 1
        self._taken = self._not_now = 0
        self.close(seconds, now)

    def _judge(self, now: float, asked: float) -> None:
        share = self._not_now / (self._taken + self._not_now)
        self._taken = self._not_now = 0
        if share > _MOST_NOT_NOW:
            self._fail(now, asked)
            return
        self._failures = 0
        size = self._size * 2 if not share else self._size * (1 - share / 2) + max(1, self._size / 16)
        self._size = min(_LARGEST_WINDOW, max(1, size))

    def _fail(self, now: float, asked: float) -> None:
        self._taken = self._not_now = 0
        self._size = max(1, self._size / 2)
        self._failures += 1
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._failures - 1))
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing
        self.close(max(pause, min(asked, _LONGEST_PAUSE)), now)
