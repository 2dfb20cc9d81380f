"""Commands that may take minutes, run beside the pages: each begins in an answer that does not wait for its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtWork
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

import msgspec

from openrate.commands import table
from openrate.commands.parts import Parts
from openrate.errors import OpenrateError
from openrate.web.pages.settings.section import Asked

logger = logging.getLogger(__name__)

_SOON_S = 0.5
"""Seconds for which an answer waits: most commands are done by then."""


class Work(NamedTuple):
    """How far a command is, in facts if it counts them; ``trouble`` says why it ended before its end."""

    done: int = 0
    total: int = 0
    trouble: str = ""


class AtWork:
    """The commands that are at work, by what they are about.

    When the server stops, they end. Those that are run here can be run again to bring them to their end.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = Lock()
        self._works: dict[Hashable, Work] = {}
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

    def _work(self, what: Hashable, request: msgspec.Struct, by: str) -> None:
        try:
            table.run(self._parts, request, Asked(by, self._progress(what)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says so
            self._works[what] = Work(trouble=_sentence(error))
        else:
            del self._works[what]

    def _progress(self, what: Hashable) -> Callable[[int, int], None]:
        def note(done: int, total: int) -> None:
            self._works[what] = Work(done, total)

        return note


def _sentence(error: Exception) -> str:
    if isinstance(error, OpenrateError):
        return str(error)
    logger.error("A command failed.", exc_info=error)
    return "The server failed at this; its log has more."
