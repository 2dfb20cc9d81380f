"""The conditions of a query in words (``docs/targeting.md``, "Queries")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from openrate.audience import read_query
from openrate.errors import ApiError

_NAMES = {"app_version": "app version", "first_seen": "first seen", "last_open": "last open"}
_IS = {
    "$eq": "is {}",
    "$ne": "is not {}",
    "$in": "is one of {}",
    "$nin": "is none of {}",
    "$contains": "has {} in it",
}
_HAS = {
    "$eq": "has the tag {}",
    "$contains": "has the tag {}",
    "$ne": "has no tag {}",
    "$in": "has one of the tags {}",
    "$nin": "has none of the tags {}",
}
_IN_SIZE = {"$gt": "more than {}", "$gte": "at least {}", "$lt": "less than {}", "$lte": "at most {}"}
_IN_ORDER = {"$gt": "after {}", "$gte": "not before {}", "$lt": "before {}", "$lte": "not after {}"}


def in_words(query: Any) -> str:
    """What must hold; empty when the query is none that our sender understands."""
    try:
        read_query(query)
    except ApiError:
        return ""
    return " and ".join(_parts(msgspec.json.decode(query) if isinstance(query, str) else query))


def _parts(given: Mapping[str, Any]) -> list[str]:
    """All of which must hold."""
    return [part for key, value in given.items() for part in _entry(key, value)]


def _entry(key: str, value: Any) -> list[str]:
    match key:
        case "$and":
            return [part for each in value for part in _parts(each)]
        case "$or":
            return [f"({' or '.join(_together(_parts(each)) for each in value)})"]
        case "$not":
            return [f"not ({' and '.join(_parts(value))})"]
    return _of_field(key, value if isinstance(value, dict) else {"$eq": value})


def _together(parts: list[str]) -> str:
    """What stands beside something else."""
    return parts[0] if len(parts) == 1 else f"({' and '.join(parts)})"


def _of_field(field: str, operators: Mapping[str, Any]) -> list[str]:
    return [
        f"not ({' and '.join(_of_field(field, value))})"
        if operator == "$not"
        else _compared(field, operator, value)
        for operator, value in operators.items()
    ]


def _compared(field: str, operator: str, value: Any) -> str:
    prefix, dot, name = field.partition(".")
    shown = name if dot else _NAMES.get(field, field)
    if operator == "$exists" or value is None:
        is_there = value if operator == "$exists" else operator == "$ne"
        return f"{shown} is {'there' if is_there else 'absent'}"
    if field == "opted_in" and operator in {"$eq", "$ne"}:
        return "opted in" if value is (operator == "$eq") else "not opted in"
    return f"{shown} {_words(prefix, operator, value).format(_value(value, is_quoted=bool(dot)))}"


def _words(prefix: str, operator: str, value: Any) -> str:
    if words := (_HAS if prefix == "t" else _IS).get(operator):
        return words
    return "is " + (_IN_ORDER if isinstance(value, str) else _IN_SIZE)[operator]


def _value(value: Any, *, is_quoted: bool) -> str:
    if isinstance(value, list):
        return ", ".join("absent" if each is None else _value(each, is_quoted=is_quoted) for each in value)
    return value if isinstance(value, str) and not is_quoted else msgspec.json.encode(value).decode()
