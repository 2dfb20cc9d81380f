"""What is to be sent, and how far that is: what every store of it promises."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from openrate import companies
from openrate.model import App, By, Campaign, Installation, Platform, Send, Sender, SendState
from openrate.ports.sends import Attempt, Chunk, Journal, Recipient, Sends, SendTally
from openrate.storage.records import SqlRecords
from openrate.storage.sends import SqlSends

NONE = SendTally()


class World:
    """A store, and an app with a campaign that is live and due."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(folder / "records.db")
        self.sends: Sends = SqlSends(self.records.database)
        made = companies.create_app(
            self.records, "Acme", "Shop", Platform.ANDROID, Sender.OPENRATE, By("ada@example.com", 0)
        )
        self.app: App = made.app
        self.campaign = self.create("ab" * 16)

    def create(self, token: str, *, live: bool = True, next_due_at: int | None = 1_000) -> Campaign:
        return self.records.create_campaign(
            self.app.id,
            token,
            {"name": "Sale", "live": live},
            has_versions=False,
            dev_only=False,
            at=0,
            was_live=live,
            next_due_at=next_due_at,
        )

    def plan(self, send_id: str = "first", wave: int = 0, due_at: int = 1_000) -> Send:
        """A send that is written down."""
        campaign = self.campaign
        new = Send(0, campaign.app_id, campaign.id, campaign.token, send_id, wave, due_at, 9_000)
        self.sends.add([new])
        return next(s for s in self.sends.open() if (s.send_id, s.wave) == (send_id, wave))

    def begin(self, *chunks: list[str]) -> Send:
        """A send with these chunks, ready to be claimed."""
        send = self.plan()
        self.sends.add_chunks(send.id, 0, chunks)
        self.sends.begin(send.id, len(chunks), sum(map(len, chunks)))
        return self.sends.of(self.campaign.id)[0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with closing(made.records):
        yield made


def test_only_live_campaigns_whose_time_has_come_are_due(world: World) -> None:
    draft = world.create("cd" * 16, live=False)
    world.create("ef" * 16, next_due_at=None)
    later = world.create("01" * 16, next_due_at=2_000)
    assert world.sends.due(999) == []
    assert world.sends.due(1_000) == [(world.app.id, world.campaign.token)]
    assert {token for _, token in world.sends.due(2_000)} == {world.campaign.token, later.token}
    world.records.delete_campaign(world.app.id, later.token, 1_500)
    assert {token for _, token in world.sends.due(2_000)} == {world.campaign.token}
    assert draft.token not in {token for _, token in world.sends.due(9_000)}


def test_a_send_is_written_down_once(world: World) -> None:
    first = world.begin(["a"])
    world.sends.add([first])
    assert world.sends.of(world.campaign.id) == [first]
    assert first.state is SendState.SENDING


def test_sends_come_by_due_time_and_finished_ones_are_not_open(world: World) -> None:
    world.plan("late", due_at=3_000)
    world.plan("early", due_at=2_000)
    assert [send.send_id for send in world.sends.open()] == ["early", "late"]
    assert world.sends.finish(world.sends.open()[0].id, SendState.CANCELLED, 5_000)
    assert [send.send_id for send in world.sends.open()] == ["late"]
    early = world.sends.of(world.campaign.id)[0]
    assert (early.state, early.finished_at) == (SendState.CANCELLED, 5_000)


def test_open_sends_can_be_asked_for_by_app(world: World) -> None:
    send = world.plan()
    assert world.sends.open([world.app.id]) == world.sends.open([7, world.app.id]) == [send]
    assert world.sends.open([7]) == world.sends.open([]) == []


def test_under_way_are_all_waves_of_what_is_not_finished_and_nothing_of_what_is(world: World) -> None:
    for send_id, wave in (("done", 0), ("going", 0), ("going", 1)):
        world.plan(send_id, wave, due_at=1_000 + wave)
    done, first, second = world.sends.open()
    world.sends.finish(done.id, SendState.CANCELLED, 5_000)
    world.sends.finish(first.id, SendState.CANCELLED, 5_000)
    assert [send.id for send in world.sends.under_way(world.campaign.id)] == [first.id, second.id]
    world.sends.finish(second.id, SendState.CANCELLED, 5_000)
    assert world.sends.under_way(world.campaign.id) == []


def test_a_chunk_belongs_to_one_worker_until_its_lease_ends(world: World) -> None:
    send = world.begin(["a", "b"], ["c"])
    first = world.sends.claim(send.id, "one", 100, 200)
    assert first == Chunk(send.id, 0, ["a", "b"], b"\0\0", {})
    assert world.sends.claim(send.id, "two", 100, 200) == Chunk(send.id, 1, ["c"], b"\0", {})
    assert world.sends.claim(send.id, "three", 199, 300) is None
    taken = world.sends.claim(send.id, "three", 200, 300)
    assert taken == first
    assert first is not None
    journals = [Journal(first, NONE, False, 400)]
    assert world.sends.write("one", journals) == [False]
    assert world.sends.write("three", journals) == [True]
    free = world.sends.claim(send.id, "four", 399, 500)
    assert free is not None
    assert free.number == 1, "the lease on the first was renewed"


def test_many_workers_never_get_the_same_chunk(world: World) -> None:
    send = world.begin(*[[f"i{number}"] for number in range(40)])
    claimed: list[str] = []

    def work(worker: str) -> None:
        while chunk := world.sends.claim(send.id, worker, 100, 10_000):
            claimed.extend(chunk.installations)

    threads = [threading.Thread(target=work, args=[f"w{number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(f"i{number}" for number in range(40))


def test_what_was_written_down_is_what_the_next_worker_finds(world: World) -> None:
    send = world.begin(["a", "b", "c"])
    chunk = world.sends.claim(send.id, "one", 100, 200)
    assert chunk is not None
    known = chunk._replace(outcomes=b"\1\0\0", attempts={1: Attempt(150), 2: Attempt(151, 3, 9_000)})
    assert world.sends.write("one", [Journal(known, SendTally(sent=1), False, 200)]) == [True]
    world.sends.release("another")
    assert world.sends.claim(send.id, "two", 160, 300) is None
    world.sends.release("one")
    assert world.sends.claim(send.id, "two", 160, 300) == known
    assert world.sends.of(world.campaign.id)[0].sent == 1


def test_a_send_is_done_when_all_its_chunks_are(world: World) -> None:
    send = world.begin(["a"], ["b"])
    for _ in range(2):
        assert not world.sends.finish(send.id, SendState.DONE, 500)
        chunk = world.sends.claim(send.id, "one", 100, 200)
        assert chunk is not None
        world.sends.write("one", [Journal(chunk, SendTally(1, 2, 3), True, 0)])
    assert world.sends.claim(send.id, "one", 10_000, 20_000) is None
    assert world.sends.uncompleted() == []
    assert world.sends.finish(send.id, SendState.DONE, 500)
    assert not world.sends.finish(send.id, SendState.CANCELLED, 600)
    done = world.sends.of(world.campaign.id)[0]
    assert (done.state, done.sent, done.errors, done.skipped, done.finished_at) == (
        SendState.DONE,
        2,
        4,
        6,
        500,
    )


def test_a_campaign_is_uncompleted_when_nothing_is_left_to_send_and_nothing_says_so(world: World) -> None:
    send = world.plan()

    def change(**fields: object) -> None:
        world.records.update_campaign(
            world.app.id, world.campaign.token, lambda known: msgspec.structs.replace(known, **fields)
        )

    named = [(world.app.id, world.campaign.token)]
    world.sends.finish(send.id, SendState.DONE, 500)
    assert world.sends.uncompleted() == []
    change(next_due_at=None)
    assert world.sends.uncompleted() == named
    change(completed_at=600)
    assert world.sends.uncompleted() == []


def test_a_selection_that_is_begun_again_leaves_nothing_of_the_first(world: World) -> None:
    send = world.plan()
    world.sends.add_chunks(send.id, 0, [["old"], ["older"]])
    world.sends.add_chunks(send.id, 2, [["oldest"]])
    world.sends.add_chunks(send.id, 0, [["new", "newer"]])
    world.sends.begin(send.id, 1, 2)
    assert world.sends.claim(send.id, "one", 100, 200) == Chunk(send.id, 0, ["new", "newer"], b"\0\0", {})
    assert world.sends.claim(send.id, "one", 100, 200) is None
    assert world.sends.of(world.campaign.id)[0].recipients == 2


def test_later_waves_know_who_was_taken_until_that_is_forgotten(world: World) -> None:
    first, second = world.plan(wave=0), world.plan(wave=1)
    world.sends.add_chunks(first.id, 0, [["a", "b"]])
    world.sends.add_chunks(second.id, 0, [["c"]])
    campaign = world.campaign.id
    assert world.sends.taken(campaign, "first", 1) == {"a", "b"}
    assert world.sends.taken(campaign, "first", 2) == {"a", "b", "c"}
    assert world.sends.taken(campaign, "other", 2) == set()
    world.sends.finish(first.id, SendState.CANCELLED, 1_000)
    assert world.sends.finished(1_000) == []
    assert [send.id for send in world.sends.finished(1_001)] == [first.id]
    world.sends.forget([first.id])
    assert world.sends.taken(campaign, "first", 2) == {"c"}
    assert world.sends.finished(1_001) == []


def test_the_reason_why_a_send_waits_comes_and_goes(world: World) -> None:
    send = world.plan()
    world.sends.explain(send.id, "The provider is away.")
    assert world.sends.open()[0].reason == "The provider is away."
    world.sends.explain(send.id, None)
    assert world.sends.open()[0].reason is None


def test_recipients_are_those_of_the_app_and_the_world(world: World) -> None:
    for name, dev, token in (("a", False, "t1"), ("b", False, None), ("c", True, "t3")):
        world.records.put_installation(
            Installation(world.app.id, name, dev, Platform.ANDROID, None, 1, token, "fr", opted_in=False), 0
        )
    asked = ["a", "b", "c", "unknown"]
    assert world.sends.recipients(world.app.id, False, asked) == {
        "a": Recipient("t1", "fr", False),
        "b": Recipient(None, "fr", False),
    }
    assert world.sends.recipients(world.app.id, True, asked) == {"c": Recipient("t3", "fr", False)}
    assert world.sends.recipients(world.app.id + 1, False, asked) == {}
    many = [f"x{number}" for number in range(12_000)] + ["a"]
    assert list(world.sends.recipients(world.app.id, False, many)) == ["a"]


def test_a_token_is_retired_only_if_it_still_is_that_one(world: World) -> None:
    for name, token in (("a", "old"), ("b", "new")):
        world.records.put_installation(
            Installation(world.app.id, name, False, Platform.ANDROID, None, 1, token), 0
        )
    world.sends.retire_tokens(world.app.id, False, [("a", "old"), ("b", "old")])
    found = world.sends.recipients(world.app.id, False, ["a", "b"])
    assert {name: recipient.push_token for name, recipient in found.items()} == {"a": None, "b": "new"}
