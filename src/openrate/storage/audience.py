"""Selecting installations: SQL finds what the records know, numpy adds what follows from facts, part by part.

What the whole condition demands of the records alone is the WHERE. Of the rest, the largest pieces that are
about the records alone are asked as columns of truths, and combined with the pieces about facts as arrays.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Executable, Select, and_, bindparam, case, func, select

from openrate.audience import moments_in, needs_facts, segments_of
from openrate.conditions import (
    All,
    AnyOf,
    AsOf,
    At,
    Condition,
    Exists,
    Field,
    InSegments,
    Lies,
    Not,
    Order,
    Selection,
    Source,
)
from openrate.ports.event_log import NEVER, Opens, OpenTimes
from openrate.ports.records import Selected
from openrate.storage.audience_sql import Sql, attribute_text, is_sql, sql
from openrate.storage.database import rows_of
from openrate.storage.tables import installations

PART = 10_000
"""Installations in a part: a transaction of about 10 ms."""

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Reading = Callable[[], AbstractContextManager[Connection]]

_ORDERS: dict[Order, Callable[[Ints, int], Flags]] = {
    Order.LESS: operator.lt,
    Order.AT_MOST: operator.le,
    Order.MORE: operator.gt,
    Order.AT_LEAST: operator.ge,
}


def selected(
    reading: Reading, selection: Selection, opens: Callable[[], Opens], after: str
) -> Iterator[Selected]:
    """See ``ports.Records.select``; ``reading`` begins a transaction."""
    plan = _plan(selection)
    known = opens() if needs_facts(selection.whole) else None
    count = PART
    while count == PART:
        with reading() as connection:
            rows = rows_of(connection.execute(plan.statement, {"after": after}))
        found = _read_together(rows) if plan.is_together else _read_rows(rows)
        count = len(found.ids)
        after = found.ids[-1] if found.ids else after
        part = _passing(found, plan.test, known)
        if part.installation_ids:
            yield part


def _together(rows: Select[Any]) -> Executable:
    """The ids and truths of many rows in two texts: a tenth of the objects, and a third of the time.

    No id has a line end in it.
    """
    part = rows.subquery()
    ids = func.aggregate_strings(part.c.installation_id, "\n")
    return select(ids, func.aggregate_strings(case((part.c.opted_in, "1"), else_="0"), ""))


class _Found(NamedTuple):
    """The ids that were read, whether they are opted in, and the columns that tests look at."""

    ids: Sequence[str]
    opted_in: Flags
    columns: Sequence[Sequence[Any]] = ()


def _read_together(rows: Sequence[tuple[Any, ...]]) -> _Found:
    ((text, opted_in),) = rows
    marks = np.frombuffer((opted_in or "").encode("ascii"), np.uint8)
    return _Found([] if text is None else text.split("\n"), marks == ord("1"))


def _read_rows(rows: Sequence[tuple[Any, ...]]) -> _Found:
    if not rows:
        return _Found([], np.zeros(0, np.bool_))
    ids, opted_in, *columns = zip(*rows, strict=True)
    return _Found(ids, np.array(opted_in, np.bool_), columns)


def _passing(found: _Found, test: _Test | None, opens: Opens | None) -> Selected:
    """Those of the ids that were read that pass the test; all without one."""
    if test is None or not found.ids:
        return Selected(list(found.ids), found.opted_in)
    passes = test(_Part(found, opens))
    return Selected([found.ids[at] for at in np.flatnonzero(passes).tolist()], found.opted_in[passes])


class _Part:
    """What was read, and what facts say about it."""

    def __init__(self, found: _Found, opens: Opens | None) -> None:
        self.columns = found.columns
        self.opens = None if opens is None else opens.of(found.ids)

    def times(self) -> OpenTimes:
        """What facts say; asked by conditions about facts only."""
        assert self.opens is not None  # noqa: S101 - needs_facts said so
        return self.opens


_Test = Callable[[_Part], Flags]


class _Plan(NamedTuple):
    """A statement for a part after an id, and a test of its rows; None: all of them pass.

    ``is_together``: the rows come as two texts, as no test looks at a column of theirs.
    """

    statement: Executable
    is_together: bool
    test: _Test | None


def _plan(selection: Selection) -> _Plan:
    demands = list(_demands(selection.whole))
    tests = _Tests(selection.as_of)
    rest = [demand for demand in demands if not is_sql(demand)]
    test = tests.of(All(tuple(rest))) if rest else None
    where = and_(
        installations.c.app_id == selection.app_id,
        installations.c.dev == selection.dev,
        installations.c.installation_id > bindparam("after"),
        installations.c.push_token.is_not(None),
        *(sql(demand) for demand in demands if is_sql(demand)),
    )
    columns = [column.label(f"asked{at}") for at, column in enumerate(tests.columns)]
    asked = select(installations.c.installation_id, installations.c.opted_in, *columns)
    rows = asked.where(where).order_by(installations.c.installation_id).limit(PART)
    is_together = not tests.columns
    return _Plan(_together(rows) if is_together else rows, is_together, test)


def _demands(condition: Condition) -> Iterator[Condition]:
    """The conditions all of which must hold."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _demands(part)
    else:
        yield condition


class _Tests:
    """Makes tests of conditions, and gathers the columns that they look at."""

    def __init__(self, as_of: AsOf) -> None:
        self._as_of = as_of
        self.columns: list[Sql] = []

    def of(self, condition: Condition) -> _Test:  # noqa: PLR0911 - one for each condition
        """The test of a condition that is not all about the records."""
        match condition:
            case All(parts):
                tests = self._each(parts, All)
                return lambda part: np.logical_and.reduce([test(part) for test in tests])
            case AnyOf(parts):
                tests = self._each(parts, AnyOf)
                return lambda part: np.logical_or.reduce([test(part) for test in tests])
            case Not(inner):
                negated = self.of(inner)
                return lambda part: ~negated(part)
            case InSegments(segments):
                numbers = np.array(sorted(segments), np.int8)
                return lambda part: np.isin(segments_of(part.times(), self._as_of), numbers)
            case At(field, moments):
                moment, wanted = self._moment(field), np.array(moments, np.int64)
                return lambda part: np.isin(moment(part), wanted)
            case Lies(field, order, at):
                return _lies(self._moment(field), order, at)
            case Exists(field):
                moment = self._moment(field)
                return lambda part: moment(part) != NEVER
        raise AssertionError(condition)

    def _each(self, parts: Sequence[Condition], together: type[All | AnyOf]) -> list[_Test]:
        """Tests of the parts; those about the records alone are one column."""
        tests = [self.of(part) for part in parts if not is_sql(part)]
        alone = tuple(part for part in parts if is_sql(part))
        if alone:
            truths = self._column(sql(together(alone)))
            tests.append(lambda part: np.array(truths(part), np.bool_))
        return tests

    def _moment(self, field: Field) -> Callable[[_Part], Ints]:
        """Milliseconds since 1970, or NEVER."""
        match field.source:
            case Source.FIRST_SEEN:
                return lambda part: part.times().first_seen
            case Source.LAST_OPEN:
                return lambda part: part.times().last_open
        texts = self._column(attribute_text(field))
        return lambda part: moments_in(texts(part))

    def _column(self, column: Sql) -> Callable[[_Part], Sequence[Any]]:
        at = len(self.columns)
        self.columns.append(column)
        return lambda part: part.columns[at]


def _lies(moment: Callable[[_Part], Ints], order: Order, at: int) -> _Test:
    def test(part: _Part) -> Flags:
        moments = moment(part)
        passes: Flags = (moments != NEVER) & _ORDERS[order](moments, at)
        return passes

    return test
