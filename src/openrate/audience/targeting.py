"""``targeting`` of a campaign: five parts, all of which must hold; one that is absent or empty holds for all."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
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
from openrate.errors import MalformedParameter

MOST_ENTRIES = 500
"""Segments, languages, regions, audiences in a list: twice as many as there are countries."""
_PARTS = ("segments", "languages", "regions", "audiences", "query")
_ACCEPTED = f"{', '.join(_PARTS[:-1])} and {_PARTS[-1]}"
_SHOWN = 40
"""Characters of an unknown name that the message repeats."""


def read_targeting(targeting: Mapping[str, Any] | None) -> Condition:
    """The conditions of a ``targeting`` whose parts have the types of ``campaign_parameters``.

    Raises:
        MalformedParameter: ``query`` is not accepted, a list is too long, or there is a part that is not known: to
            leave it out would send to people who were not meant.
    """
    given = targeting or {}
    _check_names(given)
    for name, value in given.items():
        if isinstance(value, list) and len(value) > MOST_ENTRIES:
            raise MalformedParameter(
                f"targeting.{name} has {len(value)} entries: at most {MOST_ENTRIES} are accepted."
            )
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


def _check_names(given: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in _PARTS]
    if "targeting" in unknown:
        raise MalformedParameter(
            f"targeting.targeting is not known: send what is inside it, for {_ACCEPTED} are accepted here."
        )
    if unknown:
        near = get_close_matches(unknown[0].lower(), _PARTS, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise MalformedParameter(
            f"targeting.{unknown[0][:_SHOWN]} is not known: {meant}{_ACCEPTED} are accepted."
        )


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
