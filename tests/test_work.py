"""The chunks a lane has in hand: what is written down when, and what is left after a store has failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from openrate.delivery import planner, work
from openrate.delivery.planner import Planner
from openrate.delivery.work import Work
from openrate.errors import StoreError
from openrate.model import Cause, Send
from openrate.ports.provider import Push, Result, Verdict
from openrate.ports.sends import Chunk
from sending import Failing, Manual, Workshop

SENT = Verdict(Result.SENT)
NOT_NOW = Verdict(Result.RETRY, Cause.THROTTLED, "", 60.0)


class Hands(Workshop):
    """A workshop whose one campaign is due, and what a lane would have in hand of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.time = self.clock = Manual("2026-03-10T09:00:00")

    def begin(self, count: int, **parameters: Any) -> Work:
        self.register([f"t{number}" for number in range(count)])
        self.token = self.create(push_time="2026-03-10T09:00:00", **parameters)
        Planner(self.desk()).step()
        return self.another()

    def another(self) -> Work:
        hands = Work(self.app, False, self.desk())
        hands.look(self.app)
        return hands

    @property
    def send(self) -> Send:
        (send,) = self.sends.of(self.campaign(self.token).id)
        return send

    def start(self, hands: Work, most: int = 1_000) -> list[Push]:
        hands.attempt(most, self.time.at)
        return hands.write(self.time.at)

    def end(self, hands: Work, pushes: list[Push], verdict: Verdict = SENT) -> None:
        """Answer pushes, and write that down."""
        hands.answered([(push, verdict) for push in pushes], self.time.at)
        while hands.reporting:
            hands.conclude(1)
        hands.write(self.time.at)

    def free(self) -> Chunk | None:
        """A chunk that another worker can have now."""
        return self.sends.claim(self.send.id, "another", self.time.at, self.time.at + 60_000)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    monkeypatch.setattr(planner, "CHUNK", 10)
    with closing(Hands(tmp_path)) as hands:
        yield hands


def tokens(pushes: list[Push]) -> set[str]:
    return {push.token for push in pushes}


def everyone(count: int) -> set[str]:
    return {f"t{number}" for number in range(count)}


def test_what_could_not_be_written_down_begins_when_it_can(shop: Hands) -> None:
    failing = Failing(shop.sends, "write")
    shop.sends = failing
    hands = shop.begin(30)
    failing.fail = 2
    for _ in range(2):
        with pytest.raises(StoreError):
            shop.start(hands, 15)
    assert tokens(shop.start(hands, 0)) == everyone(30)
    assert hands.under_way == 30


@pytest.mark.parametrize("method", ["claim", "recipients"])
def test_what_was_chosen_before_a_store_failed_begins_afterwards(shop: Hands, method: str) -> None:
    failing = Failing(shop.sends, method)
    shop.sends = failing
    hands = shop.begin(30)
    assert hands.attempt(10, shop.time.at) == 10
    failing.fail = 1
    with pytest.raises(StoreError):
        hands.attempt(20, shop.time.at)
    begun = shop.start(hands)
    assert tokens(begun) == everyone(30)
    assert len(begun) == 30


def test_pushes_of_a_chunk_that_was_lost_to_another_worker_do_not_begin(shop: Hands) -> None:
    hands = shop.begin(20)
    shop.end(hands, shop.start(hands, 5))
    shop.time.show("2026-03-10T09:02:00")
    lost = shop.free()
    assert lost is not None
    begun = shop.start(hands)
    assert tokens(begun) == {f"t{number}" for number in range(10, 20)}
    assert hands.under_way == 10
    found = lost.installations
    assert shop.sends.of(shop.campaign(shop.token).id)[0].sent == 5
    assert found == [f"i-{number:06}" for number in range(10)]


def test_a_lease_is_renewed_while_a_push_is_under_way(shop: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_RENEW_S", -1)
    hands = shop.begin(5)
    shop.start(hands)
    shop.time.show("2026-03-10T09:00:50")
    hands.write(shop.time.at)
    shop.time.show("2026-03-10T09:01:40")
    assert shop.free() is None


def test_the_chunks_of_a_campaign_that_is_stopped_are_put_back_when_nothing_of_them_is_under_way(
    shop: Hands,
) -> None:
    hands = shop.begin(20)
    begun = shop.start(hands, 15)
    shop.end(hands, begun[:10])
    shop.update(shop.token, live=False)
    hands.look(shop.app)
    assert shop.free() is None
    shop.end(hands, begun[10:])
    hands.look(shop.app)
    assert hands.is_over
    chunk = shop.free()
    assert chunk is not None
    assert chunk.outcomes == bytes([1] * 5 + [0] * 5)


def test_chunks_are_put_back_at_the_end(shop: Hands) -> None:
    hands = shop.begin(20)
    shop.end(hands, shop.start(hands, 3))
    hands.put_back()
    assert shop.free() is not None


def test_those_who_only_wait_hold_up_nobody(shop: Hands) -> None:
    hands = shop.begin(200)
    held_up = {f"t{number}" for number in range(0, 200, 10)}
    reached: set[str] = set()
    for _ in range(30):
        begun = shop.start(hands, 20)
        shop.end(hands, [push for push in begun if push.token in held_up], NOT_NOW)
        shop.end(hands, [push for push in begun if push.token not in held_up])
        reached |= tokens(begun)
        hands.look(shop.app)
    assert reached == everyone(200)
    assert (shop.send.sent, shop.send.state) == (180, "sending")
    shop.time.show("2026-03-10T09:02:00")
    for _ in range(5):
        hands.look(shop.app)
        again = shop.start(hands)
        assert tokens(again) <= held_up
        shop.end(hands, again)
    hands.look(shop.app)
    shop.start(hands)
    assert (shop.send.sent, shop.send.state) == (200, "done")


def test_each_push_goes_to_the_token_and_says_the_words_of_its_moment(shop: Hands) -> None:
    hands = shop.begin(9)
    shop.end(hands, shop.start(hands, 3))
    shop.register(["new"], first=4)
    shop.records.delete_installation(shop.app.id, False, "i-000005")
    shop.update(shop.token, messages=[{"body": "Three days only"}])
    hands.look(shop.app)
    begun = shop.start(hands)
    assert tokens(begun) == {"t3", "new", "t6", "t7", "t8"}
    assert {push.message.body for push in begun} == {"Three days only"}
    shop.end(hands, begun)
    assert (shop.send.sent, shop.send.skipped) == (8, 1)


def test_what_is_open_ends_with_the_time_to_live_chunk_by_chunk(shop: Hands) -> None:
    hands = shop.begin(200, time_to_live=60)
    begun = shop.start(hands, 15)
    shop.end(hands, begun[:5])
    shop.time.show("2026-03-10T09:01:00")
    assert shop.start(hands) == []
    for _ in range(10):
        hands.expire(shop.time.at)
        while hands.reporting:
            hands.conclude(1)
        hands.write(shop.time.at)
    assert (shop.send.sent, shop.send.errors, shop.send.state) == (5, 185, "sending")
    shop.end(hands, begun[5:])
    hands.expire(shop.time.at)
    hands.look(shop.app)
    hands.expire(shop.time.at)
    assert (shop.send.sent, shop.send.errors, shop.send.state) == (15, 185, "done")
    shop.log.settle()
    assert {fact.cause for fact in shop.log.facts()} == {None, Cause.EXPIRED}


def test_the_rate_of_a_campaign_holds_for_all_its_waves_together(shop: Hands) -> None:
    zones = ["Pacific/Kiritimati", "Asia/Tokyo", "Europe/Paris", "America/New_York"]
    shop.register([f"t{number}" for number in range(40)], zones=zones * 10)
    shop.create(push_time=None, local_push_time="2026-03-10T02:00:00", send_rate=600)
    Planner(shop.desk()).step()
    hands = shop.another()
    assert len(hands.open_sends) > 3
    begun = [len(shop.start(hands)) for _ in range(3)]
    assert sum(begun) <= 3


def test_campaigns_with_a_low_rate_hold_up_no_other(shop: Hands) -> None:
    shop.register([f"t{number}" for number in range(30)])
    slow = {shop.create(push_time="2026-03-10T08:00:00", send_rate=1) for _ in range(12)}
    quick = shop.create(push_time="2026-03-10T09:00:00")
    Planner(shop.desk()).step()
    begun = shop.start(shop.another())
    assert sum(push.message.campaign_token == quick for push in begun) == 30
    assert {push.message.campaign_token for push in begun} == {*slow, quick}
