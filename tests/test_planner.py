"""What becomes due, and to whom it goes, step by step and at chosen times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openrate.delivery.planner import Planner
from openrate.errors import MalformedParameter
from openrate.model import Fact, FactType, Send, Sender, SendState
from openrate.ports.event_log import FactColumns
from openrate.ports.sends import Journal, SendTally
from sending import Manual, Workshop

NOON = "2026-03-10T12:00:00"
ZONES = ["Pacific/Kiritimati", "Europe/Paris", "America/New_York", "Etc/GMT+12", "Mars/Olympus", None]
DAILY = {"repeat_unit": "DAILY", "repeat_frequency": 1}


class Office(Workshop):
    """A workshop whose planner takes a step when it is told, and whose sends succeed at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.time = self.clock = Manual("2026-03-09T00:00:00")
        self.register([f"t{number}" for number in range(6)], zones=ZONES)
        self.planner = Planner(self.desk())

    def step(self, text: str) -> list[tuple[str, list[int]]]:
        """Plan, and send everything; which occurrences went to whom, by number."""
        self.time.show(text)
        self.planner.step()
        found = [(send, self._send(send)) for send in self.sends.open() if send.state is SendState.SENDING]
        return [(send.send_id[8:10], who) for send, who in found if who]

    def _send(self, send: Send) -> list[int]:
        sent: list[str] = []
        while (chunk := self.sends.claim(send.id, "test", self.time.at, self.time.at + 1)) is not None:
            sent += chunk.installations
            done = chunk._replace(outcomes=b"\1" * len(chunk.installations))
            self.sends.write("test", [Journal(done, SendTally(sent=len(chunk.installations)), True, 0)])
        self.sends.finish(send.id, SendState.DONE, self.time.at)
        return [int(name[2:]) for name in sent]

    def all_sends(self, token: str) -> list[Send]:
        return self.sends.of(self.campaign(token).id)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Office]:
    with closing(Office(tmp_path)) as office:
        yield office


def local(**more: Any) -> dict[str, Any]:
    return {"push_time": None, "local_push_time": NOON} | more


def test_by_local_time_everyone_is_sent_to_once_when_their_clock_shows_it(shop: Office) -> None:
    shop.create(**local())
    assert shop.step("2026-03-09T21:59:59") == []
    assert shop.step("2026-03-09T22:00:00") == [("10", [0])]
    assert shop.step("2026-03-10T11:00:00") == [("10", [1])]
    assert shop.step("2026-03-10T12:00:00") == [("10", [4, 5])]
    assert shop.step("2026-03-10T16:00:00") == [("10", [2])]
    assert shop.step("2026-03-11T00:00:00") == [("10", [3])]
    assert shop.step("2026-03-12T00:00:00") == []


def test_whoever_travels_is_sent_to_once(shop: Office) -> None:
    token = shop.create(**local())
    assert shop.step("2026-03-10T11:00:00") == [("10", [0]), ("10", [1])]
    shop.register(["t1", "t2"], first=1, zones=["America/New_York", "Europe/Paris"])
    assert shop.step("2026-03-11T00:00:00") == [("10", [4, 5]), ("10", [3]), ("10", [2])]
    assert shop.state(token) == "running"
    shop.step("2026-03-11T00:00:01")
    assert shop.state(token) == "completed"


def test_after_days_of_rest_the_last_waves_leave_out_whom_the_first_took(shop: Office) -> None:
    token = shop.create(**local())
    assert shop.step("2026-03-10T11:00:00") == [("10", [0]), ("10", [1])]
    shop.update(token, live=False)
    for day in range(11, 15):
        assert shop.step(f"2026-03-{day}T11:00:00") == []
    shop.update(token, live=True)
    assert sorted(who for _, whom in shop.step("2026-03-15T11:00:00") for who in whom) == [2, 3, 4, 5]


def test_recipients_are_forgotten_two_days_after_the_last_wave_of_their_occurrence(shop: Office) -> None:
    token = shop.create(**local(recurrence=DAILY))
    for day in (10, 11, 12, 13, 14):
        shop.step(f"2026-03-{day}T12:00:00")
    kept = {send.send_id for send in shop.sends.finished(shop.time.at + 1)}
    assert sorted(kept) == [f"2026-03-{day}T12:00:00" for day in (11, 12, 13, 14)]
    assert len(shop.all_sends(token)) > 100


def test_a_local_time_cannot_be_moved_while_the_campaign_is_going_out(shop: Office) -> None:
    token = shop.create(**local())
    shop.update(token, local_push_time="2026-03-10T12:30:00")
    assert shop.step("2026-03-10T11:31:00") == [("10", [0]), ("10", [1])]
    for change in ({"local_push_time": "2026-03-15T12:00:00"}, {"push_time": "now"}):
        with pytest.raises(MalformedParameter, match="cannot be changed any more"):
            shop.update(token, **change)
    shop.update(token, name="Another name")
    assert shop.step("2026-03-10T16:31:00") == [("10", [4, 5]), ("10", [2])]


def test_an_app_that_is_given_to_another_sender_while_a_campaign_is_planned_sends_nothing_more(
    shop: Office,
) -> None:
    token = shop.create(push_time="2026-03-10T09:00:00", recurrence=DAILY)
    add = shop.sends.add

    def given_away_meanwhile(sends: Sequence[Send]) -> None:
        add(sends)
        shop.hand_over(Sender.EXTERNAL)

    shop.sends.add = given_away_meanwhile  # type: ignore[method-assign]  # on purpose
    assert shop.step("2026-03-10T09:00:00") == []
    assert shop.campaign(token).next_due_at is None
    assert shop.sends.open() == []


def test_what_cannot_be_selected_ends_with_its_time_to_live_and_keeps_the_reason(shop: Office) -> None:
    token = shop.create(push_time="2026-03-10T09:00:00", time_to_live=3_600)
    unreadable = {"targeting": {"query": {"nonsense": 1}}}
    shop.records.update_campaign(
        shop.app.id, token, lambda c: msgspec.structs.replace(c, parameters=c.parameters | unreadable)
    )
    assert shop.step("2026-03-10T09:00:00") == []
    assert shop.step("2026-03-10T09:59:59") == []
    (waiting,) = shop.all_sends(token)
    assert waiting.state is SendState.SELECTING
    assert shop.step("2026-03-10T10:00:00") == []
    (ended,) = shop.all_sends(token)
    assert ended.state is SendState.CANCELLED
    assert ended.reason == waiting.reason
    assert "nonsense" in (ended.reason or "")
    assert shop.state(token) == "completed"


def test_capping_counts_what_is_still_open(shop: Office) -> None:
    token = shop.create(push_time="2026-03-10T09:00:00", recurrence=DAILY, capping=2)
    for day in (10, 11, 12):
        shop.time.show(f"2026-03-{day}T09:00:00")
        shop.planner.step()
    assert [send.recipients for send in shop.all_sends(token)] == [6, 6, 0]


def test_capping_counts_nobody_twice_who_was_sent_to_in_a_send_that_is_open(shop: Office) -> None:
    token = shop.create(push_time="2026-03-10T09:00:00", recurrence=DAILY, capping=2)
    shop.time.show("2026-03-10T09:00:00")
    shop.planner.step()
    (first,) = shop.sends.open()
    chunk = shop.sends.claim(first.id, "test", shop.time.at, shop.time.at + 1)
    assert chunk is not None
    facts = [
        Fact(shop.app.id, FactType.PUSH_SENT, name, shop.time.at, first.campaign_id, first.send_id)
        for name in chunk.installations[:3]
    ]
    shop.log.append(shop.app.id, False, FactColumns.of(facts)).result()
    half = chunk._replace(outcomes=b"\1\1\1\0\0\0")
    shop.sends.write("test", [Journal(half, SendTally(sent=3), False, 0)])
    shop.time.show("2026-03-11T09:00:00")
    shop.planner.step()
    assert [send.recipients for send in shop.all_sends(token)] == [6, 6]
