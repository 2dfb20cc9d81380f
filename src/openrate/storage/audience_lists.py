"""Named lists of installations, written and removed in short transactions, however long they are.

A list is written beside the one of its name and takes its place when it is whole. What is not current is of no
use to anybody: it is removed part by part, and what a crash leaves behind when a list is next changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from heapq import merge
from itertools import groupby, islice
from time import sleep

from sqlalchemy import Connection, and_, delete, func, insert, literal, select, update

from openrate.errors import StoreError
from openrate.model import Action, Audience, By
from openrate.storage import audit
from openrate.storage.audience_sql import each_of
from openrate.storage.database import Database
from openrate.storage.tables import apps, audience_members, audiences

PART = 5_000
"""Members in a transaction, about 20 ms; ids sorted at once, which nobody can interrupt."""
_PAUSE = 0.001
"""Seconds between two parts. A lock is not fair: who waits for it gets it while nobody asks again at once."""


class AudienceLists:
    """The named lists of all apps. Safe from any thread; lists may be written at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._under_way: set[int] = set()
        """Lists that are being written. It changes in writing transactions, of which there is one at a time."""

    def put(  # noqa: PLR0913 - as many as the port has
        self, app_id: int, dev: bool, name: str, ids: Sequence[str], at: int, by: By | None
    ) -> Audience:
        """Make or replace a list; until it is whole, readers see the one before.

        Raises:
            StoreError: it could not be stored; the list before, if there was one, is still there.
        """
        number = self._begin(app_id, dev, name, at)
        try:
            size = sum(self._add(number, part) for part in _parts(_sorted(ids)))
            made = Audience(name, size, at)
            self._take_over(number, app_id, dev, made, by)
        finally:
            self._under_way.discard(number)
            self._clear()
        return made

    def read_all(self, app_id: int, dev: bool) -> list[Audience]:
        """The lists of an app and a world, by name."""
        wanted = select(audiences.c.name, audiences.c.size, audiences.c.updated_at)
        current = and_(audiences.c.app_id == app_id, audiences.c.dev == dev, audiences.c.is_current)
        with self._database.reading() as connection:
            found = connection.execute(wanted.where(current).order_by(audiences.c.name))
            return [Audience(*row) for row in found]

    def remove(self, app_id: int, dev: bool, name: str, by: By | None) -> bool:
        """Remove a list with its members; False when there is none."""
        with self._database.writing() as connection:
            size = _retire(connection, app_id, dev, name)
            if size is not None:
                _write_down(connection, by, Action.AUDIENCE_REMOVED, (app_id, dev, name), (size, None))
        self._clear()
        return size is not None

    def _begin(self, app_id: int, dev: bool, name: str, at: int) -> int:
        """A list that nobody sees yet."""
        row = insert(audiences).values(
            app_id=app_id, dev=dev, name=name, size=0, updated_at=at, is_current=False
        )
        with self._database.writing() as connection:
            number = int(connection.scalar(row.returning(audiences.c.id)) or 0)
            self._under_way.add(number)
        return number

    def _add(self, number: int, ids: list[str]) -> int:
        rows = select(literal(number), each_of(ids))
        with self._database.writing() as connection:
            connection.execute(insert(audience_members).from_select(["audience", "installation_id"], rows))
        sleep(_PAUSE)
        return len(ids)

    def _take_over(self, number: int, app_id: int, dev: bool, made: Audience, by: By | None) -> None:
        of = (app_id, dev, made.name)
        with self._database.writing() as connection:
            before = _retire(connection, *of)
            whole = update(audiences).where(audiences.c.id == number)
            connection.execute(whole.values(size=made.size, is_current=True))
            _write_down(connection, by, Action.AUDIENCE_PUT, of, (before, made.size))

    def _clear(self) -> None:
        """Remove what is not current and not under way. If that fails it is tried when a list is next changed."""
        with suppress(StoreError):
            while self._clear_part():
                sleep(_PAUSE)

    def _clear_part(self) -> bool:
        """Whether there was something."""
        unused = and_(audiences.c.is_current.is_(False), audiences.c.id.not_in(self._under_way))
        with self._database.writing() as connection:
            number = connection.scalar(select(audiences.c.id).where(unused).limit(1))
            if number is None:
                return False
            name, of_list = audience_members.c.installation_id, audience_members.c.audience == number
            part = select(name).where(of_list).order_by(name).limit(PART).subquery()
            last = select(func.max(part.c.installation_id)).scalar_subquery()
            removed = connection.execute(delete(audience_members).where(of_list, name <= last))
            if removed.rowcount < PART:
                connection.execute(delete(audiences).where(audiences.c.id == number))
        return True


def _retire(connection: Connection, app_id: int, dev: bool, name: str) -> int | None:
    """Let nobody see a list any more; returns its size, or None when nobody did."""
    named = and_(audiences.c.app_id == app_id, audiences.c.dev == dev, audiences.c.name == name)
    retired = update(audiences).where(named, audiences.c.is_current).values(is_current=False)
    size = connection.scalar(retired.returning(audiences.c.size))
    return None if size is None else int(size)


def _write_down(
    connection: Connection,
    by: By | None,
    action: Action,
    of: tuple[int, bool, str],
    sizes: tuple[int | None, int | None],
) -> None:
    """A line of the audit log: how many installations were in the list before, and how many are now."""
    app_id, dev, name = of
    app = connection.execute(select(apps.c.company_id, apps.c.name).where(apps.c.id == app_id)).one_or_none()
    if app is not None:
        subject = f"{name} of {app.name}{' (development builds)' if dev else ''}"
        audit.write_details(connection, by, app.company_id, action, subject, {"installations": sizes})


def _sorted(ids: Sequence[str]) -> Iterator[str]:
    """The distinct ids, ascending: a store takes what comes in its order several times as fast."""
    runs = [sorted(ids[first : first + PART]) for first in range(0, len(ids), PART)]
    return (each for each, _ in groupby(merge(*runs)))


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    ids = iter(ids)
    while part := list(islice(ids, PART)):
        yield part
