"""Companies, apps, keys, campaigns and installations in a SQL database (``ports.Records``).

The process that serves is the only one that writes, so what it remembers is true. With several processes on
one PostgreSQL, each will have to hear of the others' changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, insert, select, update

from openrate.conditions import Selection
from openrate.model import (
    Action,
    App,
    Audience,
    By,
    Campaign,
    CampaignRef,
    Company,
    Installation,
    Platform,
    RestKey,
    Rule,
    Scope,
    Sender,
)
from openrate.ports.event_log import Opens
from openrate.ports.records import Selected
from openrate.storage import audience, audit, campaigns, installations
from openrate.storage.audience_lists import AudienceLists
from openrate.storage.database import Database
from openrate.storage.directory import read_directory
from openrate.storage.remembered import Remembered
from openrate.storage.summaries import Summaries
from openrate.storage.tables import apps, companies, rest_keys, secrets

_REFS_REMEMBERED = 65_536
"""References to campaigns; about 300 bytes each."""
_CAMPAIGNS_REMEMBERED = 16 << 20
"""Bytes of parameters as JSON; in memory they take about four times as much."""
_OVERHEAD = 500
"""Bytes that a campaign takes beside its parameters."""


class SqlRecords:
    """The records in SQLite, or in another database that SQLAlchemy speaks to."""

    def __init__(self, place: Path | str) -> None:
        """Open the database at ``place``, a file for SQLite or a URL; raises what ``Database`` raises."""
        self.database = Database(place)
        with self.database.reading() as connection:
            self._directory = read_directory(connection)
        self._directory_lock = threading.Lock()
        self._audience_lists = AudienceLists(self.database)
        self._refs: Remembered[CampaignRef] = Remembered(_REFS_REMEMBERED)
        self._campaigns: Remembered[Campaign] = Remembered(_CAMPAIGNS_REMEMBERED)
        self._summaries = Summaries(self.database)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def company(self, name: str) -> Company | None:
        """The company of that name, if there is one."""
        return self._directory.companies.get(name)

    def company_of(self, app: App) -> Company:
        """The company that an app belongs to."""
        return self._directory.companies_by_id[app.company_id]

    def companies(self) -> list[Company]:
        """Every company, by name."""
        return list(self._directory.companies.values())

    def create_company(self, name: str, rule: Rule, by: By | None = None) -> Company:
        """Make a company."""
        row = insert(companies).values(name=name, **msgspec.structs.asdict(rule))
        with self._changing(f"There is a company {name} already.") as connection:
            number = int(connection.scalar(row.returning(companies.c.id)) or 0)
            audit.write(connection, by, number, Action.COMPANY_CREATED, name)
        return Company(number, name, rule)

    def set_rule(self, company_id: int, rule: Rule, by: By | None = None) -> None:
        """Set the attribution windows."""
        company = self._directory.companies_by_id[company_id]
        before, after = msgspec.structs.asdict(company.rule), msgspec.structs.asdict(rule)
        with self._changing() as connection:
            connection.execute(update(companies).where(companies.c.id == company_id).values(**after))
            audit.write(connection, by, company_id, Action.WINDOWS_CHANGED, company.name, before, after)

    def create_app(  # noqa: PLR0913 - a row has this many columns
        self,
        company_id: int,
        name: str,
        platform: Platform,
        sender: Sender,
        live: str,
        dev: str,
        sdk: str,
        by: By | None = None,
    ) -> App:
        """Make an app with its three keys."""
        row = insert(apps).values(
            company_id=company_id,
            name=name,
            platform=platform.value,
            sender=sender.value,
            live_key=live,
            dev_key=dev,
            sdk_key=sdk,
        )
        with self._changing(f"The company has an app {name} on {platform.value} already.") as connection:
            number = int(connection.scalar(row.returning(apps.c.id)) or 0)
            after = {"platform": platform, "sender": sender}
            audit.write(connection, by, company_id, Action.APP_CREATED, name, after=after)
        return App(number, company_id, name, platform, sender, live, dev, sdk)

    def set_app(self, app: App, sender: Sender, send_rate: int | None, by: By | None = None) -> None:
        """Set who sends for an app, and how fast our sender may."""
        before = {"sender": app.sender, "send_rate": app.send_rate}
        after = {"sender": sender, "send_rate": send_rate}
        with self._changing() as connection:
            connection.execute(update(apps).where(apps.c.id == app.id).values(**after))
            audit.write(connection, by, app.company_id, Action.APP_CHANGED, app.name, before, after)

    def apps(self, company_id: int | None = None) -> list[App]:
        """Every app (of a company), by company and name."""
        return [app for app in self._directory.apps if company_id in {None, app.company_id}]

    def app_by_key(self, key: str) -> App | None:
        """The app that a Live, Dev or SDK key names."""
        return self._directory.apps_by_key.get(key)

    def add_key(self, company_id: int, hashed: bytes, scope: Scope, at: int, by: By | None = None) -> RestKey:
        """Store the SHA-256 of a new REST key."""
        row = insert(rest_keys).values(
            company_id=company_id, hashed=hashed, scope=scope.value, created_at=at, revoked_at=None
        )
        with self._changing("This REST key is in use already.") as connection:
            number = int(connection.scalar(row.returning(rest_keys.c.id)) or 0)
            audit.write(connection, by, company_id, Action.KEY_CREATED, str(number), after={"scope": scope})
        return RestKey(number, company_id, scope, at)

    def keys(self, company_id: int) -> list[tuple[bytes, RestKey]]:
        """The REST keys of a company with their hashes, revoked ones included, oldest first."""
        return list(self._directory.keys.get(company_id, ()))

    def revoke_key(self, company_id: int, key_id: int, at: int, by: By | None = None) -> bool:
        """Revoke a key of that company; one that is void already stays void since then."""
        if key_id not in {key.id for _, key in self.keys(company_id)}:
            return False
        valid = and_(rest_keys.c.id == key_id, rest_keys.c.revoked_at.is_(None))
        with self._changing() as connection:
            if connection.execute(update(rest_keys).where(valid).values(revoked_at=at)).rowcount:
                audit.write(connection, by, company_id, Action.KEY_REVOKED, str(key_id))
        return True

    def create_campaign(  # noqa: PLR0913 - a row has this many columns
        self,
        app_id: int,
        token: str,
        parameters: dict[str, Any],
        *,
        has_versions: bool,
        dev_only: bool,
        at: int,
        was_live: bool,
        next_due_at: int | None = None,
        from_api: bool = True,
        by: By | None = None,
    ) -> Campaign:
        """Store a new campaign."""
        fresh = Campaign(
            0,
            app_id,
            token,
            parameters,
            has_versions,
            dev_only,
            from_api,
            at,
            was_live,
            next_due_at=next_due_at,
            live_since=at if was_live else None,
        )
        taken = f"There is a campaign {token} already."
        with self._summaries.changing(app_id, token), self.database.writing(taken) as connection:
            number = campaigns.add(connection, fresh)
            self._write_down(connection, by, None, fresh)
        return msgspec.structs.replace(fresh, id=number)

    def campaign(self, app_id: int, token: str) -> Campaign | None:
        """A campaign of that app, deleted ones included; from memory if it was asked for lately."""
        remembered = self._campaigns.get(app_id, token)
        if remembered is not None or not campaigns.can_be_a_token(token):
            return remembered
        moment = self._campaigns.moment
        with self.database.reading() as connection:
            found = campaigns.read(connection, app_id, token)
        if found is not None:
            weight = campaigns.size(found) + _OVERHEAD
            self._campaigns.remember(app_id, token, found, moment, weight)
        return found

    def campaign_of(self, company_id: int, token: str) -> Campaign | None:
        """A campaign of one of the company's apps, as ``campaign`` gives it."""
        if not campaigns.can_be_a_token(token):
            return None
        with self.database.reading() as connection:
            app_id = campaigns.app_of(connection, company_id, token)
        return None if app_id is None else self.campaign(app_id, token)

    def campaign_names(self, company_id: int, tokens: Collection[str]) -> dict[str, str]:
        """What those of ``tokens`` are called that are campaigns of the company, deleted ones included."""
        with self.database.reading() as connection:
            return campaigns.names(connection, company_id, list(tokens))

    def campaign_refs(self, app_id: int, tokens: Sequence[str]) -> dict[str, CampaignRef]:
        """Those of ``tokens`` that are campaigns of that app, in whatever state, deleted ones included."""
        remembered = {token: self._refs.get(app_id, token) for token in tokens}
        found = {token: ref for token, ref in remembered.items() if ref is not None}
        if len(found) == len(remembered):
            return found
        return found | self._read_refs(app_id, [token for token in remembered if token not in found])

    def campaign_tokens(self, app_id: int) -> dict[int, str]:
        """The token of each campaign of that app by its id, deleted ones included."""
        with self.database.reading() as connection:
            return campaigns.tokens(connection, app_id)

    def update_campaign(
        self, app_id: int, token: str, change: Callable[[Campaign], Campaign], by: By | None = None
    ) -> Campaign | None:
        """Read, change and write a campaign in one transaction; None when there is none or it is deleted."""
        if not campaigns.can_be_a_token(token):
            return None
        try:
            with self._summaries.changing(app_id, token), self.database.writing() as connection:
                return self._update_campaign(connection, app_id, token, change, by)
        finally:
            # After a failure too: a commit that reports one may still have reached the disk.
            self._refs.forget(app_id, token)
            self._campaigns.forget(app_id, token)

    def delete_campaign(self, app_id: int, token: str, at: int, by: By | None = None) -> bool:
        """Mark as deleted; False when there is none, or it was deleted before."""
        deleted = self.update_campaign(
            app_id, token, lambda campaign: msgspec.structs.replace(campaign, deleted_at=at), by
        )
        return deleted is not None

    def campaigns(  # noqa: PLR0913 - three filters and a page
        self,
        app_id: int,
        offset: int,
        limit: int,
        *,
        live: bool | None = None,
        from_api: bool | None = None,
        include_dev: bool = True,
    ) -> list[Campaign]:
        """A page of an app's campaigns, newest first by creation, without deleted ones."""
        with self.database.reading() as connection:
            return campaigns.page(
                connection, app_id, offset, limit, live=live, from_api=from_api, include_dev=include_dev
            )

    def campaign_summaries(self, app_id: int) -> Sequence[Campaign]:
        """The campaigns of an app without what is long in them, newest first, without deleted ones."""
        return self._summaries.of(app_id)

    def campaigns_changed(self, app_id: int) -> int:
        """A number that grows whenever the summaries may have changed."""
        return self._summaries.changed(app_id)

    def installation(self, app_id: int, dev: bool, installation_id: str) -> Installation | None:
        """One installation."""
        if not installations.can_be_an_id(installation_id):
            return None
        with self.database.reading() as connection:
            return installations.read(connection, app_id, dev, installation_id)

    def put_installation(self, installation: Installation, at: int) -> bool:
        """Insert or replace; a push token belongs to the installation that gave it last. True when it is new."""
        with self.database.writing() as connection:
            return installations.put(connection, installation, at)

    def delete_installation(self, app_id: int, dev: bool, installation_id: str) -> bool:
        """Remove one; False when it is unknown. Its token version is remembered, so old tokens stay void."""
        if not installations.can_be_an_id(installation_id):
            return False
        with self.database.writing() as connection:
            return installations.remove(connection, app_id, dev, installation_id)

    def put_installations(self, batch: Sequence[Installation], at: int) -> None:
        """Insert or replace several of one app and one world, with distinct ids."""
        if batch:
            with self.database.writing() as connection:
                installations.put_all(connection, batch, at)

    def installations(
        self, app_id: int, dev: bool, installation_ids: Sequence[str]
    ) -> dict[str, Installation]:
        """Those of ``installation_ids`` that there are, by id."""
        wanted = [each for each in installation_ids if installations.can_be_an_id(each)]
        with self.database.reading() as connection:
            return installations.read_all(connection, app_id, dev, wanted)

    def select(self, selection: Selection, opens: Callable[[], Opens], after: str = "") -> Iterator[Selected]:
        """The installations of a selection, ascending by id, in parts of up to some thousand."""
        return audience.selected(self.database.reading, selection, opens, after)

    def put_audience(  # noqa: PLR0913 - what a list is made of, and by whom
        self, app_id: int, dev: bool, name: str, ids: Sequence[str], at: int, by: By | None = None
    ) -> Audience:
        """Make or replace a named list of installations; ids that are there twice count once."""
        return self._audience_lists.put(app_id, dev, name, ids, at, by)

    def audiences(self, app_id: int, dev: bool) -> list[Audience]:
        """The named lists of an app and a world, by name."""
        return self._audience_lists.read_all(app_id, dev)

    def delete_audience(self, app_id: int, dev: bool, name: str, by: By | None = None) -> bool:
        """Remove a list; False when there is none of that name."""
        return self._audience_lists.remove(app_id, dev, name, by)

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A secret of this server by name, made at first use."""
        with self.database.writing() as connection:
            known: bytes | None = connection.scalar(select(secrets.c.value).where(secrets.c.name == name))
            if known is not None:
                return known
            made = make()
            connection.execute(insert(secrets).values(name=name, value=made))
        return made

    def replace_secret(self, name: str, value: bytes) -> None:
        """Rotate a secret."""
        with self.database.writing() as connection:
            known = connection.execute(update(secrets).where(secrets.c.name == name).values(value=value))
            if not known.rowcount:
                connection.execute(insert(secrets).values(name=name, value=value))

    @contextmanager
    def _changing(self, taken: str | None = None) -> Iterator[Connection]:
        """A transaction on companies, apps or keys.

        What is remembered follows when the change is durable, in the order of the changes.
        """
        with self._directory_lock:
            with self.database.writing(taken) as connection:
                yield connection
                # Before the commit: a revoked key must not stay good because this could not be read after it.
                directory = read_directory(connection)
            self._directory = directory

    def _update_campaign(
        self,
        connection: Connection,
        app_id: int,
        token: str,
        change: Callable[[Campaign], Campaign],
        by: By | None,
    ) -> Campaign | None:
        known = campaigns.read(connection, app_id, token)
        if known is None or known.deleted_at is not None:
            return None
        changed = change(known)
        if changed != known:
            campaigns.write(connection, changed)
            self._write_down(connection, by, known, changed)
        return changed

    def _write_down(
        self, connection: Connection, by: By | None, before: Campaign | None, after: Campaign
    ) -> None:
        company_id = next(app.company_id for app in self._directory.apps if app.id == after.app_id)
        audit.write_campaign(connection, by, company_id, before, after)

    def _read_refs(self, app_id: int, tokens: Sequence[str]) -> dict[str, CampaignRef]:
        moment = self._refs.moment
        with self.database.reading() as connection:
            found = campaigns.refs(connection, app_id, tokens)
        for token, ref in found.items():
            self._refs.remember(app_id, token, ref, moment)
        return found
