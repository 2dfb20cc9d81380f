"""The reference by example, and the rules over columns held against it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from contracts.worlds import CAMPAIGNS, DAY, HOUR, RULES, START, worlds
from openrate.attribution import attribute, day_rows, orphans, statistics
from openrate.model import DayRow, Fact, FactType, Rule
from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb.evaluate import (
    Before,
    Facts,
    Sends,
    cell_parts,
    evaluate,
    pack_code,
    tally,
)
from openrate.storage.duckdb.numbering import Numbering

SENT = Fact(1, FactType.PUSH_SENT, "i", START, 1, "s")
WEEK = Rule(reengage_window=7 * 86400)


def app_open(at: int) -> Fact:
    return Fact(1, FactType.APP_OPEN, "i", at)


def tap(at: int, send: str | None = None) -> Fact:
    return Fact(1, FactType.PUSH_OPEN, "i", at, 1, send)


def installed(at: int) -> Fact:
    return Fact(1, FactType.INSTALLED, "i", at)


def counted(*facts: Fact, rule: Rule = Rule()) -> DayRow:  # noqa: B008 - a frozen value
    (row,) = day_rows(attribute(facts, rule)).values()
    return row


@pytest.mark.parametrize(("after", "expected"), [(0, 0), (1, 1), (3 * HOUR, 1), (3 * HOUR + 1, 0)])
def test_an_open_influences_from_just_after_the_push_to_exactly_three_hours(
    after: int, expected: int
) -> None:
    assert counted(SENT, app_open(START + after)).influenced_open == expected


@pytest.mark.parametrize(("after", "expected"), [(0, 0), (1, 1), (3 * DAY, 1), (3 * DAY + 1, 0)])
def test_an_inactive_installation_is_reengaged_up_to_exactly_three_days(after: int, expected: int) -> None:
    assert counted(SENT, installed(START - 60 * DAY), app_open(START + after)).reengaged == expected


@pytest.mark.parametrize(("before", "expected"), [(30 * DAY, 1), (30 * DAY - 1, 0), (0, 0)])
def test_inactive_means_no_open_in_the_thirty_days_up_to_the_push(before: int, expected: int) -> None:
    facts = (SENT, installed(START - 60 * DAY), app_open(START - before), app_open(START + HOUR))
    assert counted(*facts).reengaged == expected


@pytest.mark.parametrize(("before", "expected"), [(30 * DAY, 1), (30 * DAY - 1, 0)])
def test_who_was_first_seen_less_than_thirty_days_ago_cannot_be_inactive(before: int, expected: int) -> None:
    assert counted(SENT, installed(START - before), app_open(START + HOUR)).reengaged == expected


def test_a_tap_is_a_direct_open_of_the_latest_delivery_before_it() -> None:
    later = Fact(1, FactType.PUSH_SENT, "i", START + DAY, 1, "t")
    assert [d.direct_open for d in attribute([SENT, later, tap(START + DAY)], Rule())].count(True) == 1
    by_send = {d.send: d.direct_open for d in attribute([SENT, later, tap(START + DAY)], Rule())}
    assert by_send == {"s": False, "t": True}


def test_a_tap_that_names_a_send_belongs_to_it_however_late() -> None:
    later = Fact(1, FactType.PUSH_SENT, "i", START + DAY, 1, "t")
    by_send = {d.send: d.direct_open for d in attribute([SENT, later, tap(START + 9 * DAY, "s")], Rule())}
    assert by_send == {"s": True, "t": False}


def test_a_tap_from_a_clock_that_runs_behind_belongs_to_the_earliest_delivery() -> None:
    assert counted(SENT, tap(START - HOUR)).direct_open == 1


def test_a_tap_without_any_sent_delivery_is_an_orphan() -> None:
    failed = Fact(1, FactType.PUSH_ERROR, "i", START, 1, "s")
    assert orphans([failed, tap(START), tap(START)]) == 1
    assert counted(failed, tap(START)).direct_open == 0


def test_of_two_reports_the_smallest_time_then_version_then_opted_out_counts() -> None:
    reports = [
        Fact(1, FactType.PUSH_SENT, "i", START, 2, "s", "b", opted_in=True),
        Fact(1, FactType.PUSH_SENT, "i", START, 2, "s", "a", opted_in=True),
        Fact(1, FactType.PUSH_SENT, "i", START, 2, "s", "a", opted_in=False),
        Fact(1, FactType.PUSH_SENT, "i", START + 1, 2, "s", "a", opted_in=True),
    ]
    assert counted(*reports) == DayRow(2, START // DAY, "a", sent=1)


def test_the_windows_are_those_of_the_company() -> None:
    facts = (SENT, installed(START - 60 * DAY), app_open(START + 6 * DAY))
    assert (counted(*facts).reengaged, counted(*facts, rule=WEEK).reengaged) == (0, 1)


@settings(max_examples=300, deadline=None)
@given(world=worlds)
def test_the_rules_over_columns_count_what_the_reference_counts(world: list[Fact]) -> None:
    expected = {key: row for key, row in statistics(world, RULES).items() if row.sent or row.errors}
    assert columns_count(world) == expected


def columns_count(world: list[Fact]) -> dict[tuple[int, int, str | None], DayRow]:
    """Count a world with ``evaluate``, all installations at once."""
    numbering = Numbering()
    parts = []
    for app_id in RULES:
        batch = FactColumns.of([f for f in world if f.app_id == app_id])
        installations, sends = numbering.number(app_id, batch)
        kinds = [(kind.type, {None: 0, "a": 1, "b": 2}[kind.version], kind.opted_in) for kind in batch.kinds]
        kind = np.array(kinds, np.uint8).reshape(-1, 3)[batch.kind]
        code = pack_code(kind[:, 0], kind[:, 1], kind[:, 2].astype(bool))
        parts.append(Facts(installations, batch.ats, sends, code))
    names = {number: name or "" for number, _, _, name in numbering.unsaved.sends}
    windows = np.array([[0, 0, 0]] + [list(_windows(RULES[app])) for app in sorted(RULES)], np.int64) * 1000
    sends_of = Sends(
        numbering.send_campaign.values,
        numbering.send_app.values,
        windows,
        lambda asked: np.array([sorted(names.values()).index(names[int(s)]) for s in asked], np.int64),
    )
    count = numbering.sizes[0]
    nothing = Before.nothing(count)
    total = tally(evaluate(Facts.together(parts), nothing, sends_of))
    cells = zip(*(part.tolist() for part in cell_parts(total.cells)), total.counts.tolist(), strict=True)
    rows = [
        DayRow(campaign, day, (None, "a", "b")[version], *counts) for campaign, day, version, counts in cells
    ]
    assert {row.campaign_id for row in rows} <= set(CAMPAIGNS)
    return {(row.campaign_id, row.day, row.version): row for row in rows}


def _windows(rule: Rule) -> tuple[int, int, int]:
    return rule.influence_window, rule.reengage_window, rule.inactive_after
