"""What is wrong, and beside which field that is said."""

from __future__ import annotations

import re
from typing import NamedTuple

from openrate.campaign_parameters import CHECKS
from openrate.web.pages.edit.form import Form
from openrate.web.pages.edit.kinds import MEDIA, RECURRENCE

_MESSAGE = re.compile(r"messages(?:\.([ab]))?\[([0-9]+)\](?:\.(language|title|body|deeplink) )?")
_NAME = re.compile(r"[\w$][\w$.-]*")
_PLACES = (
    *(f"targeting.{part}" for part in ("segments", "languages", "regions", "audiences", "query")),
    *(f"recurrence.{part}" for part in (*RECURRENCE, "end_date")),
    *(f"media.{part}" for part in MEDIA),
    "gcm_collapse_key.key",
    *CHECKS,
    "zone",
    "other",
)
"""What a sentence may begin with, the longer names first."""
_FIELDS = {
    "local_push_time": "push_time",
    "recurrence": "recurrence.repeat_unit",
    "gcm_collapse_key": "gcm_collapse_key.key",
    "media": "media.icon",
}
"""The field for what has none of that name."""
LABELS = {
    "name": "Name",
    "language": "Language",
    "title": "Title",
    "body": "Text",
    "push_time": "Date and time",
    "recurrence.repeat_unit": "Repeated",
    "recurrence.repeat_frequency": "Every",
    "recurrence.end_date": "End",
    "targeting.languages": "Languages",
    "targeting.regions": "Regions",
    "targeting.query": "Query",
    "custom_payload": "Custom payload",
    "time_to_live": "Time to live",
    "send_rate": "Send rate",
}
"""What the page calls fields whose names say less; those of a message by the last part of the name."""


class Problem(NamedTuple):
    """A refusal: the name of the field that it is about, empty when it is about none, and the sentence."""

    field: str
    sentence: str

    @property
    def label(self) -> str:
        """What the page calls the field; empty when its name says as much."""
        return LABELS.get(self.field.partition("].")[2] or self.field, "")


def problem(error: Exception, form: Form) -> Problem:
    """Where an error belongs: its sentence begins with the name of a parameter."""
    sentence = str(error)
    return Problem(_field(sentence, form), sentence)


def _field(sentence: str, form: Form) -> str:
    if found := _MESSAGE.match(sentence):
        return _message_field(found, form)
    for name in _PLACES:
        if sentence.startswith(name) and not re.match(r"\w", sentence[len(name) :]):
            return _FIELDS.get(name, name)
    first = _NAME.match(sentence)
    return "other" if first and first[0] in form.document() else ""


def _message_field(found: re.Match[str], form: Form) -> str:
    """The sentence counts the messages; a field has a number of its own."""
    version, place, part = found[1] or "a", int(found[2]), found[3] or "body"
    keys = form.keys(version)
    return f"messages.{version}[{keys[place]}].{part}" if place < len(keys) else "messages"
