"""What happens just now, for each app: counted as it happens, kept for an hour."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from openrate.activity import MINUTES, Activity, Counted, Wait
from openrate.model import Cause, Fact, FactType
from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb import DuckdbLog

MINUTE = 60_000
START = 1_790_000_000_000 // MINUTE * MINUTE
NOTHING = Counted({}, 0, {}, {}, {})


class Clock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def activity(clock: Clock) -> Activity:
    return Activity(clock)


def facts(*types: FactType, cause: Cause | None = None) -> FactColumns:
    return FactColumns.of([Fact(1, each, f"i{at}", at, 1, "s", cause=cause) for at, each in enumerate(types)])


def store(activity: Activity, app_id: int, *types: FactType, cause: Cause | None = None) -> None:
    activity.facts_stored([(app_id, facts(*types, cause=cause))], [])


def test_facts_are_counted_by_type_in_the_minute_in_which_they_became_durable(
    activity: Activity, clock: Clock
) -> None:
    store(activity, 1, FactType.PUSH_SENT, FactType.PUSH_SENT, FactType.APP_OPEN)
    clock.at += MINUTE - 1
    store(activity, 1, FactType.APP_OPEN)
    clock.at += 1
    store(activity, 1, FactType.INSTALLED)
    recent = activity.of([1])
    assert len(recent.minutes) == MINUTES
    assert [minute.at for minute in recent.minutes[-2:]] == [START, START + MINUTE]
    assert recent.minutes[-2].facts == {FactType.PUSH_SENT: 2, FactType.APP_OPEN: 2}
    assert recent.minutes[-1].facts == {FactType.INSTALLED: 1}
    assert all(not minute.facts for minute in recent.minutes[:-2])
    assert recent.last_hour.facts == {FactType.PUSH_SENT: 2, FactType.APP_OPEN: 2, FactType.INSTALLED: 1}


def test_after_an_hour_only_the_sum_since_the_start_is_left(activity: Activity, clock: Clock) -> None:
    store(activity, 1, FactType.APP_OPEN)
    clock.at += (MINUTES - 1) * MINUTE
    assert activity.of([1]).minutes[0].facts == {FactType.APP_OPEN: 1}
    store(activity, 1, FactType.APP_OPEN)
    clock.at += MINUTE
    recent = activity.of([1])
    assert recent.last_hour.facts == {FactType.APP_OPEN: 1}
    assert activity.last_hour(1) == recent.last_hour
    assert recent.since_start.facts == {FactType.APP_OPEN: 2}
    assert recent.since == START
    clock.at += 10 * MINUTES * MINUTE
    assert activity.of([1]).last_hour == activity.last_hour(1) == activity.last_hour(2) == NOTHING


def test_failed_pushes_are_counted_by_cause_the_most_frequent_first(activity: Activity) -> None:
    store(activity, 1, FactType.PUSH_ERROR, cause=Cause.UNAVAILABLE)
    store(activity, 1, *[FactType.PUSH_ERROR] * 3, cause=Cause.UNREGISTERED)
    last_hour = activity.of([1]).last_hour
    assert list(last_hour.errors.items()) == [(Cause.UNREGISTERED, 3), (Cause.UNAVAILABLE, 1)]
    assert last_hour.facts == {FactType.PUSH_ERROR: 4}


def test_refused_facts_are_counted_by_code_whatever_they_are_about(activity: Activity, clock: Clock) -> None:
    activity.facts_refused(1, {(7, "in_future"): 2, (0, "malformed"): 1, (8, "in_future"): 3})
    activity.facts_refused(2, {(0, "malformed"): 1})
    activity.facts_refused(3, {})
    clock.at += MINUTES * MINUTE
    activity.facts_refused(1, {(0, "too_old"): 1})
    recent = activity.of([1, 3])
    assert recent.last_hour.refused_facts == {"too_old": 1}
    assert list(recent.since_start.refused_facts.items()) == [
        ("in_future", 5),
        ("malformed", 1),
        ("too_old", 1),
    ]
    assert activity.refused_facts() == {"in_future": 5, "malformed": 2, "too_old": 1}


def test_facts_of_development_builds_are_counted_apart(activity: Activity) -> None:
    activity.facts_stored([], [(1, facts(FactType.APP_OPEN, FactType.PUSH_SENT))])
    assert activity.of([1]).last_hour == NOTHING._replace(dev_facts=2)


def test_no_app_sees_anything_of_another(activity: Activity) -> None:
    store(activity, 1, FactType.APP_OPEN)
    activity.request_refused(1, "API_MISUSE")
    activity.waits(1, "The provider is away.")
    assert activity.of([2]).since_start == activity.of([]).since_start == NOTHING
    assert activity.last_wait(2) is None
    assert activity.of([1, 2]).since_start == activity.of([1]).since_start != NOTHING


def test_the_last_reason_to_wait_is_remembered_with_its_moment(activity: Activity, clock: Clock) -> None:
    activity.waits(1, "The provider is away.")
    clock.at += 7
    activity.waits(1, "The credentials were refused.")
    assert activity.last_wait(1) == Wait("The credentials were refused.", START + 7)


def test_a_clock_that_is_set_back_loses_nothing(activity: Activity, clock: Clock) -> None:
    store(activity, 1, FactType.APP_OPEN)
    clock.at -= 5 * MINUTE
    store(activity, 1, FactType.APP_OPEN)
    assert activity.of([1]).since_start.facts == {FactType.APP_OPEN: 2}
    clock.at += 5 * MINUTE
    assert activity.of([1]).minutes[-1].facts == {FactType.APP_OPEN: 2}


def test_what_is_kept_of_an_app_does_not_grow_with_time(activity: Activity, clock: Clock) -> None:
    for _ in range(5 * MINUTES):
        store(activity, 1, FactType.APP_OPEN)
        clock.at += MINUTE
    assert len(activity._apps[1].minutes) == MINUTES


def test_many_threads_lose_no_count(activity: Activity) -> None:
    def count() -> None:
        for _ in range(500):
            activity.request_refused(1, "API_MISUSE")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        activity.of([1])
    assert activity.of([1]).since_start.refused_requests == {"API_MISUSE": 4_000}


def test_the_log_tells_of_what_is_durable_in_both_worlds_and_of_nothing_else(
    tmp_path: Path, activity: Activity
) -> None:
    log = DuckdbLog(tmp_path / "facts.duckdb", stored=activity.facts_stored)
    with closing(log):
        log.append(1, False, facts(FactType.APP_OPEN, FactType.PUSH_SENT)).result(10)
        log.append(2, True, facts(FactType.APP_OPEN)).result(10)
        log.append(1, False, facts()).result(10)
    assert activity.of([1]).since_start == NOTHING._replace(
        facts={FactType.APP_OPEN: 1, FactType.PUSH_SENT: 1}
    )
    assert activity.of([2]).since_start == NOTHING._replace(dev_facts=1)
