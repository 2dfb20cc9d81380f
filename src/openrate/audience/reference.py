"""What every condition means, one installation at a time: the reference that every store is held against."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from openrate.audience.values import folded, folded_language, version_key
from openrate.conditions import (
    FACTS,
    All,
    AnyOf,
    AsOf,
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
    Segment,
    Selection,
    Source,
)
from openrate.model import DAY_MS, Installation
from openrate.times import parse_rfc3339

NEW_MS = 7 * DAY_MS


class Seen(NamedTuple):
    """What facts say of an installation, in milliseconds since 1970; None: never.

    An open is one of O(i) of ``metrics.md``. It is first seen with its first ``installed`` or its first open.
    """

    first_seen: int | None = None
    first_open: int | None = None
    last_open: int | None = None


class Subject(NamedTuple):
    """An installation with all that conditions ask about it; ``audiences`` are the lists it is in."""

    installation: Installation
    seen: Seen
    audiences: frozenset[str] = frozenset()


_ORDERS: dict[Order, Callable[[Any, Any], bool]] = {
    Order.LESS: operator.lt,
    Order.AT_MOST: operator.le,
    Order.MORE: operator.gt,
    Order.AT_LEAST: operator.ge,
}


def selects(selection: Selection, subject: Subject) -> bool:
    """Whether the selection has this installation in it."""
    installation = subject.installation
    if (installation.app_id, installation.dev) != (selection.app_id, selection.dev):
        return False
    return installation.push_token is not None and matches(selection.whole, subject, selection.as_of)


def matches(condition: Condition, subject: Subject, as_of: AsOf) -> bool:
    """Whether the condition holds for this installation."""
    match condition:
        case All(parts):
            return all(matches(part, subject, as_of) for part in parts)
        case AnyOf(parts):
            return any(matches(part, subject, as_of) for part in parts)
        case Not(part):
            return not matches(part, subject, as_of)
        case InSegments(segments):
            return segment(subject.seen, as_of) in segments
        case InLanguages() | InRegions() | InAudiences() | InTimezones():
            return _is_in(condition, subject)
    return _compares(condition, subject)


def _is_in(condition: InLanguages | InRegions | InAudiences | InTimezones, subject: Subject) -> bool:
    installation = subject.installation
    match condition:
        case InLanguages(languages):
            own = None if installation.language is None else folded_language(installation.language)
            return own is not None and any(f"{own}-".startswith(f"{each}-") for each in languages)
        case InRegions(regions):
            return installation.region is not None and folded(installation.region) in regions
        case InAudiences(names):
            return not subject.audiences.isdisjoint(names)
        case InTimezones(names, known):
            zone = installation.timezone
            return zone in names or (known is not None and (zone is None or zone not in known))


def _compares(condition: Equals | Compares | At | Lies | Contains | Exists, subject: Subject) -> bool:
    field = condition.field
    own = _value(field, subject)
    if isinstance(condition, Exists):
        return own is not None
    if field.source is Source.APP_VERSION:
        own = version_key(own)
    match condition:
        case Equals(_, values):
            mine = own if isinstance(own, list) else [own]
            return any(_are_alike(each, value) and each == value for each in mine for value in values)
        case Compares(_, order, value):
            return _are_alike(own, value) and _ORDERS[order](own, value)
        case Contains(_, text):
            return isinstance(own, str) and text in own
        case At(_, moments):
            return _moment(field, own) in moments
        case Lies(_, order, moment):
            at = _moment(field, own)
            return at is not None and _ORDERS[order](at, moment)


def segment(seen: Seen, as_of: AsOf) -> Segment:
    """The first segment that fits; the windows are open where they begin, as those of ``metrics.md`` are."""
    if seen.first_open is None or seen.last_open is None:
        return Segment.IMPORTED
    if seen.first_open > as_of.at - NEW_MS:
        return Segment.NEW
    if seen.first_open // DAY_MS == seen.last_open // DAY_MS:
        return Segment.ONE_TIME
    if seen.last_open <= as_of.at - as_of.inactive_after * 1000:
        return Segment.DORMANT
    return Segment.ENGAGED


def _value(field: Field, subject: Subject) -> Any:
    """The value of a field, None when there is none."""
    match field.source:
        case Source.ATTRIBUTE:
            return (subject.installation.attributes or {}).get(field.name)
        case Source.TAGS:
            return (subject.installation.tags or {}).get(field.name) or None
        case Source.FIRST_SEEN | Source.LAST_OPEN:
            return getattr(subject.seen, field.source)
    return getattr(subject.installation, field.source)


def _moment(field: Field, value: Any) -> int | None:
    """The value of a field as milliseconds since 1970; None when it is no moment."""
    if field.source in FACTS:
        return None if value is None else int(value)
    return parse_rfc3339(value) if isinstance(value, str) else None


def _are_alike(one: object, other: object) -> bool:
    """Of one type: two numbers, two strings, two truths. A truth is no number."""
    return _type(one) is not None and _type(one) == _type(other)


def _type(value: object) -> str | None:
    match value:
        case bool():
            return "truth"
        case int() | float():
            return "number"
        case str():
            return "string"
    return None
