"""What commands work with."""

from __future__ import annotations

from typing import Protocol

from openrate.activity import Activity
from openrate.audience.census import Census
from openrate.commands.at_work import AtWork
from openrate.credentials import Credentials, Vault
from openrate.ingest import Ingest
from openrate.installations import Installations
from openrate.overview import Overview
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog
from openrate.ports.people import AuditLog, People
from openrate.ports.provider import Check, Providers
from openrate.ports.records import Records
from openrate.ports.sends import Sends


class Parts(Protocol):
    """The parts of a service. The log is opened when it is first asked for; most commands need none."""

    @property
    def records(self) -> Records:
        """Companies, apps, keys, campaigns."""

    @property
    def sends(self) -> Sends:
        """What is to be sent, and how far that is."""

    @property
    def log(self) -> EventLog:
        """The facts."""

    @property
    def ingest(self) -> Ingest:
        """The door for facts."""

    @property
    def installations(self) -> Installations:
        """Registered installations and their tokens."""

    @property
    def vault(self) -> Vault:
        """The credentials of apps."""

    @property
    def providers(self) -> Providers:
        """The ways to the devices of apps."""

    def check_credentials(self, credentials: Credentials) -> Check:
        """Ask a provider whether it takes these, without a push to anybody; may wait ten seconds."""

    @property
    def people(self) -> People:
        """Who signs in to the pages."""

    @property
    def audit(self) -> AuditLog:
        """Who changed what."""

    @property
    def activity(self) -> Activity:
        """What happens just now, in memory."""

    @property
    def census(self) -> Census:
        """What the installations of apps are like, counted in the background."""

    @property
    def overview(self) -> Overview:
        """The lists of campaigns, in memory."""

    @property
    def at_work(self) -> AtWork:
        """The commands that may take minutes."""

    @property
    def clock(self) -> Clock:
        """The present."""
