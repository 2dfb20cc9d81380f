"""What callers append, gathered until the writer takes it."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from openrate.errors import StoreError
from openrate.storage.duckdb.writing import Append

MOST_FACTS_A_COMMIT = 200_000


class Batch:
    """What shares one commit, and so one future. ``is_awaited``: somebody waits for it."""

    def __init__(self) -> None:
        self.appends: list[Append] = []
        self.size = 0
        self.is_awaited = False
        self.done: Future[None] = Future()


class Batches:
    """Those that wait, the oldest first; false when there are none. Safe from any thread."""

    def __init__(self) -> None:
        self._waiting: deque[Batch] = deque()
        self._arrived = threading.Condition()
        self._is_closed = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, append: Append, *, is_awaited: bool) -> Future[None]:
        """Let facts wait; the future is done when they are durable. Raises StoreError after ``close``."""
        if not len(append.facts):
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        with self._arrived:
            if self._is_closed:
                raise StoreError("The store is closed.")
            if not self._waiting or self._waiting[-1].size >= MOST_FACTS_A_COMMIT:
                self._waiting.append(Batch())
            batch = self._waiting[-1]
            batch.appends.append(append)
            batch.size += len(append.facts)
            batch.is_awaited |= is_awaited
            self._arrived.notify()
        return batch.done

    def take(self) -> Batch | None:
        """Whatever waits, as soon as something does; None after ``close`` when nothing is left."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._is_closed)
            batch = self._waiting.popleft() if self._waiting else None
        if batch:
            batch.done.set_running_or_notify_cancel()  # from here on nobody can cancel it
        return batch

    def close(self) -> None:
        """Take nothing more; what waits is still to be taken."""
        with self._arrived:
            self._is_closed = True
            self._arrived.notify_all()
