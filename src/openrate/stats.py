"""Day rows as answers: the documented JSON, totals, and the open rate (``metrics.md``, "Rows")."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from statistics import NormalDist
from typing import Any, NamedTuple

from openrate.model import COUNTERS, DayRow

VERSIONS = ("a", "b")

_OF_VERSIONED_DAY = ("sent", "direct_open", "influenced_open", "reengaged", "errors")
_OF_VERSION = ("sent", "sent_optins", "direct_open", "influenced_open", "reengaged")
_EPOCH = date(1970, 1, 1)
_Z = NormalDist().inv_cdf(0.975)

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
    return _opened(counters) / sent if sent else 0.0


def _opened(counters: Mapping[str, int]) -> int:
    return counters["direct_open"] + counters["influenced_open"]


class Comparison(NamedTuple):
    """The versions of an A/B campaign side by side.

    Attributes:
        a: counters of all days; ``b`` likewise.
        difference: the open rate of a minus that of b, from -1 to 1; None when one of them was not sent.
        low: the lower end of its 95 % interval; ``high`` is the upper.
    """

    a: Counters
    b: Counters
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def compare(rows: Iterable[DayRow]) -> Comparison:
    """The versions in the rows of an A/B campaign, and the difference of their open rates."""
    known = list(rows)
    a, b = (totals(row for row in known if row.version == version) for version in VERSIONS)
    if not (a["sent"] and b["sent"]):
        return Comparison(a, b)
    low, high = difference_interval(_opened(a), a["sent"], _opened(b), b["sent"])
    return Comparison(a, b, open_rate(a) - open_rate(b), low, high)


def difference_interval(opened_a: int, sent_a: int, opened_b: int, sent_b: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two rates, a minus b.

    Newcombe's hybrid score interval (Statistics in Medicine 17 (1998), 873-890, method 10): the distances to
    the ends of the two score intervals, added as squares.
    """
    rate_a, low_a, high_a = _score_interval(opened_a, sent_a)
    rate_b, low_b, high_b = _score_interval(opened_b, sent_b)
    difference = rate_a - rate_b
    return (
        difference - math.hypot(rate_a - low_a, high_b - rate_b),
        difference + math.hypot(high_a - rate_a, rate_b - low_b),
    )


def _score_interval(opened: int, sent: int) -> tuple[float, float, float]:
    """A rate and its 95 % score interval (Wilson's)."""
    rate, z2 = opened / sent, _Z * _Z
    middle = (rate + z2 / (2 * sent)) / (1 + z2 / sent)
    half = _Z / (1 + z2 / sent) * math.sqrt(rate * (1 - rate) / sent + z2 / (4 * sent * sent))
    return rate, middle - half, middle + half


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
