"""What every EventLog says of the facts about one campaign."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.memory_log import MemoryLog
from contracts.worlds import CAMPAIGNS, DAY, HOUR, RULES, START, worlds
from openrate import stats
from openrate.model import Cause, Fact, FactType, Rule
from openrate.ports.event_log import EventLog, FactColumns, HourRow
from openrate.storage.duckdb import DuckdbLog

ALL_HOURS = 24 * 400


@pytest.fixture(params=["memory", "duckdb"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    opened: EventLog = MemoryLog() if request.param == "memory" else DuckdbLog(tmp_path / "facts.duckdb")
    yield opened
    opened.close()


def put(log: EventLog, *facts: Fact) -> None:
    for app_id, run in groupby(facts, key=lambda f: f.app_id):
        log.append(app_id, False, FactColumns.of(list(run))).result(timeout=30)
    log.settle()


def sent(name: str, at: int = START, send: str = "s", version: str | None = None) -> Fact:
    return Fact(1, FactType.PUSH_SENT, name, at, 1, send, version)


def error(name: str, cause: Cause, at: int = START, send: str = "s") -> Fact:
    return Fact(1, FactType.PUSH_ERROR, name, at, 1, send, cause=cause)


def tap(name: str, at: int, send: str | None = None) -> Fact:
    return Fact(1, FactType.PUSH_OPEN, name, at, 1, send)


def app_open(name: str, at: int) -> Fact:
    return Fact(1, FactType.APP_OPEN, name, at)


def test_a_campaign_without_facts_has_nothing(log: EventLog) -> None:
    put(log, app_open("i1", START))
    assert log.inspect(7) == (None, [], {}, 0, 0, 0, 0, 0, 0, 0)


def test_an_open_counts_in_the_hour_it_happened_and_a_delivery_in_its_own(log: EventLog) -> None:
    put(
        log,
        sent("tapper", version="a"),
        tap("tapper", START + 2 * HOUR),
        tap("tapper", START + 5 * HOUR),
        sent("visitor", START + HOUR - 1, version="b"),
        app_open("visitor", START + HOUR),
        app_open("visitor", START + 2 * HOUR),
        sent("both", START + HOUR, version="b"),
        app_open("both", START + HOUR + 1),
        tap("both", START + 72 * HOUR),
        sent("late", START + 72 * HOUR, version="a"),
    )
    inspection = log.inspect(1)
    assert inspection.began_at == START
    assert inspection.hours == [
        HourRow(0, "a", 1, 0, 0),
        HourRow(0, "b", 1, 0, 0),
        HourRow(1, "b", 1, 0, 1),
        HourRow(2, "a", 0, 1, 0),
    ]
    assert log.inspect(1, 73).hours[4:] == [HourRow(72, "a", 1, 0, 0), HourRow(72, "b", 0, 1, 0)]


def test_a_tap_of_a_clock_that_runs_behind_counts_in_the_hour_of_its_delivery(log: EventLog) -> None:
    put(log, sent("i1"), sent("i2", START + 5 * HOUR), tap("i2", START - DAY))
    assert log.inspect(1).hours == [HourRow(0, None, 1, 0, 0), HourRow(5, None, 1, 1, 0)]


def test_errors_are_told_by_the_cause_that_counts(log: EventLog) -> None:
    put(
        log,
        error("i1", Cause.UNREGISTERED),
        error("i2", Cause.UNREGISTERED, START + 1),
        error("i2", Cause.THROTTLED),
        error("i3", Cause.PAYLOAD),
        error("i3", Cause.EXPIRED),
        error("i4", Cause.OTHER),
        sent("i4", START + DAY),
    )
    assert log.inspect(1).errors == {Cause.UNREGISTERED: 1, Cause.THROTTLED: 1, Cause.EXPIRED: 1}


def test_repeats_and_reports_that_differ_are_told_apart(log: EventLog) -> None:
    put(log, sent("i1"), sent("i2"), tap("i1", START + 1), tap("i1", START + 1, "s"), tap("i1", START + 2))
    put(log, sent("i1"), sent("i1"), sent("i2", START + 1), tap("i1", START + 1), error("i1", Cause.OTHER))
    inspection = log.inspect(1)
    assert (inspection.facts, inspection.repeats, inspection.several_reports) == (10, 3, 2)


def test_late_is_what_arrived_after_a_fact_that_is_later_by_more_than_an_hour(log: EventLog) -> None:
    put(log, sent("i1", START + HOUR), tap("i1", START + 2 * HOUR))
    put(log, tap("i1", START + HOUR), tap("i1", START + HOUR - 1), sent("i2", START), app_open("i1", START))
    assert log.inspect(1).late == 2


def test_taps_without_a_delivery_and_taps_by_fallback_are_counted_once_each(log: EventLog) -> None:
    put(log, sent("i1"), error("i2", Cause.OTHER))
    put(log, *[tap("i2", START, "s")] * 2, tap("i3", START), tap("i1", START, "s"), tap("i1", START))
    put(log, *[tap("i1", START, "unknown")] * 2)
    inspection = log.inspect(1)
    assert (inspection.orphans, inspection.fallbacks) == (2, 1)


def test_facts_of_development_builds_are_counted_apart(log: EventLog) -> None:
    log.append(1, True, FactColumns.of([sent("i1"), tap("i1", START), app_open("i1", START)])).result()
    put(log, sent("i1"))
    inspection = log.inspect(1)
    assert (inspection.facts, inspection.dev_facts) == (1, 2)


def test_the_windows_of_the_company_say_what_is_an_influenced_open(log: EventLog) -> None:
    put(log, sent("i1"), app_open("i1", START + HOUR))
    log.set_rule([1], Rule(influence_window=60))
    assert [hour.influenced_open for hour in log.inspect(1).hours] == [0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds, data=st.data())
def test_what_is_said_is_what_the_reference_says_and_adds_up_to_the_day_rows(
    world: list[Fact], data: st.DataObject
) -> None:
    arriving = sorted(data.draw(st.permutations(world + world[:5])), key=lambda fact: fact.app_id)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as little:
        # So little is in memory together that a campaign is read in shares, and a share in slices.
        little.setattr("openrate.storage.duckdb.inspection._AT_ONCE", data.draw(st.sampled_from([2, 1000])))
        little.setattr("openrate.storage.duckdb.evaluate._SLICE_FACTS", data.draw(st.sampled_from([2, 1000])))
        run_facts = data.draw(st.integers(1, 12))
        log, reference = DuckdbLog(Path(folder) / "facts.duckdb", run_facts=run_facts), MemoryLog()
        try:
            for each in (log, reference):
                for app_id, rule in RULES.items():
                    each.set_rule([app_id], rule)
                put(each, *arriving)
            while log._attributed.runs.extend(log._connection.cursor(), log._attributed.upto):
                pass
            for campaign in CAMPAIGNS:
                for hours in (72, ALL_HOURS):
                    assert log.inspect(campaign, hours) == reference.inspect(campaign, hours)
                rows, totals = log.inspect(campaign, ALL_HOURS).hours, log.totals(campaign)
                for counter in ("sent", "direct_open", "influenced_open"):
                    assert sum(getattr(row, counter) for row in rows) == totals[counter]
                assert stats.totals(log.rows(campaign)) == totals
                assert sum(log.inspect(campaign).errors.values()) == totals["errors"]
            for app_id, name in product(RULES, ("i1", "i2", "unknown")):
                theirs = [f for f in arriving if (f.app_id, f.installation_id) == (app_id, name)]
                assert list(log.facts(app_id, installation_id=name)) == theirs
        finally:
            log.close()
