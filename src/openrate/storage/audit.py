"""Who changed what (``ports.AuditLog``): a line in the transaction of the change, never changed itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from openrate.model import Action, AuditEntry, By, Campaign
from openrate.storage.database import Database
from openrate.storage.tables import audit_entries

_LONGEST = 2_000
"""Bytes of JSON of one value; what is longer is cut, because messages in many languages may be."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, tuple[Any, Any]]).decode


def write(  # noqa: PLR0913 - a line has this many parts
    connection: Connection,
    by: By | None,
    company_id: int,
    action: Action,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add a line with what differs to the transaction that makes the change."""
    write_details(connection, by, company_id, action, subject, _changes(before or {}, after or {}))


def write_campaign(
    connection: Connection, by: By | None, company_id: int, before: Campaign | None, after: Campaign
) -> None:
    """Who changed a campaign, and from what to what; of a new one what it is called and whether it is live."""
    if before is None:
        first = {name: after.parameters.get(name) for name in ("name", "live")}
        write(connection, by, company_id, Action.CAMPAIGN_CREATED, after.token, after=first)
    elif after.deleted_at is not None:
        write(connection, by, company_id, Action.CAMPAIGN_DELETED, after.token)
    else:
        change = before.parameters, after.parameters
        write(connection, by, company_id, Action.CAMPAIGN_CHANGED, after.token, *change)


def write_details(  # noqa: PLR0913 - the same
    connection: Connection,
    by: By | None,
    company_id: int,
    action: Action,
    subject: str,
    details: Mapping[str, tuple[Any, Any]],
) -> None:
    """Add a line as it is; None: it is the server's own doing, and nobody's."""
    if by is None:
        return
    row = insert(audit_entries).values(
        company_id=company_id,
        at=by.at,
        by=by.name,
        action=action.value,
        subject=subject,
        details=_encode(details).decode(),
    )
    connection.execute(row)


class SqlAuditLog:
    """The lines, in the database of the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(
        self,
        company_id: int,
        *,
        by: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[AuditEntry]:
        """The entries of a company, the newest first."""
        wanted = select(audit_entries).where(audit_entries.c.company_id == company_id)
        if by is not None:
            wanted = wanted.where(audit_entries.c.by == by)
        if subject is not None:
            wanted = wanted.where(audit_entries.c.subject == subject)
        if before is not None:
            wanted = wanted.where(audit_entries.c.id < before)
        newest = wanted.order_by(audit_entries.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [
                AuditEntry(row.id, row.at, row.by, Action(row.action), row.subject, _decode(row.details))
                for row in connection.execute(newest)
            ]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs, by name."""
    names = [*after, *(name for name in before if name not in after)]
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: (_cut(old), _cut(new)) for name, (old, new) in pairs.items() if old != new}


def _cut(value: Any) -> Any:
    text = _encode(value)
    return value if len(text) <= _LONGEST else text[:_LONGEST].decode(errors="ignore") + "…"
