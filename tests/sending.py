"""An app that we send for, with its stores, its devices and a stub in the place of Apple and Google."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from openrate import campaigns, companies
from openrate.activity import Activity
from openrate.campaign_parameters import moment, written
from openrate.cli.terminal import Quiet
from openrate.commands import sending
from openrate.commands.at_work import AtWork
from openrate.commands.requests import SetApp
from openrate.delivery import Delivery
from openrate.delivery.desk import Desk
from openrate.errors import StoreFull
from openrate.model import App, By, Campaign, DayRow, Installation, Platform, Sender
from openrate.ports.clock import Clock, SystemClock
from openrate.ports.event_log import EventLog
from openrate.ports.provider import Provider
from openrate.ports.sends import Sends
from openrate.providers.stub import StubProvider, deliveries
from openrate.storage.duckdb import DuckdbLog
from openrate.storage.records import SqlRecords
from openrate.storage.sends import SqlSends

BY = By("ada@example.com", 0)
BODY = {"name": "Spring sale", "live": True, "push_time": "now", "messages": [{"body": "Two days only"}]}


class Workshop:
    """The stores of a folder, opened as the server opens them, and one app."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(folder / "records.db")
        self.sends: Sends = SqlSends(self.records.database)
        self.clock: Clock = SystemClock()
        self.activity = Activity(self.clock)
        self.log: EventLog = DuckdbLog(folder / "facts.duckdb", stored=self.activity.facts_stored)
        self.at_work = AtWork(lambda _request, _talk: None)
        self.journal = folder / "stub.journal"
        self.provide: Callable[[App, bool], Provider] = lambda _app, _dev: StubProvider(self.journal)
        if self.records.company("Acme") is None:
            companies.create_app(self.records, "Acme", "Shop", Platform.ANDROID, Sender.OPENRATE, BY)
        self.app = self.records.apps()[0]

    def close(self) -> None:
        self.log.close()
        self.records.close()

    def register(
        self,
        tokens: Sequence[str | None],
        *,
        language: str | None = None,
        zones: Sequence[str | None] = (),
        first: int = 0,
        dev: bool = False,
    ) -> list[str]:
        """Installations with these push tokens; returns their ids."""
        names = [f"i-{first + at:06}" for at in range(len(tokens))]
        fresh = Installation(self.app.id, "", dev, Platform.ANDROID, None, 1, language=language)
        batch = [
            msgspec.structs.replace(fresh, installation_id=name, push_token=token, timezone=zone)
            for name, token, zone in zip_longest(names, tokens, zones)
        ]
        self.records.put_installations(batch, 0)
        return names

    def create(self, *, dev: bool = False, **parameters: Any) -> str:
        """A campaign; returns its token."""
        now = self.clock.now()
        new = campaigns.create(encoded(BODY | parameters), now)
        token = secrets.token_hex(16)
        self.records.create_campaign(
            self.app.id,
            token,
            new.parameters,
            has_versions=new.has_versions,
            dev_only=dev,
            at=now,
            was_live=new.live,
            next_due_at=campaigns.first_due(self.app, new.parameters),
        )
        return token

    def update(self, token: str, **parameters: Any) -> None:
        changed = self.records.update_campaign(
            self.app.id,
            token,
            lambda known: campaigns.update(known, self.app, encoded(parameters), self.clock.now()),
        )
        assert changed

    def hand_over(self, sender: Sender) -> None:
        """What ``openrate app set --sender`` does."""
        request = SetApp(self.app.live_key, sender)
        sending.set_app(self, request, Quiet())  # type: ignore[arg-type]  # it has what this command asks for
        self.app = self.records.apps()[0]

    def campaign(self, token: str) -> Campaign:
        found = self.records.campaign(self.app.id, token)
        assert found
        return found

    def state(self, token: str) -> str:
        return campaigns.state(self.campaign(token), self.app, self.clock.now()).value

    def rows(self, token: str) -> list[DayRow]:
        self.log.settle()
        return list(self.log.rows(self.campaign(token).id))

    def sent(self, token: str) -> list[str]:
        """The push tokens that the stub accepted a push of this campaign for."""
        known = deliveries(self.journal) if self.journal.exists() else []
        return [delivery.token for delivery in known if delivery.campaign_token == token]

    def reason(self, token: str) -> str | None:
        """Why the campaign's send waits."""
        return next((send.reason for send in self.sends.of(self.campaign(token).id)), None)

    def due_again(self, token: str) -> None:
        """Move the schedule of a recurring campaign by a second, so that it has an occurrence that is due now."""
        parameters = self.campaign(token).parameters
        begins = moment(parameters["push_time"]) + 1_000
        self.records.update_campaign(
            self.app.id,
            token,
            lambda known: msgspec.structs.replace(
                known, parameters=known.parameters | {"push_time": written(begins)}, next_due_at=begins
            ),
        )

    def desk(self) -> Desk:
        return Desk(self.records, self.sends, self.log, self.clock, self, self.activity, "test")

    def provider(self, app: App, dev: bool) -> Provider:
        return self.provide(app, dev)

    def credentials(self, _app: App) -> bytes | None:
        """They are others when ``provide`` is another function."""
        return str(id(self.provide)).encode()

    def apps(self) -> set[int]:
        """All of them have some."""
        return {app.id for app in self.records.apps()}

    @contextmanager
    def delivering(self) -> Iterator[Delivery]:
        with closing(Delivery(self.desk())) as delivery:
            yield delivery


class Manual:
    """A clock that shows what it is told."""

    def __init__(self, text: str) -> None:
        self.show(text)

    def show(self, text: str) -> None:
        self.at = moment(text)

    def now(self) -> int:
        return self.at


class Failing:
    """A store of which one method fails now and then: ``fail`` says how often, from its next call on."""

    def __init__(self, store: Any, method: str) -> None:
        self._store, self._method = store, method
        self.fail = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name != self._method:
            return real

        def call(*given: Any, **named: Any) -> Any:
            if self.fail:
                self.fail -= 1
                raise StoreFull("There is no room left to store records.db: nothing of this was kept.")
            return real(*given, **named)

        return call


def encoded(parameters: dict[str, Any]) -> bytes:
    return msgspec.json.encode(parameters)


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what is promised to come soon."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
