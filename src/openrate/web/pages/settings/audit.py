"""Audit log: who changed what, when, and from what to what; also as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from openrate.model import Action, AuditEntry, Role
from openrate.times import format_time
from openrate.web.call import Answer
from openrate.web.pages.audit_lines import line, text_of
from openrate.web.pages.render import day
from openrate.web.pages.settings.section import Section
from openrate.web.pages.visit import Visit, csv_file, whole
from openrate.web.routing import Route

_AT_ONCE = 50
_IN_A_FILE = 10_000
_LONGEST_NUMBER = 18
_CAMPAIGN = {Action.CAMPAIGN_CREATED, Action.CAMPAIGN_CHANGED, Action.CAMPAIGN_DELETED}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection")."""


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
        entries = self._entries(visit, _AT_ONCE + 1, whole(before, _LONGEST_NUMBER))
        shown, by, subject = entries[:_AT_ONCE], visit.query["by"], visit.query["subject"]
        tokens = {entry.subject for entry in shown if entry.action in _CAMPAIGN}
        names = self._parts.records.campaign_names(visit.company.id, tokens)
        content: dict[str, Any] = {
            "lines": [line(entry, names) for entry in shown],
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
        return csv_file(f"audit-{day(visit.now)}.csv", text.getvalue())

    def _entries(self, visit: Visit, limit: int, before: int | None = None) -> list[AuditEntry]:
        by, subject = visit.query["by"] or None, visit.query["subject"] or None
        return self._parts.audit.entries(visit.company.id, by=by, subject=subject, before=before, limit=limit)


def _rows(entry: AuditEntry) -> Iterator[list[str]]:
    who = [format_time(entry.at), entry.by, str(entry.action), entry.subject]
    for name, pair in (entry.details or {"": (None, None)}).items():
        row = [*who, name, *("" if value is None else text_of(value) for value in pair)]
        yield [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row]
