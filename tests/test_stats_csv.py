"""The numbers of a campaign as CSV."""

from __future__ import annotations

import csv
import io

from openrate.model import DayRow
from openrate.ports.event_log import HourRow
from openrate.stats_csv import days_csv, hours_csv

AT = 1_773_185_400_000


def test_a_plain_campaign_has_a_line_for_each_day() -> None:
    rows = [DayRow(1, 16_759, None, 754, 521, 102, 98, 12, 0), DayRow(1, 16_760, None, errors=2)]
    assert days_csv(rows, has_versions=False).split("\r\n") == [
        "date,sent,sent_optins,direct_open,influenced_open,open_rate,reengaged,errors",
        "2015-11-20,754,521,102,98,0.265252,12,0",
        "2015-11-21,0,0,0,0,0.0,0,2",
        "",
    ]


def test_an_ab_campaign_has_both_versions_and_their_sum() -> None:
    rows = [DayRow(1, 16_889, "a", 486, 459, 67, 46, 24), DayRow(1, 16_890, "b", 10, 9, 1, 0, 0, 3)]
    read = list(csv.DictReader(io.StringIO(days_csv(rows, has_versions=True))))
    assert [(line["date"], line["version"], line["sent"], line["errors"]) for line in read] == [
        ("2016-03-29", "all", "486", "0"),
        ("2016-03-29", "a", "486", "0"),
        ("2016-03-29", "b", "0", "0"),
        ("2016-03-30", "all", "10", "3"),
        ("2016-03-30", "a", "0", "0"),
        ("2016-03-30", "b", "10", "3"),
    ]


def test_hours_begin_with_the_campaign() -> None:
    hours = [HourRow(0, None, 4, 1, 0), HourRow(26, None, 0, 0, 2)]
    assert hours_csv(AT, hours, has_versions=False).split("\r\n") == [
        "hour_from,sent,direct_open,influenced_open",
        "2026-03-10T23:30:00.000Z,4,1,0",
        "2026-03-12T01:30:00.000Z,0,0,2",
        "",
    ]
    versions = [HourRow(1, "a", 2, 1, 0), HourRow(1, "b", 3, 0, 1)]
    lines = hours_csv(AT, versions, has_versions=True).split("\r\n")[1:-1]
    assert [line.partition(",")[2] for line in lines] == ["all,5,1,1", "a,2,1,0", "b,3,0,1"]


def test_nothing_is_a_heading() -> None:
    assert days_csv([], has_versions=True).count("\n") == 1
