"""The stores of a data folder, the files of facts, and what answers commands when no server runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property, partial
from typing import Any

import msgspec

from openrate.activity import Activity
from openrate.audience.census import Census
from openrate.commands import table
from openrate.commands.at_work import AtWork
from openrate.compose.providers import VaultProviders
from openrate.config import Settings
from openrate.control import Talk
from openrate.credentials import Vault, seal_of
from openrate.errors import StoreDamaged
from openrate.folder import DataFolder
from openrate.ingest import Ingest
from openrate.installations import Installations
from openrate.overview import Overview
from openrate.ports.clock import Clock, SystemClock
from openrate.ports.event_log import EventLog
from openrate.ports.people import AuditLog, People
from openrate.ports.provider import Providers
from openrate.ports.sends import Sends
from openrate.providers.by_credentials import check_credentials
from openrate.storage.audience_counts import SqlAudienceCounts
from openrate.storage.audit import SqlAuditLog
from openrate.storage.credentials import SqlCredentials
from openrate.storage.duckdb import DuckdbLog
from openrate.storage.fact_files import Put, fact_file, writing
from openrate.storage.people import SqlPeople
from openrate.storage.records import SqlRecords
from openrate.storage.sends import SqlSends

__all__ = ["Alone", "Parts", "Put", "alone", "fact_file", "writing"]


class Parts:
    """The stores of one data folder, each opened when it is first asked for; see ``commands.parts``."""

    check_credentials = staticmethod(check_credentials)

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._settings = settings
        self._folder = folder
        self.clock: Clock = SystemClock()

    @cached_property
    def records(self) -> SqlRecords:
        """Companies, apps, keys, campaigns, installations, in SQLite.

        Raises:
            StoreDamaged: there are none any more, and facts that were about them.
        """
        if self._are_lost():
            raise StoreDamaged(
                f"{self._folder.records} is missing, and {self._folder.facts} holds facts about what was in it: "
                "restore the data folder from a backup, both files of it, or give another --data to start anew."
            )
        return SqlRecords(self._folder.records)

    @cached_property
    def sends(self) -> Sends:
        """What is to be sent, beside the records."""
        return SqlSends(self.records.database)

    @cached_property
    def log(self) -> EventLog:
        """The facts and the day rows, in DuckDB; opening it repairs what a crash left."""
        return DuckdbLog(
            self._folder.facts,
            memory_limit_mb=self._settings.memory_limit_mb,
            hot_facts=self._settings.hot_facts,
            stored=self.activity.facts_stored,
        )

    @cached_property
    def ingest(self) -> Ingest:
        """The one door for facts."""
        return Ingest(self.records, self.log, self.activity)

    @cached_property
    def installations(self) -> Installations:
        """Registered installations, and the key that signs their tokens."""
        return Installations(self.records, self.log, self.clock)

    @cached_property
    def vault(self) -> Vault:
        """The credentials of apps, and the key that seals them."""
        seal = seal_of(self._settings.credentials_key, self._folder.credentials_key)
        return Vault(SqlCredentials(self.records.database), seal)

    @cached_property
    def providers(self) -> Providers:
        """The ways to the devices of apps, with the credentials in the vault."""
        return VaultProviders(self.vault, self._settings)

    @cached_property
    def people(self) -> People:
        """Who signs in to the pages, beside the records."""
        return SqlPeople(self.records.database)

    @cached_property
    def audit(self) -> AuditLog:
        """Who changed what, beside the records."""
        return SqlAuditLog(self.records.database)

    @cached_property
    def activity(self) -> Activity:
        """What happens just now, as long as this process lives."""
        return Activity(self.clock)

    @cached_property
    def census(self) -> Census:
        """Counts installations in a thread of its own, from the first time it is asked for."""
        return Census(self.records, self.log, SqlAudienceCounts(self.records.database), self.clock)

    @cached_property
    def overview(self) -> Overview:
        """The lists of campaigns, each read when it is first asked for."""
        return Overview(self.records, self.log, self.clock)

    @cached_property
    def at_work(self) -> AtWork:
        """The commands that may take minutes."""
        return AtWork(partial(table.run, self))

    def _are_lost(self) -> bool:
        """New records would number their campaigns from 1 again, and so inherit the facts about the old ones."""
        folder = self._folder
        is_there = folder.records.exists() and folder.records.stat().st_size > 0
        return not is_there and folder.facts.exists() and self.log.counts()["facts"] > 0

    def close(self) -> None:
        """Close what was opened: what works first, then the facts, which still refer to records."""
        for name in ("at_work", "census", "log", "records"):
            if name in self.__dict__:
                getattr(self, name).close()


class Alone:
    """Answers from the files, as no server runs; see ``cli.asking.Asking``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def ask(self, request: msgspec.Struct, talk: Talk) -> Any:
        """Answer a request in plain JSON types; raises OpenrateError."""
        return table.run(self._parts, request, talk)


@contextmanager
def alone(settings: Settings, folder: DataFolder) -> Iterator[Alone]:
    """What answers requests when no server runs. The caller holds the folder."""
    with closing(Parts(settings, folder)) as parts:
        yield Alone(parts)
