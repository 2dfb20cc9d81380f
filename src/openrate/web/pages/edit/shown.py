"""The fields of a form as they are shown first, and what its own buttons make of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from openrate.campaign_parameters import Parameters
from openrate.stats import VERSIONS
from openrate.web.pages.edit.form import KEY_DIGITS, LABELS, is_ab, message_keys, others, push_time_fields
from openrate.web.pages.edit.kinds import (
    CLOCK,
    LINE,
    LIST,
    MEDIA,
    MESSAGE,
    OBJECT,
    RECURRENCE,
    SIMPLE,
    TARGETING,
    Kind,
    clock_of,
    lifetime,
)
from openrate.web.pages.visit import Fields, whole

_FRESH = {"live": "false", "when": "now", "recurrence.repeat_frequency": "1", "time_to_live.unit": "hours"}


def fields_of(parameters: Parameters, zone: str, audiences: Collection[str]) -> Fields:
    """What the fields show of a campaign's parameters; of none for a new one.

    Args:
        parameters: of the campaign.
        zone: the time zone in which times are shown.
        audiences: the named lists that can be ticked; others are typed.
    """
    shown = _shown(parameters, SIMPLE) | _messages(parameters) | _times(parameters, zone)
    for name, kinds in (("media", MEDIA), ("targeting", TARGETING), ("gcm_collapse_key", {"key": LINE})):
        shown |= _shown(parameters.get(name, {}), kinds, f"{name}.")
    targeting = parameters.get("targeting", {})
    lists = targeting.get("audiences", [])
    several = {
        "targeting.segments": list(targeting.get("segments", [])),
        "targeting.audiences": [name for name in lists if name in audiences],
    }
    typed = [name for name in lists if name not in audiences]
    shown |= {
        "kind": "ab" if is_ab(parameters) else "plain",
        "targeting.audiences.other": LIST.shown(typed),
        "gcm_collapse_key.enabled": "true" if parameters.get("gcm_collapse_key", {}).get("enabled") else "",
        "other": OBJECT.shown(others(parameters)) if others(parameters) else "",
        **_labels(parameters.get("labels", [])),
    }
    if "live" in parameters:
        shown["live"] = "true" if parameters["live"] else "false"
    return Fields({name: [text] for name, text in (_FRESH | shown).items()} | several)


def with_message(fields: Fields, version: str) -> tuple[Fields, str]:
    """The form with one more message, which is empty, and what the names of its fields begin with."""
    key = _next_key(fields, version)
    return _with_messages(fields, version, [{}]), f"messages.{version}[{key}]."


def without_message(fields: Fields, version: str, key: str) -> Fields:
    """The form without the message of that number."""
    prefix = f"messages.{version}[{key}]."
    return Fields({name: values for name, values in _all(fields).items() if not name.startswith(prefix)})


def with_copy_of_a(fields: Fields) -> Fields:
    """The form with the messages of version a also in b, instead of those there."""
    kept = {name: values for name, values in _all(fields).items() if not name.startswith("messages.b[")}
    messages = [
        {part: (fields.all(f"messages.a[{key}].{part}") or [""])[-1] for part in MESSAGE}
        for key in sorted(set(message_keys(fields, "a")))
    ]
    return _with_messages(Fields(kept), "b", messages)


def _with_messages(fields: Fields, version: str, messages: Sequence[Mapping[str, str]]) -> Fields:
    first = _next_key(fields, version)
    added = {
        f"messages.{version}[{key}].{part}": [message.get(part, "")]
        for key, message in enumerate(messages, first)
        for part in MESSAGE
    }
    return Fields(_all(fields) | added | {f"next.{version}": [str(first + len(messages))]})


def _next_key(fields: Fields, version: str) -> int:
    """A number that no message has or had: it would bring back what the form cannot show of that one."""
    key = max(map(int, message_keys(fields, version)), default=-1) + 1
    return max(key, whole(fields[f"next.{version}"], KEY_DIGITS) or 0)


def _all(fields: Fields) -> dict[str, list[str]]:
    return {name: fields.all(name) for name in fields}


def _shown(values: Mapping[str, Any], kinds: Mapping[str, Kind], prefix: str = "") -> dict[str, str]:
    return {
        prefix + name: kind.shown(values[name]) if values.get(name) is not None else ""
        for name, kind in kinds.items()
    }


def _labels(labels: list[str]) -> dict[str, str]:
    return {f"labels[{at}]": labels[at] if at < len(labels) else "" for at in range(LABELS)}


def _messages(parameters: Parameters) -> dict[str, str]:
    """Every message; an empty one for a version that has none yet."""
    given = parameters.get("messages", [])
    versions = given if isinstance(given, dict) else {"a": given}
    shown: dict[str, str] = {}
    for version in VERSIONS:
        messages = versions.get(version) or [{}]
        for key, message in enumerate(messages):
            shown |= _shown(message, MESSAGE, f"messages.{version}[{key}].")
        shown[f"next.{version}"] = str(len(messages))
    return shown


def _times(parameters: Parameters, zone: str) -> dict[str, str]:
    shown = {name: text for name, text in push_time_fields(parameters, zone).items() if text}
    recurrence = parameters.get("recurrence")
    if recurrence is not None:
        end = CLOCK if "local_push_time" in parameters else clock_of(zone)
        shown |= _shown(recurrence, {**RECURRENCE, "end_date": end}, "recurrence.")
    if "time_to_live" in parameters:
        shown["time_to_live"], shown["time_to_live.unit"] = lifetime(parameters["time_to_live"])
    return shown | {"zone": zone}
