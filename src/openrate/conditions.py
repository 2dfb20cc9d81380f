"""To whom: the conditions that select installations, as a tree, and what is asked of a store with them.

What each condition means is in ``docs/targeting.md``. A condition holds or does not: what compares with an
absent value does not hold, and ``Not`` of it does. ``audience`` makes the tree from what a campaign says;
``audience.reference`` evaluates it, obviously right; a store compiles it.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

Scalar = str | int | float | bool


class Source(StrEnum):
    """Where a value comes from; attributes and tag collections have a name beside it."""

    ATTRIBUTE = "c"
    TAGS = "t"
    LANGUAGE = "language"
    REGION = "region"
    PLATFORM = "platform"
    APP_VERSION = "app_version"
    OPTED_IN = "opted_in"
    FIRST_SEEN = "first_seen"
    LAST_OPEN = "last_open"


FACTS = frozenset({Source.FIRST_SEEN, Source.LAST_OPEN})
"""The fields that follow from facts and are not kept with the installation."""


class Field(NamedTuple):
    """A field of an installation; ``name`` is that of the attribute or collection, else empty."""

    source: Source
    name: str = ""


class Order(StrEnum):
    """How a value lies to another one."""

    LESS = "$lt"
    AT_MOST = "$lte"
    MORE = "$gt"
    AT_LEAST = "$gte"


class Segment(IntEnum):
    """What the opens of an installation make of it: of these, in this order, the first that fits."""

    IMPORTED = 0
    NEW = 1
    ONE_TIME = 2
    DORMANT = 3
    ENGAGED = 4


class Equals(msgspec.Struct, frozen=True):
    """The value is one of these, none of which is a date or null; a collection of tags has one of them.

    Those of APP_VERSION are keys (``audience.version_key``).
    """

    field: Field
    values: tuple[Scalar, ...]


class Compares(msgspec.Struct, frozen=True):
    """The value, of the same type, lies so to this one: a number, a string, a key of a version."""

    field: Field
    order: Order
    value: str | int | float


class At(msgspec.Struct, frozen=True):
    """The value is one of these moments, in milliseconds since 1970."""

    field: Field
    moments: tuple[int, ...]


class Lies(msgspec.Struct, frozen=True):
    """The value is a moment that lies so to this one, in milliseconds since 1970."""

    field: Field
    order: Order
    moment: int


class Contains(msgspec.Struct, frozen=True):
    """The attribute is a string and has this text in it."""

    field: Field
    text: str


class Exists(msgspec.Struct, frozen=True):
    """There is a value; a collection has tags."""

    field: Field


class InSegments(msgspec.Struct, frozen=True):
    """The segment is one of these."""

    segments: frozenset[Segment]


class InLanguages(msgspec.Struct, frozen=True):
    """The language is one of these, or a variety of one, folded (``audience.folded_language``)."""

    languages: tuple[str, ...]


class InRegions(msgspec.Struct, frozen=True):
    """The region is one of these, folded (``audience.folded``)."""

    regions: tuple[str, ...]


class InAudiences(msgspec.Struct, frozen=True):
    """The installation is in one of these lists; a list that does not exist has nobody in it."""

    names: tuple[str, ...]


class InTimezones(msgspec.Struct, frozen=True):
    """The time zone has one of these names; or, unless ``known`` is None, it is absent or not in ``known``."""

    names: tuple[str, ...]
    known: tuple[str, ...] | None = None


class All(msgspec.Struct, frozen=True):
    """Every part holds; so without parts it does."""

    parts: tuple[Condition, ...] = ()


class AnyOf(msgspec.Struct, frozen=True):
    """A part holds; so without parts it does not."""

    parts: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: Condition


Leaf = (
    Equals
    | Compares
    | At
    | Lies
    | Contains
    | Exists
    | InSegments
    | InLanguages
    | InRegions
    | InAudiences
    | InTimezones
)
Condition = Leaf | All | AnyOf | Not


class AsOf(NamedTuple):
    """When segments are taken: a moment in milliseconds since 1970, and ``inactive_after`` in seconds."""

    at: int
    inactive_after: int


class Selection(msgspec.Struct, frozen=True):
    """Which installations of one app and one world. Those without a push token are never among them.

    ``timezones`` narrows it once more, for sends in local time.
    """

    app_id: int
    dev: bool
    condition: Condition
    as_of: AsOf
    timezones: InTimezones | None = None

    @property
    def whole(self) -> Condition:
        """Both conditions as one."""
        return self.condition if self.timezones is None else All((self.condition, self.timezones))
