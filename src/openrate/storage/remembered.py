"""What was read of campaigns lately, kept in memory: the statistics call asks with every request."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

V = TypeVar("V")
Name = tuple[int, str]
"""A campaign by its app's id and its token."""


class Remembered(Generic[V]):
    """Values by campaign until they weigh more than ``most``, the oldest forgotten first. Safe from any thread.

    A reader takes ``moment`` before it reads the database and hands it in with what it read: if something
    was forgotten in between, that may be out of date and is not kept. Reading takes no lock.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._kept: dict[Name, tuple[V, int]] = {}
        self._lock = threading.Lock()
        self.moment = 0

    def get(self, app_id: int, token: str) -> V | None:
        """The value, if it is remembered."""
        kept = self._kept.get((app_id, token))
        return None if kept is None else kept[0]

    def remember(self, app_id: int, token: str, value: V, moment: int, weight: int = 1) -> None:
        """Keep what was read after ``moment``."""
        with self._lock:
            if moment != self.moment:
                return
            self._drop((app_id, token))
            self._kept[app_id, token] = value, weight
            self._weight += weight
            while self._weight > self._most:
                self._drop(next(iter(self._kept)))

    def forget(self, app_id: int, token: str) -> None:
        """The campaign changed: what is known of it, and what is being read just now, is not true any more."""
        with self._lock:
            self.moment += 1
            self._drop((app_id, token))

    def __len__(self) -> int:
        return len(self._kept)

    def _drop(self, name: Name) -> None:
        kept = self._kept.pop(name, None)
        if kept is not None:
            self._weight -= kept[1]
