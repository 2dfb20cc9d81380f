"""What is particular to the facts file: damage, rebuilding beside traffic, files of others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from openrate.attribution import statistics
from openrate.errors import StoreDamaged, StoreError, StoreTooNew
from openrate.model import DayRow, Fact, FactType, Rule
from openrate.ports.event_log import Behind, FactColumns
from openrate.storage.duckdb import DuckdbLog, arrivals
from openrate.storage.duckdb.arrivals import Arrivals

DAY = 86_400_000
START = 20_700 * DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "facts.duckdb"


@pytest.fixture
def log(path: Path) -> Iterator[DuckdbLog]:
    opened = DuckdbLog(path)
    yield opened
    opened.close()


def put(log: DuckdbLog, *facts: Fact) -> None:
    log.append(1, False, FactColumns.of(facts)).result(timeout=10)


def sent(name: str, campaign: int = 1) -> Fact:
    return Fact(1, FactType.PUSH_SENT, name, START, campaign, "s")


@pytest.mark.parametrize(
    "damage",
    [
        "update day_row set sent = sent + 1",
        "update day_row set influenced_open = 7, direct_open = 0",
        "delete from day_row",
        "insert into day_row values (9, 9, 0, 1, 0, 0, 0, 0, 0)",
        "update day_row set day = day + 1",
    ],
)
def test_verify_finds_damaged_rows_and_rebuild_mends_them(path: Path, damage: str) -> None:
    log = DuckdbLog(path)
    put(log, sent("i1"), sent("i2"), Fact(1, FactType.APP_OPEN, "i1", START + 1))
    right = list(log.rows(1))
    log.close()
    with duckdb.connect(str(path)) as file:
        file.execute(damage)
    log = DuckdbLog(path)
    try:
        differences = log.verify()
        assert differences
        assert all(d.stored != d.recomputed for d in differences)
        assert log.rebuild() == 3
        assert log.verify() == []
        assert list(log.rows(1)) == right
        assert list(log.rows(9)) == []
    finally:
        log.close()


def test_facts_are_acknowledged_and_answered_while_a_rebuild_is_under_way(log: DuckdbLog) -> None:
    put(log, sent("i1"))
    seen: list[list[DayRow]] = []

    def report_more(done: int, total: int) -> None:
        put(log, sent(f"i{done + 1}"))
        seen.append(list(log.rows(1)))
        assert done <= total

    log.rebuild(report_more)
    log.settle()
    assert [row.sent for rows in seen for row in rows] == [1]
    assert [row.sent for row in log.rows(1)] == [2]
    assert log.verify() == []


def test_rebuilding_and_verifying_say_how_far_they_are(log: DuckdbLog) -> None:
    put(log, *(sent(f"i{n}") for n in range(50)))
    for work in (log.rebuild, log.verify):
        said: list[tuple[int, int]] = []
        work(lambda done, total, said=said: said.append((done, total)))  # type: ignore[misc]  # a default binds
        assert said[-1] == (50, 50)


def test_a_rebuild_that_is_cut_short_by_the_end_changes_nothing(path: Path) -> None:
    log = DuckdbLog(path)
    put(log, sent("i1"))
    ending = threading.Thread(target=log.close)

    def end(_done: int, _total: int) -> None:
        ending.start()
        while not log._closing:
            time.sleep(0.01)

    with pytest.raises(StoreError, match="stopping"):
        log.set_rule([1], Rule(influence_window=60), end)
    ending.join(10)
    again = DuckdbLog(path)
    assert (again.rule(1), [row.sent for row in again.rows(1)]) == (Rule(), [1])
    again.close()


def test_a_change_back_that_comes_while_the_past_is_counted_anew_is_the_last(log: DuckdbLog) -> None:
    put(log, sent("i1"))
    back = threading.Thread(target=log.set_rule, args=([1], Rule()))

    def change_back(_done: int, _total: int) -> None:
        if back.ident is None:
            back.start()
            back.join(0.2)

    log.set_rule([1], Rule(influence_window=60), change_back)
    back.join(10)
    assert log.rule(1) == Rule()


def test_the_rule_of_an_app_without_facts_changes_no_row_and_stays(path: Path, log: DuckdbLog) -> None:
    put(log, sent("i1"))
    changed = log.changed(1)
    rule = Rule(influence_window=60)
    log.set_rule([2], rule)
    assert (log.rule(1), log.rule(2), log.changed(1)) == (Rule(), rule, changed)
    log.close()
    again = DuckdbLog(path)
    assert again.rule(2) == rule
    again.close()


def test_what_was_stored_but_not_counted_is_counted_at_the_next_start(path: Path) -> None:
    log = DuckdbLog(path)
    put(log, sent("i1"))
    log.close()
    with duckdb.connect(str(path)) as file:
        file.execute("update meta set value = 0 where name = 'attributed'; delete from day_row")
    log = DuckdbLog(path)
    assert [row.sent for row in log.rows(1)] == [1]
    log.close()


def test_a_campaign_of_many_thousands_behind_a_short_memory_is_counted_right(path: Path) -> None:
    """Large enough for numbers to wrap, lists to be long and the ring to go round, many times."""
    random = np.random.default_rng(7)
    log = DuckdbLog(path, hot_facts=3_000)
    world: list[Fact] = []
    try:
        for at in range(12):
            world += (new := _traffic(random, at))
            log.append(1, False, FactColumns.of(new)).result(timeout=30)
        log.settle()
        expected = statistics(world, {})
        for campaign in (1, 2, 3):
            rows = {(row.campaign_id, row.day, row.version): row for row in log.rows(campaign)}
            assert rows == {key: row for key, row in expected.items() if key[0] == campaign}
    finally:
        log.close()


def _traffic(random: np.random.Generator, batch: int) -> list[Fact]:
    """A thousand facts of three days, some a month late, a tenth of them about one busy installation."""
    facts = []
    for _ in range(1000):
        name = "busy" if random.random() < 0.1 else f"i{random.integers(400)}"
        at = START + int(random.integers(batch * 3 * DAY, (batch + 1) * 3 * DAY))
        at -= 30 * DAY if random.random() < 0.03 else 0
        campaign = int(random.integers(1, 4))
        kind = random.random()
        if kind < 0.4:
            facts.append(Fact(1, FactType.PUSH_SENT, name, at, campaign, f"d{at // DAY}"))
        elif kind < 0.6:
            facts.append(Fact(1, FactType.PUSH_OPEN, name, at, campaign))
        else:
            facts.append(Fact(1, FactType.APP_OPEN, name, at))
    return facts


def test_a_second_process_a_newer_version_and_damage_are_told_apart(path: Path, log: DuckdbLog) -> None:
    log.close()
    with duckdb.connect(str(path)) as file:
        file.execute("update meta set value = 999 where name = 'schema'")
    kept = path.read_bytes()
    with pytest.raises(StoreTooNew, match="newer"):
        DuckdbLog(path)
    assert path.read_bytes() == kept
    path.write_bytes(b"\0" * 8192)
    with pytest.raises(StoreDamaged, match="backup"):
        DuckdbLog(path)
    assert path.read_bytes() == b"\0" * 8192


def test_a_damaged_file_is_one_sentence_and_stays_as_it_was(path: Path) -> None:
    log = DuckdbLog(path)
    facts = [Fact(1, FactType.APP_OPEN, f"installation-{n}", START + n) for n in range(50_000)]
    log.append(1, False, FactColumns.of(facts)).result()
    log.close()
    whole = path.read_bytes()
    half = len(whole) // 2
    for damaged in (
        whole[:half],
        whole[:half] + b"\xab" * 20_000 + whole[half + 20_000 :],
        b"\xff" * 12_288 + whole[12_288:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(StoreDamaged, match=r"cannot be read.*backup"):
            DuckdbLog(path)
        assert path.read_bytes() == damaged


def test_a_closed_log_takes_nothing(path: Path) -> None:
    log = DuckdbLog(path)
    log.close()
    with pytest.raises(StoreError):
        log.append(1, False, FactColumns.of([sent("i1")]))


def test_a_tick_that_fails_costs_no_acknowledgement_and_is_made_up_for(
    log: DuckdbLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(log._attributed, "_save", full)
        put(log, sent("i1"))
        put(log, sent("i2"))
    put(log, sent("i3"))
    log.settle()
    assert [row.sent for row in log.rows(1)] == [3]


def test_closing_does_not_wait_for_a_tick_that_keeps_failing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException("no space left on device")

    log = DuckdbLog(path)
    with monkeypatch.context() as broken:
        broken.setattr(log._attributed, "_save", full)
        put(log, sent("i1"))
        started = time.monotonic()
        log.close()
        assert time.monotonic() - started < 4
    again = DuckdbLog(path)
    assert [row.sent for row in again.rows(1)] == [1]
    again.close()


def test_a_file_that_cannot_be_opened_again_is_tried_at_the_next_report(
    log: DuckdbLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(log, sent("i1"))
    before = log.changed(1)

    def broken(*_: object) -> None:
        raise duckdb.FatalException("the database has been invalidated")

    with monkeypatch.context() as fault:
        fault.setattr("openrate.storage.duckdb.writing.insert_facts", broken)
        with pytest.raises(StoreError):
            put(log, sent("i2"))
        with pytest.raises(StoreError):
            log.check()
        with pytest.raises(StoreError):
            put(log, sent("i3"))
    put(log, sent("i4"))
    log.check()
    assert [row.sent for row in log.rows(1)] == [2]
    assert log.changed(1) > before


def test_many_callers_share_a_commit(log: DuckdbLog) -> None:
    started = time.monotonic()
    waiting = [log.append(1, False, FactColumns.of([sent(f"i{n}")])) for n in range(2000)]
    for done in waiting:
        done.result(timeout=10)
    assert len({id(done) for done in waiting}) < 200
    log.settle()
    assert [row.sent for row in log.rows(1)] == [2000]
    assert time.monotonic() - started < 10


def test_what_is_stored_and_not_counted_yet_is_told_by_app_with_its_age(log: DuckdbLog) -> None:
    with log._attribution:  # as if counting took long
        began = time.monotonic()
        put(log, sent("i1"), sent("i2"))
        time.sleep(0.1)
        log.append(2, False, FactColumns.of([sent("i1", campaign=2)])).result(timeout=10)
        mine, others = log.behind([1]), log.behind([2])
        assert (mine.facts, others.facts, log.behind([1, 2]).facts, log.behind([3]).facts) == (2, 1, 3, 0)
        assert 100 <= mine.oldest_ms <= (time.monotonic() - began) * 1000 + 1
        assert others.oldest_ms < mine.oldest_ms <= log.behind([1, 2]).oldest_ms
    log.settle()
    assert log.behind([1, 2]) == Behind(0, 0)


def test_however_long_counting_stands_still_what_is_remembered_of_it_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrivals, "_MOST", 3)
    monkeypatch.setattr(arrivals, "_TOGETHER_S", 0)
    waiting = Arrivals()
    one = FactColumns.of([sent("i1")])
    for upto in range(1, 11):
        waiting.add(upto, [(1, one)])
    assert (len(waiting._waiting), waiting.behind([1]).facts) == (3, 10)
    waiting.counted(2)
    assert waiting.behind([1]).facts == 8
    waiting.counted(9)
    assert waiting.behind([1]).facts == 8
    waiting.counted(10)
    assert waiting.behind([1]) == Behind(0, 0)
