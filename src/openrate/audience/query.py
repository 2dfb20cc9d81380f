"""``targeting.query``: JSON to conditions, with every bound held and every error at its place.

The language is described in ``docs/targeting.md``. A refusal begins with the place of what is wrong, such as
``targeting.query.$or[1].c.age.$gt``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from openrate.audience.values import stored_number, version_key
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
    Lies,
    Not,
    Order,
    Scalar,
    Source,
)
from openrate.errors import MalformedParameter
from openrate.model import Platform
from openrate.times import parse_rfc3339

MOST_CONDITIONS = 31
MOST_VALUES = 64
DEEPEST = 10
"""Levels of $and, $or and $not."""
LONGEST_NAME = 64
LONGEST_TEXT = 512
"""Characters of a text to compare with; attributes are held to the same."""
MOST_GROUPS = 31
"""$and, $or and $not together: with no empty object among them, the bound of everything else as well."""
LONGEST_QUERY = 100_000
"""Characters of a query that is given as a string; bytes of JSON of one that is given as an object."""
_SHOWN = 40

_GROUPS = {"$and", "$or", "$not"}
_NAMED = {"c": Source.ATTRIBUTE, "t": Source.TAGS}
_NATIVE = {str(source): source for source in Source if source not in _NAMED.values()}
_ORDERED = {Source.ATTRIBUTE, Source.APP_VERSION, *FACTS}
_FIELDS = f"c.<attribute>, t.<collection> or one of {', '.join(_NATIVE)}"


class _Moment(NamedTuple):
    """A date among the values."""

    at: int


_Value = Scalar | _Moment


def read_query(given: object, place: str = "targeting.query") -> Condition:
    """The conditions of a query: an object, or a string that holds one.

    Raises:
        MalformedParameter: it is none, or too large, or something in it is not accepted.
    """
    if isinstance(given, str):
        given = _decoded(place, given)
    elif (size := len(msgspec.json.encode(given))) > LONGEST_QUERY:
        raise MalformedParameter(f"{place} has {size} bytes: at most {LONGEST_QUERY} are accepted.")
    return _Reader().condition(place, given, 0)


def is_name(name: str) -> bool:
    """Whether an attribute or a collection of tags may have this name.

    A quotation mark or a backslash cannot stand in a path that looks a name up in JSON.
    """
    return 1 <= len(name) <= LONGEST_NAME and name.isprintable() and not set(name) & set('"\\')


def _decoded(place: str, text: str) -> object:
    if len(text) > LONGEST_QUERY:
        raise MalformedParameter(
            f"{place} has {len(text)} characters: at most {LONGEST_QUERY} are accepted in a string."
        )
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise MalformedParameter(
            f"{place} is a string that does not hold JSON: a JSON object, or a string with one, is accepted."
        ) from None


class _Reader:
    """Reads one query and counts its conditions."""

    def __init__(self) -> None:
        self._conditions = 0
        self._groups = 0

    def condition(self, place: str, given: object, depth: int) -> Condition:
        """An object: all of what its keys say."""
        if not isinstance(given, dict):
            raise _wrong(place, given, "an object of conditions")
        if depth > DEEPEST:
            raise MalformedParameter(f"{place} is nested too deep: at most {DEEPEST} levels are accepted.")
        if not given and depth:
            raise MalformedParameter(f"{place} is empty: an object with a condition in it is accepted.")
        return _all(self._entry(place, key, value, depth) for key, value in given.items())

    def _entry(self, place: str, key: str, value: object, depth: int) -> Condition:
        where = f"{place}.{_cut(key)}"
        if key in _GROUPS:
            self._groups += 1
            if self._groups > MOST_GROUPS:
                raise MalformedParameter(
                    f"{where} is one group too many: at most {MOST_GROUPS} of $and, $or and $not are accepted."
                )
        match key:
            case "$and":
                return _all(self._several(where, value, depth))
            case "$or":
                return AnyOf(tuple(self._several(where, value, depth)))
            case "$not":
                return Not(self.condition(where, value, depth + 1))
        field = _field(where, key)
        if isinstance(value, dict):
            return self._operators(where, field, value, depth)
        self._count(where)
        return _one_of(where, field, [value])

    def _several(self, where: str, value: object, depth: int) -> list[Condition]:
        accepted = f"an array of 1 to {MOST_CONDITIONS} objects"
        if not isinstance(value, list):
            raise _wrong(where, value, accepted)
        if not 1 <= len(value) <= MOST_CONDITIONS:
            raise MalformedParameter(f"{where} has {len(value)} items: {accepted} is accepted.")
        return [self.condition(f"{where}[{at}]", each, depth + 1) for at, each in enumerate(value)]

    def _operators(self, where: str, field: Field, given: dict[str, Any], depth: int) -> Condition:
        """An object of operators: the value of the field meets all of them."""
        if not given:
            raise MalformedParameter(f"{where} is empty: a value or an object of operators is accepted.")
        if depth > DEEPEST:
            raise MalformedParameter(f"{where} is nested too deep: at most {DEEPEST} levels are accepted.")
        return _all(self._operator(where, field, key, value, depth) for key, value in given.items())

    def _operator(self, place: str, field: Field, key: str, value: object, depth: int) -> Condition:
        where = f"{place}.{_cut(key)}"
        if key == "$not":
            if not isinstance(value, dict):
                raise _wrong(where, value, "an object of operators")
            return Not(self._operators(where, field, value, depth + 1))
        if key not in _OPERATORS:
            raise MalformedParameter(
                f"{where} is not known: {', '.join([*_OPERATORS, '$not'])} are accepted."
            )
        self._count(where)
        return _OPERATORS[key](where, field, value)

    def _count(self, where: str) -> None:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise MalformedParameter(
                f"{where} is one condition too many: at most {MOST_CONDITIONS} are accepted."
            )


def _all(parts: Any) -> Condition:
    """Every part, without a level for a single one."""
    together = tuple(parts)
    return together[0] if len(together) == 1 else All(together)


def _field(where: str, key: str) -> Field:
    """The field that a key names."""
    prefix, dot, name = key.partition(".")
    if dot and prefix in _NAMED:
        if not is_name(name):
            raise MalformedParameter(
                f"{where} cannot be a name: 1 to {LONGEST_NAME} printable characters "
                'without " and \\ are accepted.'
            )
        return Field(_NAMED[prefix], name)
    if key not in _NATIVE:
        raise MalformedParameter(f"{where} is not known: {_FIELDS} is accepted, or $and, $or, $not.")
    return Field(_NATIVE[key])


def _one_of(where: str, field: Field, given: list[Any]) -> Condition:
    """The value is one of these: texts and numbers, moments, null for an absent one."""
    values = [_value(where, field, each) for each in given if each is not None]
    moments = tuple(value.at for value in values if isinstance(value, _Moment))
    others = tuple(value for value in values if not isinstance(value, _Moment))
    parts: list[Condition] = []
    if others:
        parts.append(Equals(field, others))
    if moments:
        parts.append(At(field, moments))
    if len(values) < len(given):
        parts.append(Not(Exists(field)))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _none_of(where: str, field: Field, given: list[Any]) -> Condition:
    return Not(_one_of(where, field, given))


def _listed(read: Callable[[str, Field, list[Any]], Condition]) -> Callable[[str, Field, Any], Condition]:
    """The same for an operator that takes an array."""
    accepted = f"an array of 1 to {MOST_VALUES} values"

    def of_array(where: str, field: Field, value: Any) -> Condition:
        if not isinstance(value, list):
            raise _wrong(where, value, accepted)
        if not 1 <= len(value) <= MOST_VALUES:
            raise MalformedParameter(f"{where} has {len(value)} values: {accepted} is accepted.")
        return read(where, field, value)

    return of_array


def _order(order: Order) -> Callable[[str, Field, Any], Condition]:
    def compares(where: str, field: Field, given: Any) -> Condition:
        if field.source not in _ORDERED:
            raise MalformedParameter(
                f"{where} compares what has no order: it is accepted on c.<attribute>, app_version, "
                "first_seen and last_open."
            )
        value = _value(where, field, given)
        if isinstance(value, bool):
            raise _wrong(where, given, "a number or a string")
        if isinstance(value, _Moment):
            return Lies(field, order, value.at)
        return Compares(field, order, value)

    return compares


def _contains(where: str, field: Field, value: Any) -> Condition:
    if field.source not in _NAMED.values():
        raise MalformedParameter(
            f"{where} looks into what holds nothing: it is accepted on c.<attribute> and t.<collection>."
        )
    if not isinstance(value, str) or not value:
        raise _wrong(where, value, "a string that is not empty")
    text = _text(where, value)
    return Equals(field, (text,)) if field.source is Source.TAGS else Contains(field, text)


def _exists(where: str, field: Field, value: Any) -> Condition:
    if not isinstance(value, bool):
        raise _wrong(where, value, "true or false")
    return Exists(field) if value else Not(Exists(field))


_OPERATORS: Mapping[str, Callable[[str, Field, Any], Condition]] = {
    "$eq": lambda where, field, value: _one_of(where, field, [value]),
    "$ne": lambda where, field, value: _none_of(where, field, [value]),
    "$in": _listed(_one_of),
    "$nin": _listed(_none_of),
    **{str(order): _order(order) for order in Order},
    "$contains": _contains,
    "$exists": _exists,
}


def _value(where: str, field: Field, value: Any) -> _Value:
    """A value to compare a field with, as it is compared."""
    read = _VALUES.get(field.source)
    if read is not None:
        return read(where, value)
    if not isinstance(value, str):
        raise _wrong(where, value, "a string")
    return _text(where, value)


def _truth(where: str, value: Any) -> _Value:
    if not isinstance(value, bool):
        raise _wrong(where, value, "true or false")
    return value


def _platform(where: str, value: Any) -> _Value:
    if not isinstance(value, str) or value not in set(Platform):
        raise _wrong(where, value, f"one of {', '.join(Platform)}")
    return value


def _version(where: str, value: Any) -> _Value:
    key = version_key(value) if isinstance(value, str) and len(value) <= LONGEST_NAME else None
    if key is None:
        raise _wrong(where, value, "a string with a version such as 2.10.1")
    return key


def _date(where: str, value: Any) -> _Value:
    at = parse_rfc3339(value) if isinstance(value, str) else None
    if at is None:
        raise _wrong(where, value, "a date with time and offset such as 2026-03-10T23:30:00Z")
    return _Moment(at)


def _attribute(where: str, value: Any) -> _Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        number = stored_number(value)
        if number is None:
            raise MalformedParameter(
                f"{where} is out of range: whole numbers of 64 bits, and others up to 1e300, are accepted."
            )
        return number
    if not isinstance(value, str):
        raise _wrong(where, value, "a string, a number, true, false or null")
    at = parse_rfc3339(value)
    return _text(where, value) if at is None else _Moment(at)


_VALUES: Mapping[Source, Callable[[str, Any], _Value]] = {
    Source.ATTRIBUTE: _attribute,
    Source.OPTED_IN: _truth,
    Source.PLATFORM: _platform,
    Source.APP_VERSION: _version,
    Source.FIRST_SEEN: _date,
    Source.LAST_OPEN: _date,
}
"""The others take a string."""


def _text(where: str, value: str) -> str:
    if len(value) > LONGEST_TEXT or "\x00" in value:
        raise MalformedParameter(
            f"{where} cannot be compared with: at most {LONGEST_TEXT} characters, none of them NUL, "
            "are accepted."
        )
    return value


def _wrong(where: str, value: object, accepted: str) -> MalformedParameter:
    return MalformedParameter(f"{where} is {_shown(value)}: {accepted} is accepted.")


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return f'"{_cut(value)}"'
        case list():
            return "an array"
        case _:
            return "an object"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
