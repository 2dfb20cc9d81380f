"""Events as they are written on the wire: JSON or NDJSON to structs, exactly the bad ones refused."""

from __future__ import annotations

from collections.abc import Sequence
from json import JSONDecoder

import msgspec

from openrate.errors import MalformedJsonBody


class Event(msgspec.Struct, gc=False):
    """An event as it is written; extra keys are ignored."""

    type: str | None = None
    campaign_token: str | None = None
    installation_id: str | None = None
    at: str | None = None
    version: str | None = None
    opted_in: bool | None = None
    send_id: str | None = None
    cause: str | None = None
    platform: str | None = None
    language: str | None = None


_line = msgspec.json.Decoder(Event)
_one_or_many = msgspec.json.Decoder(Event | list[Event])
_anything = msgspec.json.Decoder()
_scan = JSONDecoder().raw_decode
_BLANK = " \t\r\n"


class Refusal(msgspec.Struct, frozen=True):
    """Why one event was not taken; ``index`` counts events from 0."""

    index: int
    code: str
    message: str


def decode(body: bytes, media_type: str, most: int) -> tuple[list[Event], Sequence[int], list[Refusal]]:
    """The events of a body, the index of each, and the refusals of what is no event; ``most`` bounds the work.

    Raises:
        MalformedJsonBody: it is not JSON at all.
    """
    try:
        if media_type == "application/x-ndjson":
            events = _line.decode_lines(body)
            if len(events) > body.count(b"\n") + 1:
                return _decode_each(body.split(b"\n"))
        else:
            one_or_many = _one_or_many.decode(body)
            events = one_or_many if isinstance(one_or_many, list) else [one_or_many]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_each(_parts(body, media_type, most))
    return events, range(len(events)), []


def _parts(body: bytes, media_type: str, most: int) -> Sequence[bytes]:
    """The body cut into what should be events, at most one more than may be."""
    if media_type == "application/x-ndjson":
        return body.split(b"\n")
    try:
        text = body.decode().strip(_BLANK)
        if text.startswith("["):
            return _elements(text, most)
        whole = _anything.decode(text)
    except (ValueError, RecursionError) as error:
        raise MalformedJsonBody(f"The body is not JSON: {error}.") from None
    if not isinstance(whole, dict):
        raise MalformedJsonBody("The body is neither an event (an object) nor an array of events.")
    return [body]


def _elements(text: str, most: int) -> list[bytes]:
    """The elements of a JSON array, one at a time: as values, a million numbers would fill the memory."""
    found: list[bytes] = []
    at, last = _skip_blank(text, 1), len(text) - 1
    if at == last and text[at] == "]":
        return found
    while len(found) <= most:
        _, end = _scan(text, at)
        found.append(text[at:end].encode())
        at = _skip_blank(text, end)
        if at == last and text[at] == "]":
            return found
        if text[at : at + 1] != ",":
            raise ValueError(f"expected a comma or the end of the array at character {at}")
        at = _skip_blank(text, at + 1)
    return found


def _skip_blank(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANK:
        at += 1
    return at


def _decode_each(parts: Sequence[bytes]) -> tuple[list[Event], list[int], list[Refusal]]:
    """One by one: only so are exactly the bad ones refused. Blank lines are no events."""
    events, index, refusals = [], [], []
    at = 0
    for part in parts:
        if not part.strip():
            continue
        try:
            events.append(_line.decode(part))
            index.append(at)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refusals.append(Refusal(at, "malformed", f"This is not an event: {error}."))
        at += 1
    return events, index, refusals
