"""Companies, apps and REST keys in memory: who knocks at every request is never looked up on the disk.

All of them, not the recent ones: people make them one by one, so they are few, and an unknown key is turned
away as fast as a known one is let in.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from openrate.model import App, Company, Platform, RestKey, Rule, Scope, Sender
from openrate.storage.tables import apps, companies, rest_keys


class Directory(NamedTuple):
    """One state of them. It is never changed; a write makes another.

    Attributes:
        companies: by name, in the order of names.
        companies_by_id: the same.
        apps: by company, then name.
        apps_by_key: by each of its three keys.
        keys: of each company id, with their hashes, oldest first.
    """

    companies: dict[str, Company]
    companies_by_id: dict[int, Company]
    apps: list[App]
    apps_by_key: dict[str, App]
    keys: dict[int, list[tuple[bytes, RestKey]]]


def read_directory(connection: Connection) -> Directory:
    """The state that this transaction sees; names are in the order of Python's text on every database."""
    owners = sorted(_companies(connection), key=lambda company: company.name)
    by_id = {company.id: company for company in owners}
    members = sorted(_apps(connection), key=lambda app: (by_id[app.company_id].name, app.name, app.id))
    by_key = {key: app for app in members for key in (app.live_key, app.dev_key, app.sdk_key)}
    return Directory({company.name: company for company in owners}, by_id, members, by_key, _keys(connection))


def _companies(connection: Connection) -> list[Company]:
    return [
        Company(row.id, row.name, Rule(row.influence_window, row.reengage_window, row.inactive_after))
        for row in connection.execute(select(companies))
    ]


def _apps(connection: Connection) -> list[App]:
    return [
        App(
            row.id,
            row.company_id,
            row.name,
            Platform(row.platform),
            Sender(row.sender),
            row.live_key,
            row.dev_key,
            row.sdk_key,
            row.send_rate,
        )
        for row in connection.execute(select(apps))
    ]


def _keys(connection: Connection) -> dict[int, list[tuple[bytes, RestKey]]]:
    found: dict[int, list[tuple[bytes, RestKey]]] = {}
    for row in connection.execute(select(rest_keys).order_by(rest_keys.c.id)):
        key = RestKey(row.id, row.company_id, Scope(row.scope), row.created_at, row.revoked_at)
        found.setdefault(row.company_id, []).append((row.hashed, key))
    return found
