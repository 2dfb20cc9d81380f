"""The statements about installations; ``records.py`` runs them, each in a transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, insert, select, update
from sqlalchemy.sql.schema import Table

from openrate.audience import version_key
from openrate.model import Installation, Platform
from openrate.storage.tables import installations, retired_installations

_Item = TypeVar("_Item")
_LONGEST_ID = 64
_FIELDS = Installation.__struct_fields__
_JSON = ("attributes", "tags")
_COLUMNS = [installations.c[field] for field in _FIELDS]
_AT_ONCE = 1_000
"""Installations in a statement; SQLite takes at most 32,766 values."""
_NAME = ("app_id", "dev", "installation_id")
_REPLACED = [column for column in installations.c if column.name not in {*_NAME, "created_at"}]
_REPLACE = (
    update(installations)
    .where(*(installations.c[name] == bindparam(f"new_{name}") for name in _NAME))
    .values({column: bindparam(f"new_{column.name}") for column in _REPLACED})
)
"""``bindparam`` keeps the names of columns for itself."""


def can_be_an_id(installation_id: str) -> bool:
    """Whether an installation could have this id; what could not is unknown without a look."""
    return len(installation_id) <= _LONGEST_ID and installation_id.isascii() and installation_id.isprintable()


def read(connection: Connection, app_id: int, dev: bool, installation_id: str) -> Installation | None:
    """One installation."""
    row = connection.execute(
        select(*_COLUMNS).where(_named(installations, app_id, dev, installation_id))
    ).one_or_none()
    return None if row is None else _installation(row)


def read_all(
    connection: Connection, app_id: int, dev: bool, installation_ids: Sequence[str]
) -> dict[str, Installation]:
    """Those of these ids that there are, by id."""
    found = {}
    for ids in _portions(installation_ids):
        rows = connection.execute(select(*_COLUMNS).where(_among(installations, app_id, dev, ids)))
        found.update({each.installation_id: each for each in map(_installation, rows)})
    return found


def _installation(row: Row[Any]) -> Installation:
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


def put_all(connection: Connection, batch: Sequence[Installation], at: int) -> None:
    """Insert or replace several of one app and world, as ``put`` does one after the other."""
    for some in _portions(batch):
        _put_some(connection, some, at)


def _put_some(connection: Connection, batch: Sequence[Installation], at: int) -> None:
    app_id, dev = batch[0].app_id, batch[0].dev
    ids = [each.installation_id for each in batch]
    rows = {each.installation_id: _values(each) | {"updated_at": at} for each in _last_of_each_token(batch)}
    _drop_push_tokens(connection, app_id, dev, [row["push_token_hash"] for row in rows.values()])
    known = select(installations.c.installation_id).where(_among(installations, app_id, dev, ids))
    old = set(connection.scalars(known))
    if old:
        replaced = [{f"new_{name}": value for name, value in rows[each].items()} for each in sorted(old)]
        connection.execute(_REPLACE, replaced)
    lowest = {
        row.installation_id: row.token_version + 1
        for row in connection.execute(
            select(retired_installations).where(_among(retired_installations, app_id, dev, ids))
        )
    }
    for name, row in rows.items():
        row["token_version"] = max(row["token_version"], lowest.get(name, 1))
    if fresh := [row | {"created_at": at} for name, row in rows.items() if name not in old]:
        connection.execute(insert(installations), fresh)


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
    values["app_version_key"] = version_key(installation.app_version)
    values["push_token_hash"] = None if token is None else hashlib.sha256(token.encode()).digest()
    for name in _JSON:
        values[name] = None if values[name] is None else msgspec.json.encode(values[name]).decode()
    return values


def _last_of_each_token(batch: Sequence[Installation]) -> Iterator[Installation]:
    """The batch, with a token that several give left to the last of them."""
    owners = {each.push_token: each.installation_id for each in batch}
    for each in batch:
        is_owner = owners[each.push_token] == each.installation_id
        yield each if is_owner else msgspec.structs.replace(each, push_token=None)


def _drop_push_tokens(connection: Connection, app_id: int, dev: bool, hashes: list[bytes | None]) -> None:
    """Take these tokens from whoever has them."""
    connection.execute(
        update(installations)
        .where(
            installations.c.app_id == app_id,
            installations.c.dev == dev,
            installations.c.push_token_hash.in_([hashed for hashed in hashes if hashed is not None]),
        )
        .values(push_token=None, push_token_hash=None)
    )


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


def _among(table: Table, app_id: int, dev: bool, ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(table.c.app_id == app_id, table.c.dev == dev, table.c.installation_id.in_(ids))


def _portions(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """Cut for statements."""
    for first in range(0, len(items), _AT_ONCE):
        yield items[first : first + _AT_ONCE]
