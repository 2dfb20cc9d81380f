"""What is being sent for the apps of a company, and how their providers do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openrate import companies
from openrate.delivery.standing import Health, health, queue, remaining
from openrate.errors import OpenrateError
from openrate.model import App, Cause, Platform, Sender, SendState
from openrate.ports.provider import Provider
from sending import BY, Workshop, wait_until


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with closing(Workshop(tmp_path)) as workshop:
        yield workshop


@pytest.fixture
def rival(shop: Workshop) -> App:
    made = companies.create_app(shop.records, "Rival", "News", Platform.ANDROID, Sender.OPENRATE, BY)
    return made.app


def standing(shop: Workshop, app: App) -> Health:
    queued = queue(shop.sends, shop.records, [app])
    [found] = health([app], queued, shop, shop.activity)
    return found


def no_credentials(_app: App, _dev: bool) -> Provider:
    raise OpenrateError("Shop has no credentials.")


def test_what_was_sent_and_what_failed_is_told_by_cause(shop: Workshop, rival: App) -> None:
    shop.register(["good", "fine", "stub:gone", "stub:refused"])
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.state(token) == "completed")
    assert queue(shop.sends, shop.records, [shop.app]) == []
    expected = {Cause.UNREGISTERED: 1, Cause.PAYLOAD: 1}
    assert standing(shop, shop.app) == Health(shop.app, False, 2, expected, None, None)
    assert standing(shop, rival) == Health(rival, False, 0, {}, None, None)


def test_what_waits_is_in_the_queue_with_its_reason_which_is_remembered_when_it_is_over(
    shop: Workshop, rival: App
) -> None:
    shop.register(["t0", "t1"])
    works = shop.provide
    shop.provide = no_credentials
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.reason(token) is not None)
        [waiting] = queue(shop.sends, shop.records, [shop.app])
        assert (waiting.app, waiting.campaign.token, waiting.is_stopped) == (shop.app, token, False)
        assert (waiting.send.state, waiting.send.recipients, remaining(waiting.send)) == (
            SendState.SENDING,
            2,
            2,
        )
        assert standing(shop, shop.app).waits_because == "Shop has no credentials."
        assert queue(shop.sends, shop.records, [rival]) == []
        assert standing(shop, rival).waits_because is None
        shop.provide = works
        wait_until(lambda: shop.state(token) == "completed")
    last = standing(shop, shop.app)
    assert last.waits_because is None
    assert last.last_wait is not None
    assert last.last_wait.reason == "Shop has no credentials."
    assert abs(last.last_wait.at - shop.clock.now()) < 60_000
    assert standing(shop, rival).last_wait is None


def test_a_send_of_a_stopped_campaign_stays_in_the_queue_and_waits_for_nothing(shop: Workshop) -> None:
    shop.register(["t0"])
    shop.provide = no_credentials
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.reason(token) is not None)
    shop.update(token, live=False)
    [stopped] = queue(shop.sends, shop.records, [shop.app])
    assert stopped.is_stopped
    assert standing(shop, shop.app).waits_because is None


def test_nothing_is_in_the_queue_of_an_app_that_another_sender_sends_for(shop: Workshop) -> None:
    shop.register(["t0"])
    shop.provide = no_credentials
    token = shop.create()
    with shop.delivering():
        wait_until(lambda: shop.reason(token) is not None)
    shop.records.set_app(shop.app, Sender.EXTERNAL, None)  # as far as a command comes that is interrupted
    assert queue(shop.sends, shop.records, shop.records.apps()) == []


def test_an_app_for_which_our_sender_lacks_credentials_is_told_apart(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "apps", set)
    assert standing(shop, shop.app).lacks_credentials
    shop.hand_over(Sender.EXTERNAL)
    assert not standing(shop, shop.app).lacks_credentials
