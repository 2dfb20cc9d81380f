"""The parameters of a campaign: what is accepted in each (``http-api.md``, "Campaign parameters").

A check takes the name of a field and what was given for it, and returns what is kept: the same, without the
nulls that stand for absent fields. It raises MalformedParameter or MissingParameter, naming the field, what
was wrong and what is accepted. Keys that are not known here are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from openrate.audience import LONGEST_QUERY
from openrate.errors import MalformedJsonBody, MalformedParameter, MissingParameter

Parameters = dict[str, Any]
Check = Callable[[str, Any], Any]

SERVERS_OWN = frozenset({"campaign_token", "from_api", "dev_only", "created_date"})
"""Keys of the answers that are not the caller's to set; in a body they are ignored."""
PUSH_TIMES = ("push_time", "local_push_time")
LARGEST = 1 << 20
"""Bytes of a campaign as JSON; a body is held to the same, so this only bounds what updates add up to."""
_WANTED = "send one JSON object in UTF-8."
_DEEPEST = 32
"""Levels of nesting, far under what encoding and storing can take."""
_SHORT, _TEXT = 1_000, 10_000
"""Characters of names, and of texts and addresses."""
_MANY = 1_000
"""Items of a list."""
_SHOWN = 40
"""Characters of a wrong value that the message repeats."""

_MINUTE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]"
_SECONDS = re.compile(f"{_MINUTE}:[0-5][0-9]")
_MINUTES = re.compile(f"{_MINUTE}(:[0-5][0-9])?")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the texts have no zone: all is UTC
_MS = timedelta(milliseconds=1)


def read(body: bytes) -> Parameters:
    """The object in a body, without the keys that are the server's.

    Raises:
        MalformedJsonBody: not JSON, or not an object.
        MalformedParameter: something is nested too deep, or has a character that cannot be stored everywhere.
    """
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        why = (
            str(error)
            .removeprefix("JSON is malformed: ")
            .replace("Input data was truncated", "it ends too early")
        )
        raise MalformedJsonBody(f"The body cannot be read as JSON ({why}): {_WANTED}") from None
    except (UnicodeDecodeError, RecursionError):
        raise MalformedJsonBody(f"The body cannot be read as JSON: {_WANTED}") from None
    if not isinstance(content, dict):
        raise MalformedJsonBody(f"The body is {_kind(content)}: send one JSON object.")
    for name, value in content.items():
        if _is_too_deep(value):
            raise MalformedParameter(
                f"{_cut(name)} is nested too deep: at most {_DEEPEST} levels are accepted."
            )
        if _has_nul({name: value}):
            raise MalformedParameter(f"{_cut(name)} has the character U+0000 (NUL): all others are accepted.")
    return {name: value for name, value in content.items() if name not in SERVERS_OWN}


def checked(given: Parameters) -> Parameters:
    """Any subset of the parameters, each held to what is accepted in it; nulls are left out."""
    return {
        name: CHECKS[name](name, value) if name in CHECKS else value
        for name, value in given.items()
        if value is not None
    }


def check_complete(parameters: Parameters) -> None:
    """See that everything a campaign needs is there, and exactly one of the push times.

    Raises:
        MissingParameter: something is absent.
        MalformedParameter: there are two push times.
    """
    for name, accepted in _REQUIRED.items():
        if name not in parameters:
            raise MissingParameter(f"{name} is missing: send {accepted}.")
    if not any(name in parameters for name in PUSH_TIMES):
        raise MissingParameter(f"push_time is missing: send it or local_push_time, {_PUSH_TIME}.")
    check_one_push_time(parameters)


def check_one_push_time(parameters: Parameters) -> None:
    """See that there are not two push times; raises MalformedParameter."""
    if all(name in parameters for name in PUSH_TIMES):
        raise MalformedParameter("push_time and local_push_time are both there: exactly one is accepted.")


def has_versions(parameters: Parameters) -> bool:
    """Whether the messages are those of an A/B campaign, which has the versions a and b."""
    return isinstance(parameters["messages"], dict)


def moment(text: str) -> int:
    """A time that passed its check, in milliseconds since 1970, read as UTC."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MS


def written(at: int) -> str:
    """Milliseconds since 1970 as ``yyyy-MM-ddTHH:mm:ss``, UTC, cut to the second."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _kind(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_too_deep(value: object) -> bool:
    """Level by level and not by recursion, because what is looked for is what would break recursion."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _has_nul(value: object) -> bool:
    """Whether a text or a key in it has the one character that PostgreSQL stores in no text."""
    match value:
        case str():
            return "\x00" in value
        case dict():
            return any(map(_has_nul, [*value, *value.values()]))
        case list():
            return any(map(_has_nul, value))
        case _:
            return False


def _children(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _wrong(field: str, value: object, accepted: str) -> MalformedParameter:
    return MalformedParameter(f"{field} is {_kind(value)}: {accepted} is accepted.")


def _text(least: int, most: int) -> Check:
    """A string of so many characters."""
    accepted = f"a string of {least} to {most} characters"

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, str):
            raise _wrong(field, value, accepted)
        if not least <= len(value) <= most:
            characters = "1 character" if len(value) == 1 else f"{len(value)} characters"
            raise MalformedParameter(f"{field} has {characters}: {accepted} is accepted.")
        return value

    return check


def _boolean(field: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise _wrong(field, value, "true or false")
    return value


def _whole(least: int, most: int) -> Check:
    """A whole number in a range."""
    accepted = f"a whole number from {least} to {most}"

    def check(field: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(field, value, accepted)
        if not isinstance(value, int):
            raise MalformedParameter(f"{field} is not written as a whole number: {accepted} is accepted.")
        if not least <= value <= most:
            raise MalformedParameter(f"{field} is out of range: {accepted} is accepted.")
        return value

    return check


def _one_of(*words: str) -> Check:
    accepted = f"one of {', '.join(words)}"

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, str):
            raise _wrong(field, value, accepted)
        if value not in words:
            raise MalformedParameter(f'{field} is "{_cut(value)}": {accepted} is accepted.')
        return value

    return check


def _list_of(item: Check, least: int, most: int, what: str) -> Check:
    """An array of so many items."""
    accepted = f"an array of {least} to {most} {what}"

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, list):
            raise _wrong(field, value, accepted)
        if not least <= len(value) <= most:
            raise MalformedParameter(f"{field} has {len(value)} items: {accepted} is accepted.")
        return [item(f"{field}[{i}]", each) for i, each in enumerate(value)]

    return check


def _object_of(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object with these fields and any others; null stands for an absent field."""
    accepted = f"an object with {', '.join(fields)}" if fields else "an object"

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _wrong(field, value, accepted)
        given = {name: each for name, each in value.items() if each is not None or name not in fields}
        for name in required:
            if name not in given:
                raise MissingParameter(f"{field}.{name} is missing: {accepted} is accepted.")
        return {
            name: fields[name](f"{field}.{name}", each) if name in fields else each
            for name, each in given.items()
        }

    return check


def _messages(field: str, value: Any) -> Any:
    """The messages of a campaign, or of each version of an A/B campaign."""
    if isinstance(value, list):
        return _MESSAGE_LIST(field, value)
    if not isinstance(value, dict):
        raise _wrong(field, value, "a non-empty array, or an object with the arrays a and b,")
    if set(value) != {"a", "b"}:
        raise MalformedParameter(
            f"{field} is an object: exactly the keys a and b are accepted in it; messages without versions are "
            "an array, also a single one."
        )
    return {version: _MESSAGE_LIST(f"{field}.{version}", each) for version, each in value.items()}


def _time(form: re.Pattern[str], accepted: str, *words: str) -> Check:
    """A date with a time, or one of the words."""

    def check(field: str, value: Any) -> Any:
        if not isinstance(value, str):
            raise _wrong(field, value, accepted)
        if value not in words and not (form.fullmatch(value) and _exists(value)):
            raise MalformedParameter(f'{field} is "{_cut(value)}": {accepted} is accepted.')
        return value

    return check


def _exists(text: str) -> bool:
    """Whether the calendar and the clock have this moment."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _query(field: str, value: Any) -> Any:
    """An object, or a text. Who reads it is the sender: what it means to ours, ``campaigns`` checks."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise _wrong(field, value, "an object of conditions, or a string that holds one,")
    return _QUERY_TEXT(field, value)


def _json_text(field: str, value: Any) -> Any:
    """A string that holds JSON."""
    _LONG_TEXT(field, value)
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        raise MalformedParameter(
            f"{field} does not hold JSON: a string with JSON in it is accepted."
        ) from None
    return value


_PUSH_TIME = '"now" or yyyy-MM-ddTHH:mm:ss'
_LONG_TEXT = _text(0, _TEXT)
_QUERY_TEXT = _text(0, LONGEST_QUERY)
_MESSAGE_LIST = _list_of(
    _object_of(
        {
            "language": _text(0, 64),
            "title": _LONG_TEXT,
            "body": _text(1, _TEXT),
            "deeplink": _LONG_TEXT,
        },
        required=("body",),
    ),
    1,
    _MANY,
    "messages",
)
_STRINGS = _list_of(_text(0, _SHORT), 0, _MANY, "strings")

CHECKS: Mapping[str, Check] = {
    "name": _text(3, _SHORT),
    "live": _boolean,
    "messages": _messages,
    "push_time": _time(_SECONDS, f"{_PUSH_TIME} in UTC", "now"),
    "local_push_time": _time(_SECONDS, f"{_PUSH_TIME} in the device's own time", "now"),
    "labels": _list_of(_text(0, _SHORT), 0, 3, "strings"),
    "priority": _one_of("normal", "high"),
    "time_to_live": _whole(1, 2_419_200),
    "push_type": _one_of("alert", "background"),
    "gcm_collapse_key": _object_of({"enabled": _boolean, "key": _text(0, _SHORT)}),
    "recurrence": _object_of(
        {
            "repeat_unit": _one_of("DAILY", "WEEKLY", "MONTHLY"),
            "repeat_frequency": _whole(1, 10_000),
            "end_date": _time(_MINUTES, "yyyy-MM-ddTHH:mm:ss or yyyy-MM-ddTHH:mm"),
        },
        required=("repeat_unit", "repeat_frequency"),
    ),
    "capping": _whole(0, 1_000_000),
    "send_rate": _whole(1, 100_000_000),
    "targeting": _object_of(
        {
            "segments": _list_of(
                _one_of("NEW", "ENGAGED", "ONE_TIME", "DORMANT", "IMPORTED"), 0, _MANY, "segments"
            ),
            "languages": _STRINGS,
            "regions": _STRINGS,
            "query": _query,
            "audiences": _STRINGS,
        }
    ),
    "media": _object_of(dict.fromkeys(("icon", "picture", "audio", "video"), _LONG_TEXT)),
    "deeplink": _LONG_TEXT,
    "custom_payload": _json_text,
    "landing": _object_of({}),
}
"""Every parameter that is known."""

_REQUIRED = {
    "name": "a string of at least 3 characters",
    "live": "true, or false for a draft",
    "messages": "a non-empty array, or for an A/B campaign an object with the arrays a and b",
}
