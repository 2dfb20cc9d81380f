"""The numbers of a campaign as CSV (RFC 4180), with what the page shows of it.

An A/B campaign has a column ``version``: ``all`` is the sum of ``a`` and ``b``. Open rates are from 0 to 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from openrate.model import HOUR_MS, DayRow
from openrate.ports.event_log import HourRow
from openrate.stats import VERSIONS, iso_date, open_rate, totals
from openrate.times import format_time

_OF_HOUR = ("sent", "direct_open", "influenced_open")
_OF_DAY = ("sent", "sent_optins", "direct_open", "influenced_open", "open_rate", "reengaged", "errors")
_DIGITS = 6


def days_csv(rows: Iterable[DayRow], *, has_versions: bool) -> str:
    """Day rows that are ascending by day, a line for each UTC day, or three."""
    lines = []
    for day, group in groupby(rows, key=lambda row: row.day):
        of_day = list(group)
        for version in _versions(has_versions):
            counted = totals(row for row in of_day if version in {None, "all", row.version})
            values: dict[str, float] = {**counted, "open_rate": round(open_rate(counted), _DIGITS)}
            lines.append([iso_date(day), version, *(values[name] for name in _OF_DAY)])
    return _text(["date", "version", *_OF_DAY], lines, has_versions=has_versions)


def hours_csv(began_at: int, hours: Iterable[HourRow], *, has_versions: bool) -> str:
    """The hours of ``ports.Inspection``, a line for each, or three; with the moment at which it begins."""
    lines = []
    for hour, group in groupby(hours, key=lambda row: row.hour):
        of_hour = list(group)
        for version in _versions(has_versions):
            counted = [row for row in of_hour if version in {None, "all", row.version}]
            sums = [sum(getattr(row, name) for row in counted) for name in _OF_HOUR]
            lines.append([format_time(began_at + hour * HOUR_MS), version, *sums])
    return _text(["hour_from", "version", *_OF_HOUR], lines, has_versions=has_versions)


def _versions(has_versions: bool) -> Sequence[str | None]:
    return ("all", *VERSIONS) if has_versions else (None,)


def _text(heading: list[str], lines: list[list[Any]], *, has_versions: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    for line in (heading, *lines):
        writer.writerow(line if has_versions else [line[0], *line[2:]])
    return text.getvalue()
