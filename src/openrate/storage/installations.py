"""The statements about installations; ``records.py`` runs them, each in a transaction."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update
from sqlalchemy.sql.schema import Table

from openrate.model import Installation, Platform
from openrate.storage.tables import installations, retired_installations

_LONGEST_ID = 64
_FIELDS = Installation.__struct_fields__
_JSON = ("attributes", "tags")
_COLUMNS = [installations.c[field] for field in _FIELDS]


def can_be_an_id(installation_id: str) -> bool:
    """Whether an installation could have this id; what could not is unknown without a look."""
    return len(installation_id) <= _LONGEST_ID and installation_id.isascii() and installation_id.isprintable()


def read(connection: Connection, app_id: int, dev: bool, installation_id: str) -> Installation | None:
    """One installation."""
    row = connection.execute(
        select(*_COLUMNS).where(_named(installations, app_id, dev, installation_id))
    ).one_or_none()
    if row is None:
        return None
    fields = dict(zip(_FIELDS, row, strict=True))
    fields["platform"] = Platform(fields["platform"])
    for name in _JSON:
        if fields[name] is not None:
            fields[name] = msgspec.json.decode(fields[name])
    return Installation(**fields)


def put(connection: Connection, installation: Installation, at: int) -> bool:
    """Insert or replace; True when it is new."""
    name = (installation.app_id, installation.dev, installation.installation_id)
    values = _values(installation) | {"updated_at": at}
    _take_push_token(connection, installation, values["push_token_hash"])
    replaced = connection.execute(update(installations).where(_named(installations, *name)).values(values))
    if replaced.rowcount:
        return False
    lowest = _retired_version(connection, *name) + 1
    values["token_version"] = max(installation.token_version, lowest)
    connection.execute(insert(installations).values(values | {"created_at": at}))
    return True


def remove(connection: Connection, app_id: int, dev: bool, installation_id: str) -> bool:
    """Remove one and remember its token version; False when it is unknown."""
    name = (app_id, dev, installation_id)
    version = connection.scalar(
        delete(installations).where(_named(installations, *name)).returning(installations.c.token_version)
    )
    if version is None:
        return False
    connection.execute(delete(retired_installations).where(_named(retired_installations, *name)))
    connection.execute(
        insert(retired_installations).values(
            app_id=app_id, dev=dev, installation_id=installation_id, token_version=version
        )
    )
    return True


def _values(installation: Installation) -> dict[str, Any]:
    values = {field: getattr(installation, field) for field in _FIELDS}
    token = installation.push_token
    values["push_token_hash"] = None if token is None else hashlib.sha256(token.encode()).digest()
    for name in _JSON:
        values[name] = None if values[name] is None else msgspec.json.encode(values[name]).decode()
    return values


def _take_push_token(connection: Connection, installation: Installation, hashed: bytes | None) -> None:
    """Take the token from whoever gave it before: it names one place that pushes arrive at."""
    if hashed is None:
        return
    connection.execute(
        update(installations)
        .where(
            installations.c.app_id == installation.app_id,
            installations.c.dev == installation.dev,
            installations.c.push_token_hash == hashed,
            installations.c.installation_id != installation.installation_id,
        )
        .values(push_token=None, push_token_hash=None)
    )


def _retired_version(connection: Connection, app_id: int, dev: bool, installation_id: str) -> int:
    version = connection.scalar(
        select(retired_installations.c.token_version).where(
            _named(retired_installations, app_id, dev, installation_id)
        )
    )
    return int(version or 0)


def _named(table: Table, app_id: int, dev: bool, installation_id: str) -> ColumnElement[bool]:
    return and_(table.c.app_id == app_id, table.c.dev == dev, table.c.installation_id == installation_id)
