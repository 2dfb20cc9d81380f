"""Entries of the audit log in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from openrate.model import Action, AuditEntry
from openrate.web.pages.render import span

_SHOWN = 160
"""Characters of a value that are shown; the file has more."""
_WINDOWS = {"influence_window", "reengage_window", "inactive_after"}
WORDS = {
    Action.COMPANY_CREATED: "made the company",
    Action.WINDOWS_CHANGED: "changed the attribution windows of",
    Action.APP_CREATED: "added the app",
    Action.APP_CHANGED: "changed the app",
    Action.KEY_CREATED: "made the REST key",
    Action.KEY_REVOKED: "revoked the REST key",
    Action.CREDENTIALS_SET: "set the credentials of",
    Action.CREDENTIALS_REMOVED: "removed the credentials of",
    Action.PERSON_ADDED: "added",
    Action.PERSON_CHANGED: "changed",
    Action.PERSON_REMOVED: "removed",
    Action.CAMPAIGN_CREATED: "created the campaign",
    Action.CAMPAIGN_CHANGED: "changed the campaign",
    Action.CAMPAIGN_DELETED: "deleted the campaign",
    Action.AUDIENCE_PUT: "put the named list",
    Action.AUDIENCE_REMOVED: "removed the named list",
}


class Change(NamedTuple):
    """One thing that an entry says: its name, and what it was before and after. None: nothing."""

    name: str
    before: str | None
    after: str | None


class Line(NamedTuple):
    """An entry in words; ``title`` is what people call its subject."""

    entry: AuditEntry
    words: str
    title: str
    changes: list[Change]


def line(entry: AuditEntry, names: Mapping[str, str]) -> Line:
    """An entry in words, with the names that campaigns have by their tokens."""
    changes = [
        Change(name.replace("_", " "), _value(name, old), _value(name, new))
        for name, (old, new) in entry.details.items()
    ]
    return Line(entry, WORDS[entry.action], names.get(entry.subject, entry.subject), changes)


def _value(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name in _WINDOWS:
        return span(value)
    text = text_of(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def text_of(value: Any) -> str:
    """A value as it is, or as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
