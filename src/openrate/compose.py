"""The only file that names adapters: settings to a running service.

serve     holds the data folder, opens both stores, listens on HTTP and on the control socket
asking    what every other command speaks to: the running server, or the files themselves
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from typing import Any, Protocol

import msgspec
import uvloop

from openrate import commands, logs
from openrate.config import Settings
from openrate.control import ControlSocket, Talk, dial
from openrate.errors import StoreBusy
from openrate.folder import SERVE, DataFolder, existing, held, made
from openrate.ingest import Ingest
from openrate.installations import Installations
from openrate.ports import Clock, EventLog, Records, SystemClock
from openrate.storage.duckdb import DuckdbLog
from openrate.storage.fact_files import Format, Put, fact_file, writing
from openrate.storage.records import SqlRecords
from openrate.web.app import http_app
from openrate.web.server import listen
from openrate.web.server import serve as serve_http
from openrate.web.services import Services

__all__ = ["Asking", "Format", "Parts", "Put", "asking", "fact_file", "serve", "writing"]

logger = logging.getLogger(__name__)

_STARTING = 15.0
"""Seconds a server may take to start before a command gives up on it."""
_PAUSE = 0.1


class Parts:
    """The stores of one data folder, each opened when it is first asked for; see ``commands.Parts``."""

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._settings = settings
        self._folder = folder
        self.clock: Clock = SystemClock()

    @cached_property
    def records(self) -> Records:
        """Companies, apps, keys, campaigns, installations, in SQLite."""
        return SqlRecords(self._folder.records)

    @cached_property
    def log(self) -> EventLog:
        """The facts and the day rows, in DuckDB; opening it repairs what a crash left."""
        return DuckdbLog(
            self._folder.facts,
            memory_limit_mb=self._settings.memory_limit_mb,
            hot_facts=self._settings.hot_facts,
        )

    @cached_property
    def ingest(self) -> Ingest:
        """The one door for facts."""
        return Ingest(self.records, self.log)

    def close(self) -> None:
        """Close what was opened: the facts first, which still refer to records."""
        for name in ("log", "records"):
            if name in self.__dict__:
                getattr(self, name).close()


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StoreError: the folder is in use, damaged, or of a newer version; it was left as it was.
        OpenrateError: the port cannot be used.
    """
    request_log = logs.to_stderr()
    folder = made(settings.data)
    with (
        held(folder, SERVE),
        closing(listen(settings.host, settings.port)) as listener,
        closing(Parts(settings, folder)) as parts,
    ):
        _apply_rules(parts)
        services = Services(parts.records, parts.log, parts.clock)
        installations = Installations(parts.records, parts.log, parts.clock)
        app = http_app(settings, services, parts.ingest, installations, request_log)
        with closing(ControlSocket(folder.control, partial(commands.run_line, parts))):
            uvloop.run(serve_http(app, settings, listener=listener))


def _apply_rules(parts: Parts) -> None:
    """See that the rows are made under each company's windows: a crash may have come in between."""
    for company in parts.records.companies():
        apps = [app.id for app in parts.records.apps(company.id)]
        if any(parts.log.rule(app) != company.rule for app in apps):
            logger.warning(
                "Counting the past of company %d anew: its windows were being changed.", company.id
            )
            parts.log.set_rule(apps, company.rule)


class Asking(Protocol):
    """Answers requests, one after another."""

    def ask(self, request: msgspec.Struct, talk: Talk) -> Any:
        """The answer in plain JSON types; raises OpenrateError."""


class _Alone:
    """Answers from the files, as no server runs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def ask(self, request: msgspec.Struct, talk: Talk) -> Any:
        """See ``Asking``."""
        return commands.run(self._parts, request, talk)


@contextmanager
def asking(settings: Settings, purpose: str, *, create: bool = False) -> Iterator[Asking]:
    """The running server of the data folder, or its files.

    Args:
        settings: which folder.
        purpose: the command, for those who find the folder in use.
        create: whether to make the folder when it is not there.

    Raises:
        StoreError: there is no data, or it cannot be used.
    """
    folder = made(settings.data) if create else existing(settings.data)
    with ExitStack() as opened:
        yield _reached(opened, settings, folder, purpose)


def _reached(opened: ExitStack, settings: Settings, folder: DataFolder, purpose: str) -> Asking:
    """Whoever answers. A server that holds the folder and does not listen yet is starting: wait for it."""
    deadline = time.monotonic() + _STARTING
    while True:
        line = dial(folder.control)
        if line is not None:
            return opened.enter_context(closing(line))
        try:
            opened.enter_context(held(folder, purpose))
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return _Alone(opened.enter_context(closing(Parts(settings, folder))))
