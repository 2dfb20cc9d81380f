"""Conditions as SQL. What each must mean is ``openrate.audience.reference``; a test holds the two together.

Every expression here is true or false and never null, so that ``not`` of it is the other one. Functions on
JSON are those of SQLite, all of them in this module; on PostgreSQL they would be those of ``jsonb``, and texts
compared would have the collation C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from openrate.conditions import (
    FACTS,
    All,
    AnyOf,
    At,
    Compares,
    Condition,
    Contains,
    Equals,
    Exists,
    Field,
    InAudiences,
    InLanguages,
    InRegions,
    InSegments,
    InTimezones,
    Lies,
    Not,
    Order,
    Scalar,
    Source,
)
from openrate.storage.tables import audience_members, audiences, installations

Sql = ColumnElement[Any]
Truth = ColumnElement[bool]

_ORDERS: dict[Order, Callable[[Any, Any], Truth]] = {
    Order.LESS: lambda one, other: one < other,
    Order.AT_MOST: lambda one, other: one <= other,
    Order.MORE: lambda one, other: one > other,
    Order.AT_LEAST: lambda one, other: one >= other,
}
_NUMBERS = ("integer", "real")


def is_sql(condition: Condition) -> bool:
    """Whether it can be asked here. What is about facts cannot, nor dates in attributes: they are texts."""
    match condition:
        case All(parts) | AnyOf(parts):
            return all(map(is_sql, parts))
        case Not(part):
            return is_sql(part)
        case InSegments() | At() | Lies():
            return False
        case Equals(field) | Compares(field) | Contains(field) | Exists(field):
            return field.source not in FACTS
    return True


def sql(condition: Condition) -> Truth:  # noqa: PLR0911 - one for each condition
    """The condition, which ``is_sql``."""
    match condition:
        case All(parts):
            return and_(true(), *map(sql, parts))
        case AnyOf(parts):
            return or_(false(), *map(sql, parts))
        case Not(part):
            return not_(sql(part))
        case Equals(field, values):
            return _known(_equals(field, values))
        case Compares(field, order, value):
            return _known(_compares(field, order, value))
        case Contains(field, text):
            return _known(func.instr(attribute_text(field), text) > 0)
        case Exists(field):
            return _exists(field)
    return _known(_is_in(condition))


def attribute_text(field: Field) -> Sql:
    """The attribute, if it is a string; else null."""
    return func.iif(_type(field.name) == "text", _value(field.name), None)


def each_of(texts: Sequence[str]) -> Sql:
    """A column of a statement, with a row for each text: a tenth of the time that as many rows of values take."""
    return func.json_each(msgspec.json.encode(texts).decode()).table_valued("value").c.value


def _known(truth: Truth) -> Truth:
    """False where SQL does not know."""
    return func.coalesce(truth, false())


def _is_in(condition: Condition) -> Truth:
    match condition:
        case InLanguages(languages):
            return _in_languages(languages)
        case InRegions(regions):
            return func.lower(installations.c.region).in_(regions)
        case InAudiences(names):
            return _in_audiences(names)
        case InTimezones(names, None):
            return installations.c.timezone.in_(names)
        case InTimezones(names, known):
            zone = installations.c.timezone
            return or_(zone.in_(names), zone.is_(None), zone.not_in(known or ()))
    raise AssertionError(condition)


def _in_languages(languages: Sequence[str]) -> Truth:
    """One IN for those of a length: an OR for each would be deeper than SQLite takes."""
    own = func.replace(func.lower(installations.c.language), "_", "-", type_=Text) + "-"
    by_length: dict[int, list[str]] = {}
    for language in languages:
        by_length.setdefault(len(language) + 1, []).append(f"{language}-")
    return or_(false(), *(func.substr(own, 1, length).in_(alike) for length, alike in by_length.items()))


def _in_audiences(names: Sequence[str]) -> Truth:
    return exists(
        select(1)
        .where(
            audiences.c.app_id == installations.c.app_id,
            audiences.c.dev == installations.c.dev,
            audiences.c.name.in_(names),
            audiences.c.is_current,
            audience_members.c.audience == audiences.c.id,
            audience_members.c.installation_id == installations.c.installation_id,
        )
        .correlate(installations)
    )


def _exists(field: Field) -> Truth:
    match field.source:
        case Source.ATTRIBUTE:
            return func.coalesce(_type(field.name), "null") != "null"
        case Source.TAGS:
            return _known(func.json_array_length(installations.c.tags, _path(field.name)) > 0)
    return installations.c[field.source].is_not(None)


def _equals(field: Field, values: Sequence[Scalar]) -> Truth:
    match field.source:
        case Source.ATTRIBUTE:
            return _attribute_equals(field.name, values)
        case Source.TAGS:
            tags = func.json_each(installations.c.tags, _path(field.name)).table_valued("value")
            return exists(select(1).select_from(tags).where(tags.c.value.in_(values)))
    return _column(field).in_(values)


def _attribute_equals(name: str, values: Sequence[Scalar]) -> Truth:
    """By type, because 1 is neither "1" nor true."""
    truths = ["true" if value else "false" for value in values if isinstance(value, bool)]
    texts = [value for value in values if isinstance(value, str)]
    numbers = [_number(value) for value in values if not isinstance(value, bool | str)]
    alike: list[Truth] = []
    if truths:
        alike.append(_type(name).in_(truths))
    if texts:
        alike.append(and_(_type(name) == "text", _value(name).in_(texts)))
    if numbers:
        alike.append(and_(_type(name).in_(_NUMBERS), _value(name).in_(numbers)))
    return or_(false(), *alike)


def _compares(field: Field, order: Order, value: str | float) -> Truth:
    if field.source is not Source.ATTRIBUTE:
        return _ORDERS[order](_column(field), value)
    if isinstance(value, str):
        return and_(_type(field.name) == "text", _ORDERS[order](_value(field.name), value))
    return and_(_type(field.name).in_(_NUMBERS), _ORDERS[order](_value(field.name), _number(value)))


def _number(value: float) -> Sql:
    """Written out and read by the database, as it reads the attribute: two readers may differ in the last bit."""
    return literal(value) if isinstance(value, int) else cast(literal(repr(value)), Float)


def _column(field: Field) -> Sql:
    named = "app_version_key" if field.source is Source.APP_VERSION else field.source.value
    return installations.c[named]


def _type(name: str) -> Sql:
    return func.json_type(installations.c.attributes, _path(name))


def _value(name: str) -> Sql:
    return func.json_extract(installations.c.attributes, _path(name))


def _path(name: str) -> str:
    """Of a name that passed ``audience.is_name``."""
    return f'$."{name}"'
