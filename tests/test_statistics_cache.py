"""Statistics are made once and sent as often as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts.memory_log import MemoryLog
from openrate.model import Campaign, DayRow, Fact, FactType, Rule
from openrate.ports.event_log import FactColumns
from openrate.web.statistics_cache import StatisticsCache

AT = 1_773_185_400_000


class CountingLog(MemoryLog):
    """Counts how often it was asked for rows."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.rule_while_read: Rule | None = None

    def rows(self, campaign_id: int) -> Sequence[DayRow]:
        self.asked += 1
        rows = super().rows(campaign_id)
        if self.rule_while_read is not None:
            self.set_rule([1], self.rule_while_read)
            self.rule_while_read = None
        return rows

    def send(self, installation_id: str, campaign_id: int = 1) -> None:
        fact = Fact(1, FactType.PUSH_SENT, installation_id, AT, campaign_id, "s")
        self.append(1, False, FactColumns.of([fact]))


def campaign(number: int = 1) -> Campaign:
    return Campaign(number, 1, f"{number:032x}", {}, False, False, True, AT, True)


def sent(body: bytes) -> int:
    count: int = msgspec.json.decode(body)["detail"][0]["sent"]
    return count


def test_an_answer_is_made_once_until_a_fact_changes_it() -> None:
    log = CountingLog()
    cache = StatisticsCache(log)
    log.send("i1")
    first = cache.of(campaign())
    assert cache.of(campaign()) is first
    assert (sent(first.body), log.asked) == (1, 1)
    log.send("i2")
    assert (sent(cache.of(campaign()).body), log.asked) == (2, 2)


def test_another_rule_makes_another_answer_and_names_itself() -> None:
    log = CountingLog()
    cache = StatisticsCache(log)
    before = cache.of(campaign())
    assert before.rule_header == b"influence=10800; reengage=259200; inactive=2592000"
    log.set_rule([1], Rule(60, 3600, 86400))
    assert cache.of(campaign()).rule_header == b"influence=60; reengage=3600; inactive=86400"


def test_the_rule_that_is_named_is_the_one_that_made_the_rows() -> None:
    log = CountingLog()
    log.rule_while_read = Rule(60, 3600, 86400)
    assert StatisticsCache(log).of(campaign()).rule == Rule(60, 3600, 86400)
    assert log.asked == 2


def test_the_oldest_answers_go_when_there_is_no_room_for_all() -> None:
    log = CountingLog()
    cache = StatisticsCache(log, limit=5_000)
    for number in range(1, 101):
        cache.of(campaign(number))
    cache.of(campaign(100))
    assert log.asked == 100
    cache.of(campaign(1))
    assert log.asked == 101


def test_an_answer_without_room_is_still_given() -> None:
    log = CountingLog()
    log.send("i1")
    assert sent(StatisticsCache(log, limit=1).of(campaign()).body) == 1
