"""What stands in a field of the form: how a value is shown, what a browser makes of that, and how it is read back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from openrate.web.pages.edit.times import completed, from_utc, shortened, to_utc

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
"""Of a time to live, in seconds."""
_WHOLE = re.compile(r"-?[0-9]{1,40}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,40}\.[0-9]{1,40}", re.ASCII)
_encode = msgspec.json.Encoder().encode


def line_as_sent(text: str) -> str:
    """What a browser sends of a text in a field of one line."""
    return text.replace("\r", "").replace("\n", "")


def area_as_sent(text: str) -> str:
    """What a browser sends of a text in a field of several lines, with the ends of lines as they are kept."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def number(text: str) -> int | float | str | None:
    """What was typed, as the number that it is; what is none stays a text, to be refused as such."""
    given = text.strip()
    if _WHOLE.fullmatch(given):
        return int(given)
    return float(given) if _NUMBER.fullmatch(given) else given or None


def _object(text: str) -> Any:
    """What was typed, as the JSON object that it is; otherwise the text."""
    if not text.strip():
        return None
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
    return decoded if isinstance(decoded, dict) else text


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.format(_encode(value), indent=2).decode()


def items(text: str) -> list[str] | None:
    """What was typed with commas between."""
    return [item.strip() for item in text.split(",") if item.strip()] or None


class Kind(NamedTuple):
    """What stands in a field: how a value is shown, what a browser makes of that, and how it is read."""

    shown: Callable[[Any], str]
    as_sent: Callable[[str], str]
    read: Callable[[str], Any]


LINE = Kind(str, line_as_sent, lambda text: text.strip() or None)
AREA = Kind(str, area_as_sent, lambda text: text or None)
WHOLE = Kind(str, line_as_sent, number)
OBJECT = Kind(_pretty, area_as_sent, _object)
LIST = Kind(", ".join, line_as_sent, items)
CLOCK = Kind(shortened, line_as_sent, lambda text: completed(text) or None)

SIMPLE: Mapping[str, Kind] = {
    "name": LINE,
    "deeplink": LINE,
    "custom_payload": AREA,
    "landing": OBJECT,
    "priority": LINE,
    "push_type": LINE,
    "capping": WHOLE,
    "send_rate": WHOLE,
}
MESSAGE = {"language": LINE, "title": LINE, "body": AREA, "deeplink": LINE}
MEDIA = dict.fromkeys(("icon", "picture", "audio", "video"), LINE)
TARGETING = {"languages": LIST, "regions": LIST, "query": OBJECT}
RECURRENCE = {"repeat_unit": LINE, "repeat_frequency": WHOLE}


def lifetime(seconds: int) -> list[str]:
    """A time to live in the largest unit that it is a whole number of."""
    unit = next(unit for unit in reversed(UNITS) if seconds % UNITS[unit] == 0)
    return [str(seconds // UNITS[unit]), unit]


def clock_of(zone: str) -> Kind:
    """A time that is kept in UTC and shown on the clocks of a zone."""
    return Kind(
        lambda text: shortened(from_utc(completed(text), zone)),
        line_as_sent,
        lambda text: to_utc(text, zone) or None,
    )
