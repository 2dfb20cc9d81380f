"""Commands that may take minutes, run beside the pages: each begins in an answer that does not wait for its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtWork
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from openrate.control import Talk
from openrate.errors import OpenrateError

logger = logging.getLogger(__name__)

_SOON_S = 0.5
"""Seconds for which an answer waits: most commands are done by then."""


class Work(NamedTuple):
    """How far a command is, if it says so; ``trouble`` says why it ended before its end."""

    done: int = 0
    total: int = 0
    trouble: str = ""


class Asked:
    """Somebody who asks for a command on a page (``control.Talk``).

    Args:
        by: their address, for the audit log.
        progress: told how far the command is.
    """

    def __init__(self, by: str, progress: Callable[[int, int], None] | None = None) -> None:
        self.by = by
        self._progress = progress

    def progress(self, done: int, total: int) -> None:
        """How far it is."""
        if self._progress:
            self._progress(done, total)

    def items(self, items: list[Any]) -> None:
        """Nothing that is asked here is answered in parts."""


class AtWork:
    """The commands that are at work, by what they are about.

    Those that are run here can be run again to bring them to their end.
    """

    def __init__(self, run: Callable[[msgspec.Struct, Talk], Any]) -> None:
        self._run = run
        self._lock = Lock()
        self._works: dict[Hashable, Work] = {}
        self._closing = False
        self._threads = ThreadPoolExecutor(thread_name_prefix="at-work")

    def of(self, what: Hashable) -> Work | None:
        """How far the command is; None when there is none and the last went well."""
        return self._works.get(what)

    def begin(self, what: Hashable, request: msgspec.Struct, by: str) -> None:
        """Begin a command, and wait a moment for its end; raises OpenrateError when one is at work."""
        with self._lock:
            known = self._works.get(what)
            if known is not None and not known.trouble:
                raise OpenrateError("That is at work already: wait until it is done.")
            self._works[what] = Work()
        work = self._threads.submit(self._work, what, request, by)
        with suppress(StillAtWork):
            work.result(_SOON_S)

    def close(self) -> None:
        """End each at its next step and wait for that: what it works with can be closed then."""
        self._closing = True
        self._threads.shutdown(cancel_futures=True)

    def _work(self, what: Hashable, request: msgspec.Struct, by: str) -> None:
        try:
            self._run(request, Asked(by, self._progress(what)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says so
            self._works[what] = Work(trouble=_sentence(error))
        else:
            del self._works[what]

    def _progress(self, what: Hashable) -> Callable[[int, int], None]:
        def note(done: int, total: int) -> None:
            if self._closing:
                raise OpenrateError("The server is stopping.")
            self._works[what] = Work(done, total)

        return note


def _sentence(error: Exception) -> str:
    if isinstance(error, OpenrateError):
        return str(error)
    logger.error("A command failed.", exc_info=error)
    return "The server failed at this; its log has more."
