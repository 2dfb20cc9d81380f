"""Changes of windows at work: they count everything anew, which takes seconds for each million facts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtWork
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from openrate.commands import table
from openrate.commands.parts import Parts
from openrate.commands.requests import SetCompany
from openrate.errors import OpenrateError
from openrate.web.pages.settings.section import Asked

logger = logging.getLogger(__name__)

_SOON_S = 0.5
"""Seconds for which a page waits: most companies are done by then."""


class Recount(NamedTuple):
    """How far a change is, in facts of all companies; ``trouble`` says why it ended before its end."""

    done: int = 0
    total: int = 0
    trouble: str = ""


class Recounts:
    """The changes that are at work, by company. The server's end ends them; its start brings them to their end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = Lock()
        self._at_work: dict[int, Recount] = {}
        self._threads = ThreadPoolExecutor(thread_name_prefix="recount")

    def of(self, company_id: int) -> Recount | None:
        """How far a company's change is; None when there is none at work and the last went well."""
        return self._at_work.get(company_id)

    def begin(self, company_id: int, request: SetCompany, by: str) -> None:
        """Begin a change, and wait a moment for its end; raises OpenrateError when one is at work."""
        with self._lock:
            known = self._at_work.get(company_id)
            if known is not None and not known.trouble:
                raise OpenrateError("The past is being counted anew already: wait until that is done.")
            self._at_work[company_id] = Recount()
        work = self._threads.submit(self._work, company_id, request, by)
        with suppress(StillAtWork):
            work.result(_SOON_S)

    def _work(self, company_id: int, request: SetCompany, by: str) -> None:
        try:
            table.run(self._parts, request, Asked(by, self._progress(company_id)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says so
            self._at_work[company_id] = Recount(trouble=_sentence(error))
        else:
            del self._at_work[company_id]

    def _progress(self, company_id: int) -> Callable[[int, int], None]:
        def note(done: int, total: int) -> None:
            self._at_work[company_id] = Recount(done, total)

        return note


def _sentence(error: Exception) -> str:
    if isinstance(error, OpenrateError):
        return str(error)
    logger.error("Counting the past anew failed.", exc_info=error)
    return "The server failed at this; its log has more."
