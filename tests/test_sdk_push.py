"""From a campaign to its numbers, through two browsers. The stub stands where the browsers' push service is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext

from openrate.model import Message
from openrate.payloads import webpush as payload
from openrate.providers.stub import deliveries
from program import Shop, answer, openrate
from sending import wait_until
from visitor import VAPID_KEY, Place, Shown, Visitor

_TAPS = """() => new Promise((resolve) => {
  indexedDB.open("openrate").onsuccess = ({ target }) => {
    const all = target.result.transaction("facts").objectStore("facts").getAll();
    all.onsuccess = () => resolve(all.result.filter((fact) => fact.type == "push_open"));
  };
})"""
"""The taps that wait to be reported."""


def push(campaign_token: str, send_id: str = "2026-03-10", **other: object) -> bytes:
    """What the service worker gets of a campaign's push."""
    message = Message(
        campaign_token, send_id, "Hats", "Two days only", "#sale", None, {}, True, False, None, 0
    )
    return payload(msgspec.structs.replace(message, **other))


def numbers(place: Place, token: str) -> tuple[int, ...]:
    (row,) = place.shop.stats(place.server, token)["detail"]
    return tuple(row[name] for name in ("sent", "sent_optins", "direct_open", "influenced_open"))


@pytest.fixture
def sending(place: Place, tmp_path: Path) -> Place:
    """The same place with an app that we send for."""
    data = ("--data", str(place.shop.data))
    options = ("--company", "Acme", "--name", tmp_path.name, "--platform", "web", "--sender", "openrate")
    keys = answer("app", "create", *options, *data)
    settings = tmp_path / "stub.json"
    settings.write_bytes(msgspec.json.encode({"journal": str(tmp_path / "journal")}))
    credentials = ("app", "credentials", "set", "--app", keys["live_key"], "--provider", "stub")
    done = openrate(*credentials, "--file", str(settings), *data)
    assert done.returncode == 0, done.stderr
    known = {"rest_api_key": place.shop.keys["rest_api_key"]}
    return place._replace(shop=Shop(place.shop.data, keys | known))


def test_a_tap_is_a_direct_open_and_a_visit_an_influenced_one_through_an_offline_spell(
    sending: Place, context: BrowserContext, browser: Browser, tmp_path: Path
) -> None:
    with browser.new_context() as other:
        other.clock.install()
        taps, comes_back = sending.visitor(context), sending.visitor(other)
        for visitor in (taps, comes_back):
            visitor.allow()
            visitor.start()
            assert visitor.subscribe()
            sending.wait_for(visitor, isSubscribed=True)

        token = sending.shop.campaign(sending.server, push_time="now")
        wait_until(lambda: len(sending.shop.stats(sending.server, token)["detail"]) == 1)
        sent = deliveries(tmp_path / "journal")
        assert {msgspec.json.decode(each.token)["endpoint"] for each in sent} == {
            visitor.endpoint + VAPID_KEY for visitor in (taps, comes_back)
        }

        for visitor in (taps, comes_back):
            visitor.push(push(token, sent[0].send_id))
            assert visitor.sees() == [Shown("Hats", "Two days only", "")]
        sending.line.cut()
        assert taps.tap() == taps.page.url + "#sale"
        comes_back.page.close()
        other.clock.fast_forward("31:00")
        comes_back.page = comes_back.tab()
        comes_back.start()
        wait_until(lambda: [each.state()["waiting"] for each in (taps, comes_back)] == [1, 1])
        assert numbers(sending, token) == (2, 2, 0, 0)

        sending.line.mend()
        for visitor in (taps, comes_back):
            visitor.page.reload()
            visitor.start()
            sending.wait_for(visitor)
        assert numbers(sending, token) == (2, 2, 1, 1)


@pytest.fixture
def subscriber(place: Place, visitor: Visitor) -> Visitor:
    visitor.allow()
    visitor.start()
    assert visitor.subscribe()
    place.wait_for(visitor)
    return visitor


def test_what_the_campaign_says_is_shown(subscriber: Visitor) -> None:
    subscriber.push(push("1" * 32, media={"icon": f"{subscriber.page.url}hat.svg"}))
    assert subscriber.sees() == [Shown("Hats", "Two days only", f"{subscriber.page.url}hat.svg")]


def test_a_test_is_shown_and_opens_its_link_and_its_tap_is_no_fact(place: Place, subscriber: Visitor) -> None:
    place.line.cut()
    for campaign in ("", "1" * 32):
        subscriber.push(push(campaign, "test-1"))
        assert subscriber.sees() == [Shown("Hats", "Two days only", "")]
        assert subscriber.tap() == subscriber.page.url + "#sale"
    wait_until(lambda: bool(subscriber.page.evaluate(_TAPS)))
    assert [tap["campaign_token"] for tap in subscriber.page.evaluate(_TAPS)] == ["1" * 32]


def test_a_push_that_comes_twice_is_one_notification(subscriber: Visitor) -> None:
    for campaign in ("1" * 32, "1" * 32, "2" * 32):
        subscriber.push(push(campaign))
    assert len(subscriber.sees(2)) == 2


def test_a_message_without_a_title_is_shown_by_its_words(subscriber: Visitor) -> None:
    subscriber.push(push("1" * 32, title=None))
    assert subscriber.sees() == [Shown("Two days only", "", "")]


def test_neither_a_push_in_the_background_nor_one_of_others_is_shown(subscriber: Visitor) -> None:
    subscriber.push(push("1" * 32, is_background=True))
    subscriber.push(b'{"title": "of another service"}')
    subscriber.push(push("2" * 32, title="Shoes"))
    assert [each.title for each in subscriber.sees()] == ["Shoes"]


def test_a_tap_on_a_message_without_a_link_opens_the_site(subscriber: Visitor) -> None:
    subscriber.page.goto("about:blank")
    subscriber.page = subscriber.tab()
    subscriber.push(push("1" * 32, deeplink=None))
    subscriber.sees()
    subscriber.page.goto("about:blank")
    assert subscriber.tap() == subscriber.site


def test_a_subscription_that_the_browser_replaces_reaches_the_server(
    place: Place, subscriber: Visitor
) -> None:
    installation = str(subscriber.state()["installationId"])
    subscriber.worker.evaluate(
        subscriber.subscribing.replace(subscriber.endpoint, "https://push.example/new/")
    )
    subscriber.worker.evaluate("dispatchEvent(new Event('pushsubscriptionchange'))")
    wait_until(lambda: "https://push.example/new/" in str(place.installation(installation)))


def test_another_vapid_key_takes_another_subscription(place: Place, subscriber: Visitor) -> None:
    installation = subscriber.start(vapidKey="BKey2")
    assert subscriber.subscribe()
    place.wait_for(subscriber)
    assert subscriber.endpoint + "BKey2" in str(place.installation(installation))


def test_stop_ends_the_subscription(subscriber: Visitor) -> None:
    subscriber.stop()
    found = (
        """navigator.serviceWorker.getRegistration().then((known) => known.pushManager.getSubscription())"""
    )
    assert subscriber.page.evaluate(found) is None
