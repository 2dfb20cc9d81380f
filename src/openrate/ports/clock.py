"""The present."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The present, so that tests can choose it."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000
