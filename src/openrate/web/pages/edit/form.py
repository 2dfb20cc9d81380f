"""A campaign as a form, and a form as the body of a call (``http-api.md``, "Campaign parameters").

A field has the name of its parameter, such as ``recurrence.end_date``; the messages of a plain campaign stand under
``messages.a``, so that they stay where they are when it becomes an A/B campaign. The number in
``messages.a[2].body`` is a name, and not a place: it stays when a message before it is taken out.

What a field shows is made of a *base*: the campaign that is changed or copied. A field that comes back as it was
shown leaves its part of the base as it is, down to what a form cannot tell (an empty title from none). So a change
is what somebody changed, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from openrate.campaign_parameters import CHECKS, PUSH_TIMES, SERVERS_OWN, Parameters
from openrate.conditions import Segment
from openrate.errors import MalformedParameter
from openrate.stats import VERSIONS
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
    UNITS,
    Kind,
    clock_of,
    items,
    lifetime,
    line_as_sent,
    number,
)
from openrate.web.pages.edit.times import check_zone, completed, from_utc, shortened, to_utc
from openrate.web.pages.visit import Fields

LABELS = 3
KEY_DIGITS = 4
"""Of the number of a message."""
_MESSAGE_FIELD = re.compile(rf"messages\.([ab])\[([0-9]{{1,{KEY_DIGITS}}})\]\.", re.ASCII)

_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_EMPTIED: Mapping[str, Any] = {"name": "", "deeplink": "", "custom_payload": "", "labels": []}
"""What an update says of a parameter that was emptied; of others null, which is refused with the reason."""


class Form:
    """What is in the fields, and the base: a campaign's parameters, or none."""

    def __init__(self, fields: Fields, base: Parameters) -> None:
        self.fields = fields
        self.base = base
        self._keys = {version: sorted(set(message_keys(fields, version))) for version in VERSIONS}

    def document(self) -> Parameters:
        """All parameters, as a body that creates the campaign has them. Whether they are accepted is not known.

        Raises:
            MalformedParameter: something that is on the page alone is wrong.
        """
        made = {name: self._leaf(name, self.base.get(name), kind) for name, kind in SIMPLE.items()}
        made |= {
            "live": self._live(),
            "labels": self._labels(),
            "time_to_live": self._time_to_live(),
            "messages": self._messages(),
            **self._push_time(),
            "recurrence": self._recurrence(),
            "targeting": self._targeting(),
            "media": self._parts("media", self.base.get("media"), MEDIA),
            "gcm_collapse_key": self._collapse_key(),
        }
        given = {name: made[name] for name in CHECKS if made.get(name) is not None}
        return given | self._others()

    def changes(self, document: Parameters) -> Parameters:
        """What differs from the base, as a body that updates it."""
        changed = {
            name: value
            for name, value in document.items()
            if name not in self.base or _encode_sorted(value) != _encode_sorted(self.base[name])
        }
        emptied = [name for name in self.base if name not in document and name not in PUSH_TIMES]
        return changed | {name: _EMPTIED.get(name) for name in emptied}

    @property
    def has_versions(self) -> bool:
        """Whether it is an A/B campaign."""
        return self.fields["kind"] == "ab" if "kind" in self.fields else is_ab(self.base)

    def text(self, name: str) -> str:
        """What is in a field, as it came."""
        return (self.fields.all(name) or [""])[-1]

    def keys(self, version: str) -> list[int]:
        """The numbers of the messages of a version."""
        return self._keys[version]

    def _leaf(self, name: str, base: Any, kind: Kind) -> Any:
        """What is to be kept for a field; None: nothing."""
        if name not in self.fields:
            return base
        given = kind.as_sent(self.text(name))
        if base is not None and given == kind.as_sent(kind.shown(base)):
            return base
        return kind.read(given)

    def _parts(self, name: str, base: Mapping[str, Any] | None, kinds: Mapping[str, Kind]) -> Any:
        """An object with these parts and whatever else the base has in it."""
        made = dict(base or {})
        for part, kind in kinds.items():
            value = self._leaf(f"{name}.{part}", made.get(part), kind)
            if value is not None:
                made[part] = value
            else:
                made.pop(part, None)
        return made if made or base is not None else None

    def _live(self) -> Any:
        return {"true": True, "false": False}.get(self.text("live"), self.base.get("live"))

    def _labels(self) -> Any:
        base = self.base.get("labels")
        names = [f"labels[{at}]" for at in range(LABELS)]
        given = [line_as_sent(self.text(name)) for name in names]
        shown = [line_as_sent(label) for label in base or []]
        if names[0] not in self.fields or (base is not None and given == [*shown, *[""] * LABELS][:LABELS]):
            return base
        return [label.strip() for label in given if label.strip()] or None

    def _time_to_live(self) -> Any:
        base = self.base.get("time_to_live")
        unit = self.text("time_to_live.unit")
        if "time_to_live" not in self.fields or (
            base is not None and [self.text("time_to_live"), unit] == lifetime(base)
        ):
            return base
        given = number(self.text("time_to_live"))
        if isinstance(given, int | float):
            given *= UNITS.get(unit, 1)
            return int(given) if given == given // 1 else given
        return given

    def _messages(self) -> Any:
        base = self.base.get("messages", [])
        known = base if isinstance(base, dict) else {"a": base}
        made = {version: self._of_version(version, known.get(version, [])) for version in VERSIONS}
        return made if self.has_versions else made["a"]

    def _of_version(self, version: str, base: list[dict[str, Any]]) -> list[Any]:
        return [
            self._parts(f"messages.{version}[{key}]", base[key] if key < len(base) else {}, MESSAGE)
            for key in self.keys(version)
        ]

    @property
    def zone(self) -> str:
        """The time zone that was chosen; raises MalformedParameter."""
        return check_zone(self.fields["zone"])

    @property
    def is_local(self) -> bool:
        """Whether the push time is by the clock of each device."""
        return self.fields["when"] == "local" if "when" in self.fields else "local_push_time" in self.base

    def _push_time(self) -> Parameters:
        base = {name: self.base[name] for name in PUSH_TIMES if name in self.base}
        shown = push_time_fields(base, self.zone)
        if all(name not in self.fields or self.text(name) == text for name, text in shown.items()):
            return base
        if self.fields["when"] == "now":
            return {"push_time": "now"}
        given = self.fields["push_time"]
        name = "local_push_time" if self.is_local else "push_time"
        return {name: (completed(given) if self.is_local else to_utc(given, self.zone)) or None}

    def _recurrence(self) -> Any:
        base = self.base.get("recurrence")
        if "recurrence.repeat_unit" not in self.fields:
            return base
        if not self.fields["recurrence.repeat_unit"]:
            return None
        end = CLOCK if self.is_local else clock_of(self.zone)
        return self._parts("recurrence", base, {**RECURRENCE, "end_date": end})

    def _targeting(self) -> Any:
        base = self.base.get("targeting")
        made = self._parts("targeting", base, TARGETING) or {}
        for name, value in (("segments", self._segments(base)), ("audiences", self._audiences(base))):
            if value is None:
                made.pop(name, None)
            else:
                made[name] = value
        return made if made or base is not None else None

    def _segments(self, base: Any) -> Any:
        known = (base or {}).get("segments")
        if "targeting.segments" not in self.fields:
            return known
        given = [segment.name for segment in Segment if segment.name in self.fields.all("targeting.segments")]
        return known if known is not None and set(given) == set(known) else given or None

    def _audiences(self, base: Any) -> Any:
        """Those that are ticked, and those that are typed."""
        known = (base or {}).get("audiences")
        if "targeting.audiences" not in self.fields:
            return known
        ticked = [name for name in self.fields.all("targeting.audiences") if name]
        typed = line_as_sent(self.text("targeting.audiences.other"))
        if known is not None and set(ticked) <= set(known):
            rest = line_as_sent(LIST.shown([name for name in known if name not in ticked]))
            if typed == rest:
                return known
        return list(dict.fromkeys([*ticked, *(items(typed) or [])])) or None

    def _collapse_key(self) -> Any:
        base = self.base.get("gcm_collapse_key")
        made = self._parts("gcm_collapse_key", base, {"key": LINE}) or {}
        if "gcm_collapse_key.enabled" in self.fields:
            given = "true" in self.fields.all("gcm_collapse_key.enabled")
            if given != bool(made.get("enabled")) or (made and "enabled" not in made and base is None):
                made["enabled"] = given
        return made if made or base is not None else None

    def _others(self) -> Parameters:
        """Parameters that this page has no field for."""
        base = others(self.base)
        made = self._leaf("other", base or None, OBJECT) or {}
        if not isinstance(made, dict):
            raise MalformedParameter(
                "other is no JSON object: an object with the names and values of parameters is accepted."
            )
        for name in made:
            if name in CHECKS:
                raise MalformedParameter(
                    f"other has {name} in it, which has a field of its own on this page."
                )
        return {name: value for name, value in made.items() if name not in SERVERS_OWN}


def is_ab(parameters: Parameters) -> bool:
    """Whether the messages are those of an A/B campaign."""
    return isinstance(parameters.get("messages"), dict)


def others(parameters: Parameters) -> Parameters:
    """The parameters without a field of their own."""
    return {name: value for name, value in parameters.items() if name not in CHECKS}


def push_time_fields(parameters: Parameters, zone: str) -> dict[str, str]:
    """What the fields about the push time show."""
    if "local_push_time" in parameters:
        return {"when": "local", "push_time": shortened(parameters["local_push_time"])}
    if parameters.get("push_time") == "now":
        return {"when": "now", "push_time": ""}
    if "push_time" in parameters:
        return {"when": "at", "push_time": shortened(from_utc(parameters["push_time"], zone))}
    return {"when": "", "push_time": ""}


def message_keys(fields: Iterable[str], version: str) -> list[int]:
    """The numbers in the names of fields of messages."""
    found = filter(None, map(_MESSAGE_FIELD.match, fields))
    return [int(match[2]) for match in found if match[1] == version]
