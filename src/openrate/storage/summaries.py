"""Every campaign without what is long in it, in memory: a list is searched and sorted without the database."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement

from openrate.model import Campaign
from openrate.ports.records import SummaryParameters
from openrate.storage.database import Database, rows_of
from openrate.storage.tables import campaigns

_FIELDS = Campaign.__struct_fields__
_COLUMNS = [campaigns.c[field] for field in _FIELDS]
_PARAMETERS = _FIELDS.index("parameters")
_AT_ONCE = 500
"""Tokens asked for in one statement; SQLite takes at most 32,766 values."""
_TRUTHS = [at for at, field in enumerate(_FIELDS) if Campaign.__annotations__[field] == "bool"]

_decode = msgspec.json.Decoder(SummaryParameters).decode


class Summaries:
    """By app; read at first use, and from then on only what changed. About a kilobyte each. Safe from any thread.

    What was written is read anew when somebody asks: whatever the order in which writers are done here, what is
    read last is what the database holds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[int, Sequence[Campaign]] = {}
        self._outdated: dict[int, set[str]] = {}
        self._changes: dict[int, int] = defaultdict(int)
        self._reading = threading.Lock()
        self._noting = threading.Lock()

    @contextmanager
    def changing(self, app_id: int, token: str) -> Iterator[None]:
        """Around the transaction that makes, changes or deletes a campaign."""
        try:
            yield
        finally:
            # After a failure too: a commit that reports one may still have reached the disk.
            with self._noting:
                if app_id in self._outdated:
                    self._outdated[app_id].add(token)
                self._changes[app_id] += 1

    def changed(self, app_id: int) -> int:
        """Grows with every change."""
        return self._changes.get(app_id, 0)

    def of(self, app_id: int) -> Sequence[Campaign]:
        """Those that are not deleted, newest first; the same object while nothing has changed."""
        with self._reading:
            with self._noting:
                outdated = self._outdated.get(app_id, set())
                self._outdated[app_id] = set()  # from now on what is written is noted
            # Taken out before it is made new: after a failure, the next one reads everything.
            kept = self._kept.pop(app_id, None)
            if kept is None:
                kept = self._read(campaigns.c.app_id == app_id)
            elif outdated:
                kept = self._renewed(app_id, kept, outdated)
            self._kept[app_id] = kept
            return kept

    def _renewed(self, app_id: int, kept: Sequence[Campaign], outdated: set[str]) -> Sequence[Campaign]:
        renewed = [campaign for campaign in kept if campaign.token not in outdated]
        tokens = list(outdated)
        for start in range(0, len(tokens), _AT_ONCE):
            named = campaigns.c.token.in_(tokens[start : start + _AT_ONCE])
            renewed += self._read(campaigns.c.app_id == app_id, named)
        return sorted(renewed, key=lambda campaign: -campaign.id)

    def _read(self, *conditions: ColumnElement[bool]) -> list[Campaign]:
        wanted = select(*_COLUMNS).where(*conditions, campaigns.c.deleted_at.is_(None))
        with self._database.reading() as connection:
            rows = rows_of(connection.execute(wanted.order_by(campaigns.c.id.desc())))
        return list(map(_summary, rows))


def _summary(row: Sequence[Any]) -> Campaign:
    values = list(row)
    values[_PARAMETERS] = _decode(values[_PARAMETERS])
    for at in _TRUTHS:
        values[at] = bool(values[at])
    return Campaign(*values)
