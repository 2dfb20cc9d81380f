"""What a campaign says about when, to whom and how, in words: the labels are those of the editor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from openrate.campaign_parameters import Parameters
from openrate.web.pages.edit.form import others
from openrate.web.pages.edit.kinds import lifetime
from openrate.web.pages.edit.times import from_utc, shortened

_UNITS = {"DAILY": ("daily", "days"), "WEEKLY": ("weekly", "weeks"), "MONTHLY": ("monthly", "months")}
_LABELS = {
    "capping": "Capping",
    "send_rate": "Send rate",
    "priority": "Priority",
    "push_type": "Push type",
    "deeplink": "Deep link",
    "custom_payload": "Custom payload",
    "landing": "Landing",
}
_FORMS = {"capping": "at most {} to an installation", "send_rate": "at most {} a minute"}


class Said(NamedTuple):
    """A line; ``is_code``: as a program reads it."""

    label: str
    text: str
    is_code: bool = False


def described(given: Parameters, zone: str) -> list[Said]:
    """The parameters beside name, state, labels and messages; times also on the clocks of a zone."""
    return [
        *_when(given, zone),
        *_to_whom(given.get("targeting") or {}),
        *_how(given),
        *(Said(name, _json(value), is_code=True) for name, value in others(given).items()),
    ]


def _when(given: Parameters, zone: str) -> Iterator[Said]:
    is_local = "local_push_time" in given
    yield Said(
        "Push time", _local(given["local_push_time"]) if is_local else _moment(given.get("push_time"), zone)
    )
    repeated = given.get("recurrence")
    if repeated:
        once, several = _UNITS[repeated["repeat_unit"]]
        every = repeated.get("repeat_frequency", 1)
        yield Said("Repeated", once if every == 1 else f"every {every} {several}")
        end = repeated.get("end_date")
        if end:
            yield Said("End", _local(end) if is_local else _moment(end, zone))
    if "time_to_live" in given:
        count, unit = lifetime(given["time_to_live"])
        yield Said("Time to live", f"{count} {unit}")


def _to_whom(targeting: Mapping[str, Any]) -> Iterator[Said]:
    names = {
        "segments": "Segments",
        "languages": "Languages",
        "regions": "Regions",
        "audiences": "Named lists",
    }
    said = [Said(label, ", ".join(targeting[name])) for name, label in names.items() if targeting.get(name)]
    if targeting.get("query"):
        said.append(Said("Query", _json(targeting["query"]), is_code=True))
    yield from said or [Said("To whom", "everybody")]


def _how(given: Parameters) -> Iterator[Said]:
    for name, label in _LABELS.items():
        if value := given.get(name):
            is_code = name in {"deeplink", "custom_payload", "landing"}
            text = value if isinstance(value, str) else _FORMS.get(name, "{}").format(_text(value))
            yield Said(label, text, is_code)
    for name, address in (given.get("media") or {}).items():
        if address:
            yield Said(name.capitalize(), address, is_code=True)
    collapse = given.get("gcm_collapse_key") or {}
    if collapse.get("enabled") and collapse.get("key"):
        yield Said("Collapse key", collapse["key"])


def _moment(text: str | None, zone: str) -> str:
    if text is None:
        return "none"
    here = "" if zone == "UTC" else f" ({_plain(from_utc(text, zone))} in {zone})"
    return f"{_plain(text)} UTC{here}"


def _local(text: str) -> str:
    return f"{_plain(text)}, by the clock of each device"


def _plain(text: str) -> str:
    return shortened(text).replace("T", " ")


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
