"""What every EventLog promises, on every adapter."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.memory_log import MemoryLog
from contracts.worlds import CAMPAIGNS, DAY, HOUR, RULES, START, worlds
from openrate.attribution import orphans, statistics
from openrate.model import Cause, DayRow, Fact, FactType, Rule
from openrate.ports.event_log import NEVER, Behind, EventLog, FactColumns
from openrate.storage.duckdb import DuckdbLog

Open = Callable[[], EventLog]
RANDOM_WORLDS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(params=["memory", "duckdb"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    opened: EventLog = MemoryLog() if request.param == "memory" else DuckdbLog(tmp_path / "facts.duckdb")
    yield opened
    opened.close()


def put(log: EventLog, *facts: Fact) -> None:
    """Append facts in their order, one batch per run of facts of one app."""
    for app_id, run in groupby(facts, key=lambda f: f.app_id):
        log.append(app_id, False, FactColumns.of(list(run))).result(timeout=30)


def sent(campaign: int, name: str, at: int, **other: object) -> Fact:
    return Fact(1, FactType.PUSH_SENT, name, at, campaign, **({"send": f"day{at // DAY}"} | other))  # type: ignore[arg-type]  # fields by name


def app_open(name: str, at: int) -> Fact:
    return Fact(1, FactType.APP_OPEN, name, at)


def tap(campaign: int, name: str, at: int, send: str | None = None) -> Fact:
    return Fact(1, FactType.PUSH_OPEN, name, at, campaign, send)


def settled(log: EventLog, campaign: int) -> list[DayRow]:
    log.settle()
    return list(log.rows(campaign))


def test_the_worked_example_of_the_definition_comes_out(log: EventLog) -> None:
    at = START + 23 * HOUR + HOUR // 2
    put(
        log,
        *(sent(1, name, at, opted_in=name != "i3") for name in ("i1", "i2", "i3", "i4")),
        Fact(1, FactType.INSTALLED, "i4", at - 68 * DAY),
        app_open("i4", at - 49 * DAY),
        Fact(1, FactType.PUSH_ERROR, "i5", at, 1, "s", cause=Cause.UNREGISTERED),
        app_open("i2", at + 3 * HOUR),
        app_open("i3", at + 3 * HOUR + 1),
        tap(1, "i1", at + 9 * HOUR),
        app_open("i1", at + HOUR // 6),
        app_open("i4", at + 33 * HOUR),
    )
    assert settled(log, 1) == [DayRow(1, START // DAY, None, 4, 3, 1, 1, 1, 1)]


def test_a_campaign_without_deliveries_has_no_rows(log: EventLog) -> None:
    put(log, tap(1, "i1", START))
    assert settled(log, 1) == []


def test_a_tap_that_came_first_counts_when_its_delivery_arrives(log: EventLog) -> None:
    put(log, tap(1, "i1", START + HOUR))
    put(log, sent(1, "i1", START))
    assert [row.direct_open for row in settled(log, 1)] == [1]


def test_a_late_report_with_an_earlier_time_moves_the_delivery_to_its_day(log: EventLog) -> None:
    put(log, sent(1, "i1", START + DAY, send="s"))
    put(log, sent(1, "i1", START, send="s"))
    assert [row.day for row in settled(log, 1)] == [START // DAY]


def test_a_sent_report_takes_back_an_error_of_the_same_delivery(log: EventLog) -> None:
    put(log, Fact(1, FactType.PUSH_ERROR, "i1", START, 1, "s", cause=Cause.THROTTLED))
    put(log, sent(1, "i1", START + DAY, send="s"))
    assert [(row.day, row.sent, row.errors) for row in settled(log, 1)] == [(START // DAY + 1, 1, 0)]


def test_totals_are_the_sums_of_the_rows_whatever_made_them(log: EventLog) -> None:
    put(log, sent(2, "i1", START, version="a"), sent(2, "i2", START, version="b", opted_in=False))
    put(
        log, sent(2, "i1", START + DAY, version="b"), tap(2, "i1", START + DAY + 1), app_open("i2", START + 1)
    )
    log.settle()
    whole = {"sent": 3, "sent_optins": 2, "direct_open": 1, "influenced_open": 1, "reengaged": 0, "errors": 0}
    assert log.totals(2) == whole
    log.rebuild()
    assert log.totals(2) == whole
    log.set_rule([1], Rule(influence_window=60, reengage_window=3600))
    put(log, Fact(1, FactType.PUSH_ERROR, "i3", START, 2, "s", "a", cause=Cause.OTHER))
    log.settle()
    assert log.totals(2) == whole | {"errors": 1}
    assert log.totals(7) == dict.fromkeys(whole, 0)


def test_what_changed_is_told_of_one_campaign_and_of_any(log: EventLog) -> None:
    numbers = [(log.changed(1), log.changed())]
    for facts in (
        [sent(1, "i1", START)],
        [sent(1, "i2", START)],
        [app_open("i1", START + 1)],
        [sent(1, "i1", START)],
        [tap(1, "orphan", START)],
    ):
        put(log, *facts)
        log.settle()
        numbers.append((log.changed(1), log.changed()))
    assert all(b[0] > a[0] and b[1] > a[1] for a, b in pairwise(numbers))


def test_the_same_installation_id_in_two_apps_is_two_installations(log: EventLog) -> None:
    put(log, sent(1, "i1", START), Fact(2, FactType.APP_OPEN, "i1", START + HOUR))
    assert [row.influenced_open for row in settled(log, 1)] == [0]


def test_development_facts_are_in_no_statistic(log: EventLog) -> None:
    log.append(1, True, FactColumns.of([sent(1, "i1", START)])).result(timeout=30)
    assert settled(log, 1) == []


def test_who_was_sent_to_often_is_counted_by_sends_and_not_by_reports(log: EventLog) -> None:
    put(log, sent(1, "once", START), sent(1, "once", START + 1), sent(2, "once", START + DAY))
    put(log, *(sent(1, "twice", START + day * DAY) for day in (0, 1)))
    failed = Fact(1, FactType.PUSH_ERROR, "failed", START, 1, "s", None, True, Cause.OTHER)
    put(log, failed, tap(1, "failed", START + HOUR))
    assert log.sent_often(1, False, 1, 1) == {"once", "twice"}
    assert log.sent_often(1, False, 1, 2) == {"twice"}
    assert log.sent_often(2, False, 1, 1) == set()
    assert log.sent_often(1, True, 1, 1) == set()
    log.append(1, True, FactColumns.of([sent(1, "developer", START)])).result(timeout=30)
    assert log.sent_often(1, True, 1, 1) == {"developer"}


def test_a_rule_changes_the_past_too(log: EventLog) -> None:
    put(log, sent(1, "i1", START), app_open("i1", START + HOUR))
    assert [row.influenced_open for row in settled(log, 1)] == [1]
    log.set_rule([1], Rule(influence_window=60))
    assert [row.influenced_open for row in settled(log, 1)] == [0]
    assert log.rule(1) == Rule(influence_window=60)


def test_facts_come_back_as_they_were_appended(log: EventLog) -> None:
    facts = [
        sent(2, "i1", START, version="b", opted_in=False, platform="ios", language="fr"),
        Fact(1, FactType.PUSH_ERROR, "i2", START, 1, "s", cause=Cause.OTHER),
        tap(1, "i1", START + 1, "s"),
        tap(1, "i1", START + 2),
        app_open("i3", START + 3),
        app_open("i3", START + 3),
    ]
    put(log, *facts)
    assert list(log.facts()) == facts
    assert list(log.facts(app_id=1, campaign_id=1, installation_id="i1")) == facts[2:4]


@st.composite
def nearly_in_time(draw: st.DrawFn, world: list[Fact]) -> list[Fact]:
    """In order of time, as most facts arrive, but for a few late ones."""
    arriving = sorted(world, key=lambda fact: fact.at)
    for _ in range(draw(st.integers(0, 3)) if world else 0):
        arriving.append(arriving.pop(draw(st.integers(0, len(arriving) - 1))))
    return arriving


@RANDOM_WORLDS
@given(world=worlds, data=st.data())
def test_order_batches_repeats_and_restarts_do_not_change_a_digit(
    world: list[Fact], data: st.DataObject
) -> None:
    holds_in(world, data)


@pytest.mark.soak
@settings(RANDOM_WORLDS, max_examples=3000)
@given(world=worlds, data=st.data())
def test_nor_do_they_in_thousands_of_worlds(world: list[Fact], data: st.DataObject) -> None:
    holds_in(world, data)


def holds_in(world: list[Fact], data: st.DataObject) -> None:
    """Feed a world in some order, in some batches, with restarts; every row must be the reference's."""
    arriving = data.draw(st.one_of(st.permutations(world + world[:3]), nearly_in_time(world + world[:3])))
    # Small windows of memory, so that late facts have to be read from the file.
    sizes: dict[str, Any] = {
        "hot_facts": data.draw(st.sampled_from([4, 16, 1000])),
        "run_facts": data.draw(st.integers(1, 12)),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.duckdb"
        log = DuckdbLog(path, **sizes)
        try:
            for app_id, rule in RULES.items():
                log.set_rule([app_id], rule)
            while arriving:
                size = data.draw(st.integers(1, 12))
                put(log, *arriving[:size])
                arriving = arriving[size:]
                if data.draw(st.booleans()):
                    log.settle()
                if data.draw(st.integers(0, 4)) == 0:
                    log.close()
                    log = DuckdbLog(path, **sizes)
            log.settle()
            expected = statistics(world, RULES)
            for campaign in CAMPAIGNS:
                rows = {(row.campaign_id, row.day, row.version): row for row in log.rows(campaign)}
                assert rows == {key: row for key, row in expected.items() if key[0] == campaign}
            by_installation = defaultdict(list)
            for fact in world:
                by_installation[fact.app_id, fact.installation_id].append(fact)
            assert log.counts()["orphan_opens"] == sum(map(orphans, by_installation.values()))
            assert log.verify() == []
        finally:
            log.close()


def test_opens_tell_when_an_installation_was_first_seen_and_opened(log: EventLog) -> None:
    put(
        log,
        Fact(1, FactType.INSTALLED, "i1", START),
        app_open("i1", START + 2),
        tap(1, "i1", START + 9),
        Fact(1, FactType.INSTALLED, "i2", START + 1),
        app_open("i3", START),
        sent(1, "i4", START),
        Fact(2, FactType.APP_OPEN, "i1", START + 99),
    )
    log.append(1, True, FactColumns.of([app_open("i1", START + 5)])).result(timeout=30)
    live = log.opens(1, False)
    put(log, app_open("i1", START + 50), app_open("i5", START))
    assert [times.tolist() for times in live.of(["i5", "i3", "i2", "i1", "i4"])] == [
        [NEVER, START, START + 1, START, NEVER],
        [NEVER, START, NEVER, START + 2, NEVER],
        [NEVER, START, NEVER, START + 9, NEVER],
    ]
    assert [times.tolist() for times in log.opens(1, True).of(["i1", "i2"])] == 3 * [[START + 5, NEVER]]
    assert [times.tolist() for times in log.opens(3, False).of(["i1"])] == 3 * [[NEVER]]


def test_what_is_settled_is_not_behind(log: EventLog) -> None:
    put(log, sent(1, "i1", START), app_open("i1", START + 1))
    log.settle()
    assert log.behind([1, 2]) == Behind(0, 0)
    assert log.behind([]) == Behind(0, 0)
