"""Moments as people choose them: a date and a time on the clocks of a zone, and what that is in UTC.

Where clocks change, the rule is that of sends by local time (``docs/sending.md``, "When"): a time that they skip is
as late as they put it, one that comes twice is the first.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from openrate.campaign_parameters import Parameters, moment
from openrate.errors import MalformedParameter
from openrate.schedule import on_clocks, zone_names
from openrate.web.call import Call
from openrate.web.pages.visit import cookies

ZONE_COOKIE = "openrate_zone"
_LOOKED_AT = 400
"""Occurrences: more than a year of days, in which clocks that change have changed."""
_KEPT = "a campaign that is repeated keeps its time in UTC. By everybody's own clock it keeps day and time."
_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}", re.ASCII)


class Chosen(NamedTuple):
    """A time that was chosen in a zone.

    Attributes:
        at: milliseconds since 1970.
        note: what the clocks of the zone do to it, if they change just then.
    """

    at: int
    note: str


def check_zone(name: str) -> str:
    """The name of a time zone, UTC if there is none; raises MalformedParameter when it is not one."""
    if name and name not in zone_names():
        raise MalformedParameter("zone is not known: a name such as Europe/Paris is accepted.")
    return name or "UTC"


def remembered_zone(call: Call) -> str:
    """The time zone that was chosen last with this browser."""
    try:
        return check_zone(cookies(call).get(ZONE_COOKIE, ""))
    except MalformedParameter:
        return "UTC"


def completed(text: str) -> str:
    """What was given in a field for date and time, as a parameter has it: with seconds, if it is a time at all."""
    given = text.strip().replace(" ", "T")
    return f"{given}:00" if _MINUTE.fullmatch(given) else text.strip()


def shortened(text: str) -> str:
    """A parameter as such a field shows it: without seconds, if there are none."""
    return text.removesuffix(":00") if text.count(":") > 1 else text


def to_utc(text: str, zone: str) -> str:
    """A time on the clocks of a zone, in UTC; what is none stays as it is, to be refused in its own words."""
    clock = _clock(completed(text))
    if clock is None:
        return completed(text)
    try:
        in_utc = clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:  # in UTC it is another year than 1 to 9999
        return f"{text} in {zone}"
    return in_utc.replace(tzinfo=None).isoformat(timespec="seconds")


def from_utc(text: str, zone: str) -> str:
    """A time in UTC, on the clocks of a zone. At the ends of the calendar, where that is none, it stays in UTC."""
    try:
        clock = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError):
        return text
    return clock.replace(tzinfo=None).isoformat(timespec="seconds")


def chosen(text: str, zone: str) -> Chosen | None:
    """What a time on the clocks of a zone comes to; None when it is no time."""
    clock, in_utc = _clock(completed(text)), to_utc(text, zone)
    return Chosen(moment(in_utc), _note(clock, zone)) if clock and _clock(in_utc) else None


def shift(parameters: Parameters, zone: str, now: int) -> str:
    """When the clocks of a zone next show another time or day at the occurrences of a campaign; empty: they do not.

    Args:
        parameters: its ``push_time`` and ``recurrence``, checked.
        zone: the name of the zone.
        now: milliseconds since 1970.
    """
    with suppress(OverflowError, ValueError):  # the calendar ends before they do
        for (before, _), (after, meant) in pairwise(islice(on_clocks(parameters, zone, now), _LOOKED_AT)):
            if after.date() != meant.date():
                return f"The one of {meant:%Y-%m-%d} goes out on {after:%Y-%m-%d at %H:%M} there: {_KEPT}"
            if before.time() != after.time():
                return (
                    f"From {after:%Y-%m-%d} it goes out at {after:%H:%M} on the clocks of {zone} instead of "
                    f"{before:%H:%M}: {_KEPT}"
                )
    return ""


def _clock(text: str) -> datetime | None:
    """What is shown at ``yyyy-MM-ddTHH:mm:ss``; None for any other text."""
    try:
        clock = datetime.fromisoformat(text)
    except ValueError:
        return None
    is_plain = clock.tzinfo is None and clock.isoformat(timespec="seconds") == text
    return clock if is_plain else None


def _note(clock: datetime, zone: str) -> str:
    first, second = (clock.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return ""
    shown = first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown != clock:
        return f"The clocks there skip {clock:%H:%M} on that day: it is {shown:%H:%M}."
    return f"The clocks there show {clock:%H:%M} twice on that day: it is the first."
