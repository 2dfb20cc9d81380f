"""``targeting`` of a campaign: five parts, all of which must hold; one that is absent or empty holds for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openrate.audience.query import read_query
from openrate.audience.values import folded, folded_language
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
    InAudiences,
    InLanguages,
    InRegions,
    InSegments,
    Lies,
    Not,
    Segment,
)


def read_targeting(targeting: Mapping[str, Any] | None) -> Condition:
    """The conditions of a ``targeting`` whose parts have the types of ``campaign_parameters``.

    Raises:
        MalformedParameter: ``query`` is not accepted.
    """
    given = targeting or {}
    parts: list[Condition] = []
    if segments := given.get("segments"):
        parts.append(InSegments(frozenset(Segment[name] for name in segments)))
    if languages := given.get("languages"):
        parts.append(InLanguages(_distinct(map(folded_language, languages))))
    if regions := given.get("regions"):
        parts.append(InRegions(_distinct(map(folded, regions))))
    if audiences := given.get("audiences"):
        parts.append(InAudiences(_distinct(audiences)))
    if given.get("query") is not None:
        parts.append(read_query(given["query"]))
    return All(tuple(parts))


def needs_facts(condition: Condition) -> bool:
    """Whether it asks when an installation was seen or opened."""
    match condition:
        case All(parts) | AnyOf(parts):
            return any(map(needs_facts, parts))
        case Not(part):
            return needs_facts(part)
        case InSegments():
            return True
        case Equals(field) | Compares(field) | At(field) | Lies(field) | Contains(field) | Exists(field):
            return field.source in FACTS
    return False


def _distinct(texts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
