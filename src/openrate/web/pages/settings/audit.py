"""Audit log: who changed what, when, and from what to what; also as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from openrate.model import Action, AuditEntry, Role
from openrate.times import format_time
from openrate.web.call import Answer
from openrate.web.pages.render import span
from openrate.web.pages.settings.section import Section
from openrate.web.pages.visit import Visit, csv_file
from openrate.web.routing import Route

_AT_ONCE = 50
_IN_A_FILE = 10_000
_SHOWN = 160
"""Characters of a value that are shown; the file has more."""
_LONGEST_NUMBER = 18
_WINDOWS = {"influence_window", "reengage_window", "inactive_after"}
_WORDS = {
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
}
_CAMPAIGN = {Action.CAMPAIGN_CREATED, Action.CAMPAIGN_CHANGED, Action.CAMPAIGN_DELETED}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection")."""


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


class AuditPage(Section):
    """The audit log of a company."""

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/settings/audit", self._door.page(self.log, Role.MANAGER)),
            Route("GET", "/settings/audit.csv", self._door.page(self.file, Role.MANAGER)),
        ]

    def log(self, visit: Visit) -> Answer:
        """A page of the log."""
        before = visit.query["before"]
        is_number = before.isascii() and before.isdecimal() and len(before) <= _LONGEST_NUMBER
        entries = self._entries(visit, _AT_ONCE + 1, int(before) if is_number else None)
        shown, by, subject = entries[:_AT_ONCE], visit.query["by"], visit.query["subject"]
        names = self._names(visit, {entry.subject for entry in shown if entry.action in _CAMPAIGN})
        content: dict[str, Any] = {
            "lines": [_line(entry, names) for entry in shown],
            "by": by,
            "subject": subject,
            "before": before,
            "query": urlencode({name: value for name, value in (("by", by), ("subject", subject)) if value}),
            "older": shown[-1].id if len(entries) > _AT_ONCE else None,
            "people": [person.email for person in self._parts.people.of_company(visit.company.id)],
            "in_a_file": _IN_A_FILE,
        }
        return self._renderer.page(visit, "settings_audit.html", **content)

    def file(self, visit: Visit) -> Answer:
        """The newest entries as CSV, a line for each thing that was changed."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("at", "by", "action", "subject", "field", "before", "after"))
        for entry in self._entries(visit, _IN_A_FILE):
            writer.writerows(_rows(entry))
        return csv_file("audit.csv", text.getvalue())

    def _entries(self, visit: Visit, limit: int, before: int | None = None) -> list[AuditEntry]:
        by, subject = visit.query["by"] or None, visit.query["subject"] or None
        return self._parts.audit.entries(visit.company.id, by=by, subject=subject, before=before, limit=limit)

    def _names(self, visit: Visit, tokens: set[str]) -> dict[str, str]:
        """What campaigns are called, by their tokens."""
        names = {}
        for app in self._parts.records.apps(visit.company.id):
            for token in self._parts.records.campaign_refs(app.id, list(tokens)):
                campaign = self._parts.records.campaign(app.id, token)
                if campaign:
                    names[token] = str(campaign.parameters.get("name"))
        return names


def _line(entry: AuditEntry, names: dict[str, str]) -> Line:
    changes = [
        Change(name.replace("_", " "), _value(name, old), _value(name, new))
        for name, (old, new) in entry.details.items()
    ]
    return Line(entry, _WORDS[entry.action], names.get(entry.subject, entry.subject), changes)


def _value(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name in _WINDOWS:
        return span(value)
    text = _text(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _rows(entry: AuditEntry) -> Iterator[list[str]]:
    who = [format_time(entry.at), entry.by, str(entry.action), entry.subject]
    for name, pair in (entry.details or {"": (None, None)}).items():
        row = [*who, name, *("" if value is None else _text(value) for value in pair)]
        yield [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row]
