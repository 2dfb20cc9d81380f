"""The statements about named lists of installations; ``records.py`` runs them, each in a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select
from sqlalchemy.sql.schema import Table

from openrate.model import Audience
from openrate.storage.tables import audience_members, audiences

_AT_ONCE = 10_000
"""Rows of members that stand in memory together, about 4 MB."""


def put(  # noqa: PLR0913 - what names a list, and what is in it
    connection: Connection, app_id: int, dev: bool, name: str, ids: Sequence[str], at: int
) -> Audience:
    """Make or replace a list."""
    remove(connection, app_id, dev, name)
    distinct = list(dict.fromkeys(ids))
    made = Audience(name, len(distinct), at)
    list_of = {"app_id": app_id, "dev": dev}
    connection.execute(insert(audiences).values(**list_of, name=name, size=made.size, updated_at=at))
    for first in range(0, len(distinct), _AT_ONCE):
        part = distinct[first : first + _AT_ONCE]
        rows = [list_of | {"audience": name, "installation_id": each} for each in part]
        connection.execute(insert(audience_members), rows)
    return made


def read_all(connection: Connection, app_id: int, dev: bool) -> list[Audience]:
    """The lists of an app and a world, by name."""
    wanted = select(audiences.c.name, audiences.c.size, audiences.c.updated_at)
    of_app = wanted.where(audiences.c.app_id == app_id, audiences.c.dev == dev).order_by(audiences.c.name)
    return [Audience(*row) for row in connection.execute(of_app)]


def remove(connection: Connection, app_id: int, dev: bool, name: str) -> bool:
    """Remove a list with its members; False when there is none."""
    connection.execute(delete(audience_members).where(_of(audience_members, "audience", app_id, dev, name)))
    gone = connection.execute(delete(audiences).where(_of(audiences, "name", app_id, dev, name)))
    return bool(gone.rowcount)


def _of(table: Table, column: str, app_id: int, dev: bool, name: str) -> ColumnElement[bool]:
    return and_(table.c.app_id == app_id, table.c.dev == dev, table.c[column] == name)
