"""Installations as numbers, in the database of the records (``ports.AudienceCounts``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
)

from openrate.model import DAY_MS
from openrate.ports.audience import OPTED_IN, WITH_PUSH_TOKEN, AudienceDay, Portion
from openrate.storage.database import Database, rows_of
from openrate.storage.tables import audience_days, installations

PORTION = 10_000
"""Installations in a transaction, about 20 ms."""


class SqlAudienceCounts:
    """Reads every installation of an app, a portion at a time, and keeps a row per app and day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def portions(self, app_id: int) -> Iterator[Portion]:
        """The installations of an app, in portions."""
        after, found = "", PORTION
        while found == PORTION:
            with self._database.reading() as connection:
                (row,) = rows_of(connection.execute(_PORTION, {"app": app_id, "after": after}))
            if row[0] is None:
                return
            portion = _portion(*row)
            after, found = portion.installation_ids[-1], len(portion.installation_ids)
            yield portion

    def totals(self, app_id: int) -> Iterator[tuple[int, int]]:
        """How many there are and how many are opted in, for each portion."""
        after, found = "", PORTION
        while found == PORTION:
            with self._database.reading() as connection:
                (row,) = rows_of(connection.execute(_TOTALS, {"app": app_id, "after": after}))
            found, opted_in, after = row
            if found:
                yield found, opted_in

    def put_days(self, days: Sequence[AudienceDay]) -> None:
        """Keep these instead of what was kept of those apps and days."""
        with self._database.writing() as connection:
            for day in days:
                connection.execute(delete(audience_days).where(_is_of(day)))
            if days:
                connection.execute(insert(audience_days), [day._asdict() for day in days])

    def days(self, app_ids: Sequence[int], since: int) -> list[AudienceDay]:
        """What was kept since a day, and where nothing was kept on that day, the last before it."""
        earlier = audience_days.alias()
        last = select(func.max(earlier.c.day)).where(
            earlier.c.app_id == audience_days.c.app_id, earlier.c.day <= since
        )
        wanted = (
            select(audience_days)
            .where(
                audience_days.c.app_id.in_(app_ids),
                or_(audience_days.c.day > since, audience_days.c.day == last.scalar_subquery()),
            )
            .order_by(audience_days.c.day, audience_days.c.app_id)
        )
        with self._database.reading() as connection:
            return [AudienceDay(*row) for row in connection.execute(wanted)]


def _live(*columns: ColumnElement[Any]) -> Select[Any]:
    """A portion of the live installations of an app, after an id."""
    return (
        select(*columns)
        .where(
            installations.c.app_id == bindparam("app"),
            installations.c.dev.is_(False),
            installations.c.installation_id > bindparam("after"),
        )
        .order_by(installations.c.installation_id)
        .limit(PORTION)
    )


def _portions() -> Executable:
    """A portion as five texts: a fifth of the objects, and so most of the time outside Python's lock.

    No value has a line end in it (``registration``); a mark is one digit.
    """
    mark = case((installations.c.opted_in, OPTED_IN), else_=0) + case(
        (installations.c.push_token.is_not(None), WITH_PUSH_TOKEN), else_=0
    )
    rows = _live(
        installations.c.installation_id.label("name"),
        cast(mark, Text).label("mark"),
        func.coalesce(installations.c.language, "").label("language"),
        func.coalesce(installations.c.region, "").label("region"),
        cast(installations.c.created_at // DAY_MS, Text).label("day"),
    ).subquery()
    texts = (rows.c.name, rows.c.language + rows.c.mark, rows.c.region + rows.c.mark, rows.c.day)
    joined = [func.aggregate_strings(text, "\n") for text in texts]
    return select(*joined, func.aggregate_strings(rows.c.mark, ""))


def _totals() -> Executable:
    rows = _live(installations.c.installation_id, installations.c.opted_in).subquery()
    opted_in = func.sum(case((rows.c.opted_in, 1), else_=0))
    return select(func.count(), opted_in, func.max(rows.c.installation_id)).select_from(rows)


_PORTION = _portions()
_TOTALS = _totals()


def _portion(names: str, languages: str, regions: str, days: str, marks: str) -> Portion:
    return Portion(
        names.split("\n"),
        np.frombuffer(marks.encode("ascii"), np.uint8) - ord("0"),
        _by_mark(languages),
        _by_mark(regions),
        {int(day): count for day, count in Counter(days.split("\n")).items()},
    )


def _by_mark(lines: str) -> dict[tuple[str, int], int]:
    """Each line is a value and a digit."""
    return {(line[:-1], int(line[-1])): count for line, count in Counter(lines.split("\n")).items()}


def _is_of(day: AudienceDay) -> ColumnElement[bool]:
    return and_(audience_days.c.app_id == day.app_id, audience_days.c.day == day.day)
