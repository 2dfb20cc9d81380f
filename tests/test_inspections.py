"""What is costly to find is found once, and soon enough again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from contracts.memory_log import MemoryLog
from openrate.inspections import Inspections
from openrate.model import Campaign, Fact, FactType, Rule
from openrate.ports.event_log import FactColumns, Inspection

AT = 1_773_185_400_000


class SlowLog(MemoryLog):
    """Takes three seconds, by its own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.at = 0.0

    def inspect(self, campaign_id: int, hours: int = 72) -> Inspection:
        self.looks += 1
        self.at += 3
        return super().inspect(campaign_id, hours)

    def clock(self) -> float:
        return self.at

    def send(self, name: str) -> None:
        self.append(1, False, FactColumns.of([Fact(1, FactType.PUSH_SENT, name, AT, 1, "s")]))


def campaign(number: int = 1) -> Campaign:
    return Campaign(number, 1, f"{number:032x}", {}, False, False, True, AT, True)


def test_a_look_is_kept_while_nothing_is_new_however_long() -> None:
    log = SlowLog()
    inspections = Inspections(log, log.clock)
    log.send("i1")
    first = inspections.of(campaign())
    log.at += 1_000_000
    assert inspections.of(campaign()) is first
    assert inspections.revision(campaign()) == first.revision
    assert (first.found.facts, log.looks) == (1, 1)


def test_what_is_new_is_found_when_twenty_times_as_long_has_passed_as_a_look_takes() -> None:
    log = SlowLog()
    inspections = Inspections(log, log.clock)
    first = inspections.of(campaign())
    log.send("i1")
    log.at += 59
    assert inspections.revision(campaign()) == first.revision
    assert inspections.of(campaign()).found.facts == 0
    log.at += 1
    assert inspections.revision(campaign()) != first.revision
    assert inspections.of(campaign()).found.facts == 1


def test_other_windows_are_seen_at_once() -> None:
    log = SlowLog()
    inspections = Inspections(log, log.clock)
    first = inspections.of(campaign())
    log.set_rule([1], Rule(influence_window=60))
    assert inspections.revision(campaign()) != first.revision
    assert inspections.of(campaign()) is not first


def test_of_many_who_ask_at_once_one_looks() -> None:
    log = SlowLog()
    inspections = Inspections(log, log.clock)
    together = Barrier(8)

    def ask(_: int) -> Inspection:
        together.wait(10)
        return inspections.of(campaign()).found

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(ask, range(8))))) == 1
    assert log.looks == 1


def test_the_campaigns_looked_at_last_are_kept() -> None:
    log = SlowLog()
    inspections = Inspections(log, log.clock)
    for number in range(1, 101):
        inspections.of(campaign(number))
    inspections.of(campaign(100))
    assert log.looks == 100
    inspections.of(campaign(1))
    assert log.looks == 101
