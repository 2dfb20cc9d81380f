"""Commands that may take minutes: one at a time about the same, and those of the pages beside the pages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from openrate.control import Talk
from openrate.errors import OpenrateError, UsageError
from openrate.ports.event_log import Progress

logger = logging.getLogger(__name__)

_SOON_S = 0.5
"""Seconds for which an answer waits: most commands are done by then."""


class Work(NamedTuple):
    """How far a command is, if it says so; ``trouble`` says why it ended before its end."""

    done: int = 0
    total: int = 0
    trouble: str = ""


class UnderWayError(OpenrateError):
    """Somebody else is changing the same."""


class Asked:
    """Somebody who asks for a command on a page (``control.Talk``).

    Args:
        by: their address, for the audit log.
    """

    def __init__(self, by: str) -> None:
        self.by = by

    def progress(self, done: int, total: int) -> None:
        """Shown on the page: see ``AtWork.of``."""

    def items(self, items: list[Any]) -> None:
        """Nothing that is asked here is answered in parts."""


class AtWork:
    """The commands that are at work, by what they are about, wherever they were asked for.

    They can be run again to bring them to their end.
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

    @contextmanager
    def alone(self, what: Hashable, talk: Talk) -> Iterator[Progress]:
        """What a command does in this block nobody else does meanwhile; gives what it says its progress to.

        Raises:
            UnderWayError: somebody does.
        """
        after = self._take(what)
        try:
            yield self._progress(what, talk)
            after = None
        except UsageError:  # nothing was begun
            raise
        except Exception as error:
            after = Work(trouble=_sentence(error))
            raise
        finally:
            self._leave(what, after)

    def begin(self, request: msgspec.Struct, by: str) -> bool:
        """Begin a command, and wait a moment for its end; returns whether it came and was a good one.

        Raises:
            UnderWayError: somebody else is changing the same.
        """
        work = self._threads.submit(self._work, request, by)
        wait([work], _SOON_S)
        error = work.exception() if work.done() else None
        if isinstance(error, UnderWayError | UsageError):
            raise error
        return work.done() and error is None

    def close(self) -> None:
        """End each at its next step and wait for that: what it works with can be closed then."""
        self._closing = True
        self._threads.shutdown(cancel_futures=True)

    def _work(self, request: msgspec.Struct, by: str) -> None:
        try:
            self._run(request, Asked(by))
        except OpenrateError:
            raise
        except Exception:  # not said on purpose, so whoever asked is not told what it was: the log is
            logger.exception("A command failed.")
            raise

    def _take(self, what: Hashable) -> Work | None:
        """Let nobody else begin; returns what became of the one before."""
        with self._lock:
            before = self._works.get(what)
            if before is not None and not before.trouble:
                raise UnderWayError("That is at work already: wait until it is done.")
            self._works[what] = Work()
            return before

    def _leave(self, what: Hashable, after: Work | None) -> None:
        with self._lock:
            if after is None:
                del self._works[what]
            else:
                self._works[what] = after

    def _progress(self, what: Hashable, talk: Talk) -> Progress:
        def note(done: int, total: int) -> None:
            if self._closing:
                raise OpenrateError("The server is stopping.")
            self._works[what] = Work(done, total)
            talk.progress(done, total)

        return note


def _sentence(error: Exception) -> str:
    if isinstance(error, OpenrateError):
        return str(error)
    if isinstance(error, ConnectionError):
        return "Whoever asked for it on the command line has gone."
    return "The server failed at this; its log has more."
