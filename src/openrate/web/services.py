"""What the doors work with."""

from __future__ import annotations

from typing import NamedTuple

from openrate.companies import Access
from openrate.ports import Clock, EventLog, Records

__all__ = ["Access", "Services"]


class Services(NamedTuple):
    """The records, the facts and the present."""

    records: Records
    log: EventLog
    clock: Clock
