"""The Records in memory: dictionaries, and nothing clever. It keeps no audit log."""

# ruff: noqa: ARG002 - so it has no use for ``by``

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from typing import Any

import msgspec
import numpy as np

from openrate.audience import Seen, Subject, needs_facts, selects
from openrate.conditions import Selection
from openrate.errors import OpenrateError
from openrate.model import (
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
from openrate.ports.event_log import NEVER, Opens
from openrate.ports.records import Selected, SummaryParameters

Name = tuple[int, bool, str]


class MemoryRecords:
    """Keeps nothing when the process ends."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._companies: dict[int, Company] = {}
        self._apps: list[App] = []
        self._keys: list[tuple[bytes, RestKey]] = []
        self._campaigns: dict[str, Campaign] = {}
        self._installations: dict[Name, Installation] = {}
        self._retired: dict[Name, int] = {}
        self._secrets: dict[str, bytes] = {}
        self._audiences: dict[Name, tuple[Audience, frozenset[str]]] = {}
        self._changes = 0

    def company(self, name: str) -> Company | None:
        return next((c for c in self._companies.values() if c.name == name), None)

    def company_of(self, app: App) -> Company:
        return self._companies[app.company_id]

    def companies(self) -> list[Company]:
        return sorted(self._companies.values(), key=lambda company: company.name)

    def create_company(self, name: str, rule: Rule, by: By | None = None) -> Company:
        if self.company(name):
            raise OpenrateError(f"There is a company {name} already.")
        company = Company(next(self._ids), name, rule)
        self._companies[company.id] = company
        return company

    def set_rule(self, company_id: int, rule: Rule, by: By | None = None) -> None:
        self._companies[company_id] = msgspec.structs.replace(self._companies[company_id], rule=rule)

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
        if company_id not in self._companies:
            raise OpenrateError("There is no such company.")
        app = App(next(self._ids), company_id, name, platform, sender, live, dev, sdk)
        if any((a.name, a.platform) == (name, platform) for a in self.apps(company_id)):
            raise OpenrateError(f"There is an app {name} already.")
        self._apps.append(app)
        return app

    def set_app(self, app: App, sender: Sender, send_rate: int | None, by: By | None = None) -> None:
        changed = msgspec.structs.replace(app, sender=sender, send_rate=send_rate)
        self._apps = [changed if known.id == app.id else known for known in self._apps]

    def apps(self, company_id: int | None = None) -> list[App]:
        found = [app for app in self._apps if company_id in {None, app.company_id}]
        return sorted(found, key=lambda app: (self.company_of(app).name, app.name, app.id))

    def app_by_key(self, key: str) -> App | None:
        return next((app for app in self._apps if key in {app.live_key, app.dev_key, app.sdk_key}), None)

    def add_key(self, company_id: int, hashed: bytes, scope: Scope, at: int, by: By | None = None) -> RestKey:
        key = RestKey(next(self._ids), company_id, scope, at)
        self._keys.append((hashed, key))
        return key

    def keys(self, company_id: int) -> list[tuple[bytes, RestKey]]:
        return [(hashed, key) for hashed, key in self._keys if key.company_id == company_id]

    def revoke_key(self, company_id: int, key_id: int, at: int, by: By | None = None) -> bool:
        for position, (hashed, key) in enumerate(self._keys):
            if (key.company_id, key.id) == (company_id, key_id):
                revoked = msgspec.structs.replace(key, revoked_at=key.revoked_at or at)
                self._keys[position] = (hashed, revoked)
                return True
        return False

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
        number, kept = next(self._ids), copy.deepcopy(parameters)
        campaign = Campaign(
            number,
            app_id,
            token,
            kept,
            has_versions,
            dev_only,
            from_api,
            at,
            was_live,
            next_due_at=next_due_at,
            live_since=at if was_live else None,
        )
        self._campaigns[token] = campaign
        self._changes += 1
        return campaign

    def campaign(self, app_id: int, token: str) -> Campaign | None:
        campaign = self._campaigns.get(token)
        return campaign if campaign and campaign.app_id == app_id else None

    def campaign_of(self, company_id: int, token: str) -> Campaign | None:
        found = (self.campaign(app.id, token) for app in self.apps(company_id))
        return next((campaign for campaign in found if campaign is not None), None)

    def campaign_names(self, company_id: int, tokens: Collection[str]) -> dict[str, str]:
        found = (self.campaign_of(company_id, token) for token in tokens)
        return {campaign.token: campaign.parameters["name"] for campaign in found if campaign is not None}

    def campaign_refs(self, app_id: int, tokens: Sequence[str]) -> dict[str, CampaignRef]:
        found = [campaign for token in tokens if (campaign := self.campaign(app_id, token))]
        return {c.token: CampaignRef(c.id, c.has_versions, c.deleted_at is not None) for c in found}

    def campaign_tokens(self, app_id: int) -> dict[int, str]:
        return {c.id: c.token for c in self._campaigns.values() if c.app_id == app_id}

    def update_campaign(
        self, app_id: int, token: str, change: Callable[[Campaign], Campaign], by: By | None = None
    ) -> Campaign | None:
        known = self.campaign(app_id, token)
        if known is None or known.deleted_at is not None:
            return None
        self._campaigns[token] = change(known)
        self._changes += 1
        return self._campaigns[token]

    def delete_campaign(self, app_id: int, token: str, at: int, by: By | None = None) -> bool:
        deleted = self.update_campaign(app_id, token, lambda c: msgspec.structs.replace(c, deleted_at=at))
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
        found = [
            c
            for c in self._campaigns.values()
            if c.app_id == app_id
            and c.deleted_at is None
            and live in {None, c.parameters["live"]}
            and from_api in {None, c.from_api}
            and (include_dev or not c.dev_only)
        ]
        return sorted(found, key=lambda c: -c.id)[offset : offset + limit]

    def campaign_summaries(self, app_id: int) -> list[Campaign]:
        found = self.campaigns(app_id, 0, len(self._campaigns))
        shown = SummaryParameters.__annotations__
        return [
            msgspec.structs.replace(c, parameters={k: v for k, v in c.parameters.items() if k in shown})
            for c in found
        ]

    def campaigns_changed(self, app_id: int) -> int:
        return self._changes

    def installation(self, app_id: int, dev: bool, installation_id: str) -> Installation | None:
        return self._installations.get((app_id, dev, installation_id))

    def put_installation(self, installation: Installation, at: int) -> bool:
        name = (installation.app_id, installation.dev, installation.installation_id)
        is_new = name not in self._installations
        if is_new:
            version = max(installation.token_version, self._retired.get(name, 0) + 1)
            installation = msgspec.structs.replace(installation, token_version=version)
        for other, known in self._installations.items():
            gave_it = installation.push_token and known.push_token == installation.push_token
            if gave_it and other != name and other[:2] == name[:2]:
                self._installations[other] = msgspec.structs.replace(known, push_token=None)
        self._installations[name] = installation
        return is_new

    def delete_installation(self, app_id: int, dev: bool, installation_id: str) -> bool:
        name = (app_id, dev, installation_id)
        known = self._installations.pop(name, None)
        if known is not None:
            self._retired[name] = known.token_version
        return known is not None

    def put_installations(self, batch: Sequence[Installation], at: int) -> None:
        for installation in batch:
            self.put_installation(installation, at)

    def installations(
        self, app_id: int, dev: bool, installation_ids: Sequence[str]
    ) -> dict[str, Installation]:
        found = {name: self.installation(app_id, dev, name) for name in installation_ids}
        return {name: known for name, known in found.items() if known is not None}

    def select(self, selection: Selection, opens: Callable[[], Opens], after: str = "") -> Iterator[Selected]:
        of_app = [
            i for i in self._installations.values() if (i.app_id, i.dev) == (selection.app_id, selection.dev)
        ]
        of_app.sort(key=lambda installation: installation.installation_id)
        if needs_facts(selection.whole):
            times = opens().of([installation.installation_id for installation in of_app])
            seen = [
                Seen(*(None if at == NEVER else at for at in each))
                for each in zip(*map(list, times), strict=True)
            ]
        else:
            seen = [Seen()] * len(of_app)
        chosen = [
            installation
            for installation, times_of in zip(of_app, seen, strict=True)
            if selects(selection, Subject(installation, times_of, self._lists_of(installation)))
            and installation.installation_id > after
        ]
        if chosen:
            yield Selected(
                [i.installation_id for i in chosen], np.array([i.opted_in for i in chosen], np.bool_)
            )

    def _lists_of(self, installation: Installation) -> frozenset[str]:
        return frozenset(
            name
            for (app_id, dev, name), (_, ids) in self._audiences.items()
            if (app_id, dev) == (installation.app_id, installation.dev)
            and installation.installation_id in ids
        )

    def put_audience(  # noqa: PLR0913 - what a list is made of, and by whom
        self, app_id: int, dev: bool, name: str, ids: Sequence[str], at: int, by: By | None = None
    ) -> Audience:
        distinct = frozenset(ids)
        made = Audience(name, len(distinct), at)
        self._audiences[app_id, dev, name] = made, distinct
        return made

    def audiences(self, app_id: int, dev: bool) -> list[Audience]:
        found = [made for (*of, _), (made, _) in self._audiences.items() if of == [app_id, dev]]
        return sorted(found, key=lambda made: made.name)

    def delete_audience(self, app_id: int, dev: bool, name: str, by: By | None = None) -> bool:
        return self._audiences.pop((app_id, dev, name), None) is not None

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._secrets:
            self._secrets[name] = make()
        return self._secrets[name]

    def replace_secret(self, name: str, value: bytes) -> None:
        self._secrets[name] = value

    def close(self) -> None:
        pass
