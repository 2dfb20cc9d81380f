"""From a campaign that is due to pushes that were accepted, and to its statistics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from openrate import campaign_parameters
from openrate.cli.terminal import Quiet
from openrate.delivery import lane, pace
from openrate.delivery.planner import Planner
from openrate.delivery.progress import progress
from openrate.errors import OpenrateError, StoreFull
from openrate.model import App, Cause, DayRow, FactType, Send, Sender
from openrate.ports.event_log import EventLog, FactColumns
from openrate.ports.provider import Provider, Push, Result, Verdict
from openrate.providers.stub import StubProvider, deliveries
from sending import Failing, Workshop, wait_until


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with closing(Workshop(tmp_path)) as workshop:
        yield workshop


def total(rows: list[DayRow], counter: str) -> int:
    return sum(getattr(row, counter) for row in rows)


def test_a_live_campaign_is_sent_and_its_statistics_fill_by_themselves(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(5_000)])
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    rows = shop.rows(token)
    assert total(rows, "sent") == total(rows, "sent_optins") == 5_000
    assert {d.token for d in deliveries(shop.journal)} == {f"t{n}" for n in range(5_000)}
    assert len(deliveries(shop.journal)) == 5_000
    assert shop.log.verify() == []
    (send,) = shop.sends.of(shop.campaign(token).id)
    assert (send.recipients, send.sent, send.errors, send.skipped, send.state) == (5_000, 5_000, 0, 0, "done")


def test_each_end_becomes_its_fact_and_a_gone_token_is_retired(shop: Workshop) -> None:
    names = shop.register(["good", "stub:gone", "stub:refused", "stub:retry:1", None])
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    facts = {fact.installation_id: fact for fact in shop.log.facts()}
    kinds = {name: (fact.type, fact.cause) for name, fact in facts.items()}
    assert kinds == {
        names[0]: (FactType.PUSH_SENT, None),
        names[1]: (FactType.PUSH_ERROR, "unregistered"),
        names[2]: (FactType.PUSH_ERROR, "payload"),
        names[3]: (FactType.PUSH_SENT, None),
    }
    assert {fact.send for fact in facts.values()} == {shop.campaign(token).parameters["push_time"]}
    assert {fact.platform for fact in facts.values()} == {"android"}
    gone = shop.records.installation(shop.app.id, False, names[1])
    assert gone is not None
    assert gone.push_token is None


def test_a_language_that_no_fact_may_carry_is_left_out_so_that_an_export_can_be_imported(
    shop: Workshop,
) -> None:
    shop.register(["t0"], language="fr")
    shop.register(["t1"], language="not a language!", first=1)
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    assert {fact.installation_id: fact.language for fact in shop.log.facts()} == {
        "i-000000": "fr",
        "i-000001": None,
    }


def test_waves_of_two_occurrences_that_overlap_are_shown_as_two() -> None:
    waves = [
        Send(at, 1, 1, "t", send_id, wave, due_at=at, expires_at=99, recipients=1, sent=1, finished_at=50)
        for at, (send_id, wave) in enumerate([("monday", 0), ("tuesday", 0), ("monday", 1), ("tuesday", 1)])
    ]
    shown = progress(waves)
    assert [(line["send_id"], line["sent"]) for line in shown["sends"]] == [("monday", 2), ("tuesday", 2)]


def test_nothing_is_sent_for_a_draft_and_a_scheduled_one_waits_for_its_time(shop: Workshop) -> None:
    shop.register(["one"])
    draft = shop.create(live=False)
    later = shop.create(push_time="2090-01-01T00:00:00")
    now = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(now) == "completed")
        assert shop.state(draft) == "draft"
        assert shop.state(later) == "scheduled"
        shop.update(draft, live=True)
        wait_until(lambda: shop.state(draft) == "completed")
    assert Counter(d.campaign_token for d in deliveries(shop.journal)) == {now: 1, draft: 1}


def test_a_running_send_stops_within_a_second_and_goes_on_where_it_stopped(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(6_000)])
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, latency_ms=200)
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.journal.exists() and len(deliveries(shop.journal)) > 500)
        shop.update(token, live=False)
        time.sleep(1)
        stopped = len(deliveries(shop.journal))
        time.sleep(1)
        assert len(deliveries(shop.journal)) == stopped < 6_000
        assert shop.state(token) == "stopped"
        shop.update(token, live=True)
        wait_until(lambda: shop.state(token) == "completed")
    assert Counter(d.token for d in deliveries(shop.journal)) == {f"t{n}": 1 for n in range(6_000)}


def test_a_provider_that_is_down_is_waited_for_and_the_send_says_why(shop: Workshop, tmp_path: Path) -> None:
    shop.register([f"t{n}" for n in range(300)])
    down = tmp_path / "down"
    down.touch()
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, down=down)
    token = shop.create()

    with shop.delivering():
        wait_until(lambda: "down" in (shop.reason(token) or ""))
        down.unlink()
        wait_until(lambda: shop.state(token) == "completed", 60)
    assert total(shop.rows(token), "sent") == 300
    assert shop.reason(token) is None


def test_a_send_rate_is_kept(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(1_000)])
    token = shop.create(send_rate=6_000)
    began = time.monotonic()
    with shop.delivering():
        wait_until(lambda: shop.journal.exists() and len(deliveries(shop.journal)) > 200)
    assert len(deliveries(shop.journal)) <= 100 * (time.monotonic() - began + 1)
    with shop.delivering():
        shop.update(token, send_rate=600_000)
        wait_until(lambda: shop.state(token) == "completed")
    assert len(deliveries(shop.journal)) == 1_000


def test_what_is_not_sent_when_its_time_to_live_is_over_is_reported_as_expired(
    shop: Workshop, tmp_path: Path
) -> None:
    names = shop.register([f"t{n}" for n in range(20)])
    down = tmp_path / "down"
    down.touch()
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, down=down)
    token = shop.create(time_to_live=3)
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed", 30)
    facts = list(shop.log.facts())
    assert {fact.installation_id for fact in facts} == set(names)
    assert {fact.type for fact in facts} == {FactType.PUSH_ERROR}
    assert total(shop.rows(token), "errors") == 20


def test_an_audience_is_respected_and_capping_counts_over_all_occurrences(shop: Workshop) -> None:
    shop.register(["t0", "t1"], language="fr")
    shop.register(["t2"], language="de", first=2)
    yesterday = campaign_parameters.written(shop.clock.now() - 86_400_000)
    token = shop.create(
        targeting={"languages": ["fr"]},
        push_time=yesterday,
        recurrence={"repeat_unit": "DAILY", "repeat_frequency": 1},
        capping=2,
    )
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) == 2)
        for count in (2, 3):
            time.sleep(1)
            shop.due_again(token)
            wait_until(lambda: len(shop.sends.of(shop.campaign(token).id)) == count)  # noqa: B023 - called at once
            wait_until(lambda: not shop.sends.open())
    assert Counter(shop.sent(token)) == {"t0": 2, "t1": 2}


def test_a_send_by_local_time_goes_out_zone_by_zone_and_reaches_everyone_once(shop: Workshop) -> None:
    now = datetime.now(UTC)
    zones = ["Pacific/Kiritimati", "Europe/Paris", "Etc/GMT+12", "Mars/Olympus", None]
    shop.register([f"t{n}" for n in range(5)], zones=zones)
    paris_now = now.astimezone(ZoneInfo("Europe/Paris")) - timedelta(seconds=1)
    token = shop.create(push_time=None, local_push_time=paris_now.strftime("%Y-%m-%dT%H:%M:%S"))
    with shop.delivering():
        wait_until(lambda: set(shop.sent(token)) >= {"t0", "t1"})
        time.sleep(0.5)
        assert set(shop.sent(token)) == {"t0", "t1"}
        assert shop.state(token) == "running"


def test_an_app_that_is_given_to_another_sender_is_sent_for_no_more_and_back_again_from_then_on(
    shop: Workshop,
) -> None:
    shop.register(["t0"])
    first, second = shop.create(), shop.create(push_time="2090-01-01T00:00:00")
    shop.hand_over(Sender.EXTERNAL)
    with shop.delivering():
        time.sleep(0.6)
        assert shop.sent(first) == []
        shop.hand_over(Sender.OPENRATE)
        wait_until(lambda: shop.state(first) == "completed")
        assert shop.state(second) == "scheduled"
        assert shop.sent(first) == []
        third = shop.create()
        wait_until(lambda: shop.sent(third) == ["t0"])


def test_the_rate_of_an_app_holds_for_all_its_campaigns_and_can_be_lifted_while_they_run(
    shop: Workshop,
) -> None:
    shop.register([f"t{n}" for n in range(400)])
    shop.records.set_app(shop.app, Sender.OPENRATE, 6_000)
    began = time.monotonic()
    tokens = [shop.create(), shop.create()]
    with shop.delivering():
        wait_until(lambda: sum(len(shop.sent(token)) for token in tokens) > 200)
        assert sum(len(shop.sent(token)) for token in tokens) <= 100 * (time.monotonic() - began + 1)
        shop.records.set_app(shop.app, Sender.OPENRATE, None)
        wait_until(lambda: all(shop.state(token) == "completed" for token in tokens))
    assert [len(shop.sent(token)) for token in tokens] == [400, 400]


def test_a_campaign_that_cannot_be_read_any_more_says_so_and_holds_up_no_other(shop: Workshop) -> None:
    shop.register(["t0"])
    broken, good = shop.create(), shop.create()
    shop.records.update_campaign(
        shop.app.id,
        broken,
        lambda known: msgspec.structs.replace(
            known, parameters=known.parameters | {"targeting": {"query": {"nonsense": 1}}}
        ),
    )
    with shop.delivering():
        wait_until(lambda: shop.state(good) == "completed")
        wait_until(lambda: "nonsense" in (shop.reason(broken) or ""))
        shop.update(broken, targeting={"languages": []})
        wait_until(lambda: shop.state(broken) == "completed")
    assert Counter(shop.sent(broken) + shop.sent(good)) == {"t0": 2}


def test_a_deleted_campaign_stops_for_good(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(6_000)])
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, latency_ms=200)
    token = shop.create()
    campaign_id = shop.campaign(token).id
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 300)
        shop.records.delete_campaign(shop.app.id, token, shop.clock.now())
        wait_until(lambda: not shop.sends.open())
        wait_until(lambda: shop.sends.of(campaign_id)[0].state == "cancelled")
        time.sleep(0.5)
        stopped = len(shop.sent(token))
        time.sleep(0.5)
        assert len(shop.sent(token)) == stopped < 6_000
    shop.log.settle()
    assert sum(row.sent for row in shop.log.rows(campaign_id)) == stopped


def test_what_the_development_world_is_sent_is_in_no_statistic(shop: Workshop) -> None:
    shop.register(["live"])
    shop.register(["dev"], first=10, dev=True)
    token = shop.create(dev=True)
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    assert shop.sent(token) == ["dev"]
    assert shop.rows(token) == []


class FullDisk:
    """A log that takes no facts for a while."""

    def __init__(self, log: EventLog, refusals: int) -> None:
        self._log, self._refusals = log, refusals

    def append(self, app_id: int, dev: bool, facts: FactColumns, *, is_awaited: bool = True) -> Future[None]:
        if not self._refusals:
            return self._log.append(app_id, dev, facts, is_awaited=is_awaited)
        self._refusals -= 1
        refused: Future[None] = Future()
        refused.set_exception(StoreFull("No room left on the disk of the data folder."))
        return refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_facts_that_cannot_be_stored_are_kept_and_sending_waits_until_they_are(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(3_000)])
    log = shop.log
    shop.log = FullDisk(log, 2)
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: "No room" in (shop.reason(token) or ""))
        assert len(shop.sent(token)) < 3_000
        wait_until(lambda: shop.state(token) == "completed", 40)
    shop.log = log
    assert Counter(shop.sent(token)) == {f"t{n}": 1 for n in range(3_000)}
    assert total(shop.rows(token), "sent") == 3_000


class Answers:
    """A provider that gives one verdict to all."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._begun: list[Push] = []

    def start(self, pushes: Sequence[Push]) -> None:
        self._begun += pushes

    def finished(self, _wait: float) -> list[tuple[Push, Verdict]]:
        begun, self._begun = self._begun, []
        return [(push, self._verdict) for push in begun]

    def close(self) -> None:
        pass


def test_a_token_that_is_only_refused_is_kept_for_the_configuration_may_be_wrong(shop: Workshop) -> None:
    given = "t0"
    (name,) = shop.register([given])
    shop.provide = lambda _app, _dev: Answers(Verdict(Result.REFUSED, Cause.INVALID_TOKEN, "BadDeviceToken"))
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    kept = shop.records.installation(shop.app.id, False, name)
    assert kept is not None
    assert kept.push_token == given
    assert [fact.cause for fact in shop.log.facts()] == [Cause.INVALID_TOKEN]


class Watched:
    """Notes the calls of some methods, in one order with those of others, before they are made."""

    def __init__(self, watched: Any, methods: set[str], seen: list[tuple[str, Any]]) -> None:
        self._watched, self._methods, self._seen = watched, methods, seen

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._watched, name)
        if name not in self._methods:
            return method

        def call(*given: Any) -> Any:
            self._seen.append((name, given))
            return method(*given)

        return call


def test_an_attempt_is_written_down_before_it_begins_and_a_token_is_retired_after_its_end_is(
    shop: Workshop,
) -> None:
    shop.register([f"stub:gone:{n}" if n % 50 == 0 else f"t{n}" for n in range(3_000)])
    seen: list[tuple[str, Any]] = []
    shop.sends = Watched(shop.sends, {"write", "retire_tokens"}, seen)
    shop.provide = lambda _app, _dev: Watched(StubProvider(shop.journal), {"start"}, seen)
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    attempted: set[str] = set()
    ended: set[str] = set()
    begun = 0
    for name, given in seen:
        if name == "write":
            for chunk in (journal.chunk for journal in given[1]):
                attempted |= {chunk.installations[at] for at in chunk.attempts}
                ended |= {chunk.installations[at] for at, end in enumerate(chunk.outcomes) if end}
        elif name == "start":
            names = {f"i-{int(push.token.rpartition(':')[2].removeprefix('t')):06}" for push in given[0]}
            assert names <= attempted
            begun += len(names)
        else:
            assert {installation for installation, _ in given[2]} <= ended
    assert begun == 3_000


def test_without_credentials_a_send_waits_says_so_and_ends_with_its_time_to_live(shop: Workshop) -> None:
    def none(_app: App, _dev: bool) -> Provider:
        raise OpenrateError("Shop has no credentials.")

    shop.register(["t0", "t1"])
    shop.provide = none
    first = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.reason(first) == "Shop has no credentials.")
        second = shop.create(time_to_live=2)
        wait_until(lambda: shop.reason(second) == "Shop has no credentials.")
        wait_until(lambda: shop.state(second) == "completed")
        assert shop.state(first) == "running"
    assert total(shop.rows(second), "errors") == 2
    assert total(shop.rows(first), "errors") == 0


def test_a_send_to_nobody_is_done_at_once_also_without_credentials(shop: Workshop) -> None:
    def none(_app: App, _dev: bool) -> Provider:
        raise OpenrateError("Shop has no credentials.")

    shop.provide = none
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    (send,) = shop.sends.of(shop.campaign(token).id)
    assert (send.recipients, send.state) == (0, "done")


def test_new_credentials_are_tried_at_once_though_the_old_ones_were_to_rest(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_FIRST_PAUSE", 60.0)
    down = tmp_path / "down"
    down.touch()
    shop.register([f"t{n}" for n in range(300)])
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, down=down)
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: "down" in (shop.reason(token) or ""))
        shop.provide = lambda _app, _dev: StubProvider(shop.journal)
        wait_until(lambda: len(shop.sent(token)) > 200)


def test_a_reason_that_is_over_is_gone_after_a_restart_too(shop: Workshop, tmp_path: Path) -> None:
    shop.register([f"t{n}" for n in range(3_000)])
    down = tmp_path / "down"
    down.touch()
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, down=down)
    token = shop.create(send_rate=60_000)
    with shop.delivering():
        wait_until(lambda: "down" in (shop.reason(token) or ""))
    down.unlink()
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 500)
        wait_until(lambda: shop.reason(token) is None)
        assert shop.state(token) == "running"


def test_a_server_that_ends_gives_back_what_it_has_in_hand(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(1_000)])
    token = shop.create(send_rate=6_000)
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 20)
    (send,) = shop.sends.open()
    chunk = shop.sends.claim(send.id, "another", shop.clock.now(), shop.clock.now() + 1)
    assert chunk is not None
    assert sum(map(bool, chunk.outcomes)) == len(shop.sent(token)) == send.sent
    assert chunk.attempts == {}


@pytest.mark.parametrize("method", ["open", "explain", "write", "recipients", "claim", "retire_tokens"])
def test_a_database_that_does_not_answer_for_a_while_delays_a_send_and_doubles_nothing(
    shop: Workshop, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "_PAUSE_S", 0.5)
    shop.register([f"stub:gone:{n}" if n % 50 == 0 else f"t{n}" for n in range(3_000)])
    failing = Failing(shop.sends, method)
    shop.sends = failing
    shop.provide = lambda _app, _dev: StubProvider(shop.journal, latency_ms=30)
    token = shop.create(send_rate=120_000)
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 300)
        failing.fail = 4
        wait_until(lambda: shop.state(token) == "completed")
    assert set(Counter(shop.sent(token)).values()) == {1}
    assert (len(shop.sent(token)), total(shop.rows(token), "errors")) == (2_940, 60)


def test_an_app_that_is_given_to_another_sender_in_the_middle_of_a_send_ends_it(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(3_000)])
    token = shop.create(send_rate=60_000)
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 300)
        shop.hand_over(Sender.EXTERNAL)
        wait_until(lambda: not shop.sends.open())
        time.sleep(3)  # enough for all of them, if it went on
    sent = len(shop.sent(token))
    assert sent < 3_000
    with shop.delivering():
        shop.hand_over(Sender.OPENRATE)
        wait_until(lambda: shop.state(token) == "completed")
        time.sleep(0.5)
    assert len(shop.sent(token)) == sent
    (send,) = shop.sends.of(shop.campaign(token).id)
    assert (send.state, send.reason) == ("cancelled", "The app was given to another sender.")
    assert total(shop.rows(token), "sent") == sent


def test_an_app_that_is_given_the_sender_that_it_has_goes_on_with_what_is_under_way(shop: Workshop) -> None:
    shop.register([f"t{n}" for n in range(600)])
    token = shop.create(send_rate=30_000)
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 100)
        shop.hand_over(Sender.OPENRATE)
        assert shop.state(token) == "running"
        wait_until(lambda: shop.state(token) == "completed")
    assert len(shop.sent(token)) == 600


def test_what_became_due_between_an_interrupted_change_of_sender_and_the_next_is_not_sent(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_quiet: Quiet, done: int, _total: int) -> None:
        if done == 2:
            raise OpenrateError("The server is stopping.")

    shop.hand_over(Sender.EXTERNAL)
    shop.register(["t0"])
    soon = (shop.clock.now() // 1000 + 2) * 1000
    due_at = datetime.fromtimestamp(soon / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    tokens = [
        shop.create(push_time=due_at),
        *(shop.create(push_time="2090-01-01T00:00:00") for _ in range(2)),
    ]
    monkeypatch.setattr(Quiet, "progress", stopped)
    with pytest.raises(OpenrateError, match="stopping"):
        shop.hand_over(Sender.OPENRATE)
    monkeypatch.undo()
    with shop.delivering():
        wait_until(lambda: len(shop.sends.open()) == 1)
        shop.hand_over(Sender.OPENRATE)
        wait_until(lambda: shop.state(tokens[0]) == "completed")
        time.sleep(0.5)
    assert [shop.sent(token) for token in tokens] == [[], [], []]
    assert [shop.state(token) for token in tokens] == ["completed", "scheduled", "scheduled"]


def test_what_is_scheduled_stays_so_whenever_the_planner_looks_while_an_app_changes_its_sender(
    shop: Workshop,
) -> None:
    daily = {"repeat_unit": "DAILY", "repeat_frequency": 1}
    tokens = [
        shop.create(push_time="2090-01-01T00:00:00"),
        shop.create(push_time="2090-01-01T00:00:00", recurrence=daily),
    ]
    planner = Planner(shop.desk())
    update, set_app = shop.records.update_campaign, shop.records.set_app

    def watched_update(*given: Any) -> Any:
        planner.step()
        return update(*given)

    def watched_set(*given: Any) -> None:
        set_app(*given)
        planner.step()

    shop.records.update_campaign = watched_update  # type: ignore[method-assign, assignment]  # the same, watched
    shop.records.set_app = watched_set  # type: ignore[method-assign, assignment]  # the same, watched
    for sender in (Sender.EXTERNAL, Sender.OPENRATE, Sender.OPENRATE):
        shop.hand_over(sender)
    assert [shop.state(token) for token in tokens] == ["scheduled", "scheduled"]


def test_credentials_that_are_replaced_or_removed_count_at_once(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "_PAUSE_S", 0.5)

    def none(_app: App, _dev: bool) -> Provider:
        raise OpenrateError("Shop has no credentials.")

    other = tmp_path / "other.journal"
    shop.register([f"t{n}" for n in range(3_000)])
    token = shop.create(send_rate=60_000)
    with shop.delivering():
        wait_until(lambda: len(shop.sent(token)) > 200)
        shop.provide = none
        wait_until(lambda: shop.reason(token) == "Shop has no credentials.")
        sent = len(shop.sent(token))
        time.sleep(0.5)
        assert len(shop.sent(token)) == sent
        shop.provide = lambda _app, _dev: StubProvider(other)
        wait_until(lambda: shop.state(token) == "completed")
    assert len(shop.sent(token)) == sent
    assert len(deliveries(other)) == 3_000 - sent
