"""Day rows as answers: the documented JSON, totals, and the open rate (``metrics.md``, "Rows")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from openrate.model import COUNTERS, DayRow

VERSIONS = ("a", "b")

_OF_VERSIONED_DAY = ("sent", "direct_open", "influenced_open", "reengaged", "errors")
_OF_VERSION = ("sent", "sent_optins", "direct_open", "influenced_open", "reengaged")
_EPOCH = date(1970, 1, 1)

Counters = dict[str, int]


def statistics(token: str, rows: Sequence[DayRow], *, has_versions: bool) -> dict[str, Any]:
    """The answer of ``GET /1.1/{api_key}/campaigns/stats/{token}``, keys in the documented order.

    Args:
        token: the campaign's.
        rows: its day rows, ascending by day.
        has_versions: whether it is an A/B campaign.
    """
    shape = _versioned_day if has_versions else _plain_day
    days = groupby(rows, key=lambda row: row.day)
    return {"campaign_token": token, "detail": [shape(day, list(group)) for day, group in days]}


def totals(rows: Iterable[DayRow]) -> Counters:
    """The sum of the rows, whatever their days and versions."""
    total = dict.fromkeys(COUNTERS, 0)
    for row in rows:
        for name in COUNTERS:
            total[name] += getattr(row, name)
    return total


def open_rate(counters: Mapping[str, int]) -> float:
    """``(direct_open + influenced_open) / sent``; 0 when nothing was sent."""
    sent = counters["sent"]
    return (counters["direct_open"] + counters["influenced_open"]) / sent if sent else 0.0


class Day(NamedTuple):
    """What a small chart shows of a day (since 1970-01-01), all versions together; the open rate is from 0 to 1."""

    day: int
    sent: int
    open_rate: float


def days(rows: Iterable[DayRow]) -> list[Day]:
    """The days of rows that are ascending by day."""
    by_day = ((day, totals(group)) for day, group in groupby(rows, key=lambda row: row.day))
    return [Day(day, counters["sent"], open_rate(counters)) for day, counters in by_day]


def iso_date(day: int) -> str:
    """A day, counted since 1970-01-01, as ``yyyy-MM-dd``."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def _plain_day(day: int, rows: list[DayRow]) -> dict[str, Any]:
    return {"date": iso_date(day), **totals(rows)}


def _versioned_day(day: int, rows: list[DayRow]) -> dict[str, Any]:
    """Totals first, then both versions: one without a delivery that day is all zeros."""
    total = totals(rows)
    versions = {version: totals(row for row in rows if row.version == version) for version in VERSIONS}
    return {
        "date": iso_date(day),
        **{name: total[name] for name in _OF_VERSIONED_DAY},
        "versions": {
            version: {name: counted[name] for name in _OF_VERSION} for version, counted in versions.items()
        },
    }
