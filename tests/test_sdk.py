"""The browser SDK in Chromium, on the example site, against a server; what it did is asked of the server."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Error

from sending import wait_until
from visitor import Place, Visitor

NOBODY = {"installationId": None, "isRegistered": False, "isSubscribed": False, "waiting": 0}


def test_a_started_page_is_an_installation_that_has_opened_the_site_once(
    place: Place, browser: Browser
) -> None:
    with browser.new_context(locale="fr-CA", timezone_id="America/Toronto") as context:
        visitor = place.visitor(context)
        installation = visitor.start()
        place.wait_for(visitor, installationId=installation)
    kept = place.installation(installation)
    assert kept
    assert (kept.language, kept.timezone, kept.opted_in) == ("fr-CA", "America/Toronto", False)
    assert len(place.facts(installation, "app_open")) == 1
    assert len(place.facts(installation, "installed")) == 1


def test_nothing_is_sent_before_the_start(place: Place, visitor: Visitor) -> None:
    visitor.show("hidden")
    visitor.show("visible")
    with pytest.raises(Error, match=r"Call openrate\.start"):
        visitor.subscribe()
    visitor.stop()
    visitor.page.reload()
    visitor.page.wait_for_timeout(500)
    assert place.line.connections == 0
    assert visitor.state() == NOBODY


def test_tabs_and_visits_are_one_installation(place: Place, visitor: Visitor) -> None:
    first = visitor.start()
    assert visitor.start(visitor.tab()) == first
    visitor.page.reload()
    assert visitor.start() == first
    place.wait_for(visitor)
    assert len(place.facts(first, "installed", "app_open")) == 2


def test_another_visitor_is_another_installation(place: Place, visitor: Visitor, browser: Browser) -> None:
    with browser.new_context() as context:
        assert place.visitor(context).start() != visitor.start()


def test_coming_back_after_half_an_hour_opens_the_site_again(place: Place, context: BrowserContext) -> None:
    context.clock.install()
    visitor = place.visitor(context)
    installation = visitor.start()
    place.wait_for(visitor)
    for minutes, opens in (("29:00", 1), ("31:00", 2), ("29:00", 2)):
        visitor.show("hidden")
        context.clock.fast_forward(minutes)
        visitor.show("visible")
        place.wait_for(visitor)
        assert len(place.facts(installation, "app_open")) == opens, minutes


def test_looking_at_one_tab_for_hours_opens_the_site_once(place: Place, context: BrowserContext) -> None:
    context.clock.install()
    visitor = place.visitor(context)
    installation = visitor.start()
    place.wait_for(visitor)
    for _ in range(6):
        context.clock.fast_forward("20:00")
        visitor.state()
    visitor.start(visitor.tab())
    place.wait_for(visitor)
    assert len(place.facts(installation, "app_open")) == 1


def test_a_page_without_indexeddb_is_left_alone(place: Place, context: BrowserContext) -> None:
    context.add_init_script("indexedDB.open = () => { throw new Error('forbidden') }")
    visitor = place.visitor(context)
    assert visitor.page.evaluate("(o) => openrate.start(o)", visitor.options) is None
    visitor.page.evaluate("() => { Notification.requestPermission = () => (self.isAsked = true) }")
    assert visitor.subscribe() is False
    assert not visitor.page.evaluate("self.isAsked")
    visitor.stop()
    assert place.line.connections == 0


def test_a_browser_without_notifications_opens_and_does_not_subscribe(
    place: Place, context: BrowserContext
) -> None:
    context.add_init_script(
        "for (const name of ['Notification', 'PushManager', 'permissions']) delete self[name]"
    )
    visitor = place.visitor(context)
    installation = visitor.start()
    assert not visitor.subscribe()
    place.wait_for(visitor)
    assert len(place.facts(installation, "app_open")) == 1


def test_permission_is_followed(place: Place, visitor: Visitor) -> None:
    visitor.allow()
    installation = visitor.start()
    assert visitor.subscribe()
    place.wait_for(visitor, isSubscribed=True)
    kept = place.installation(installation)
    assert kept
    assert kept.opted_in
    assert visitor.endpoint in str(kept.push_token)
    visitor.deny()
    wait_until(lambda: not (place.installation(installation) or kept).opted_in)
    assert not visitor.state()["isSubscribed"]


def test_a_visitor_who_says_no_is_not_subscribed(place: Place, visitor: Visitor) -> None:
    visitor.deny()
    installation = visitor.start()
    assert not visitor.subscribe()
    place.wait_for(visitor, isSubscribed=False)
    kept = place.installation(installation)
    assert kept
    assert (kept.opted_in, kept.push_token) == (False, None)


def test_a_browser_that_permits_and_cannot_subscribe_is_not_subscribed(
    place: Place, visitor: Visitor
) -> None:
    visitor.allow()
    installation = visitor.start()
    visitor.page.evaluate("() => { PushManager.prototype.subscribe = () => Promise.reject(Error('away')) }")
    assert not visitor.subscribe()
    place.wait_for(visitor, isSubscribed=False)
    kept = place.installation(installation)
    assert kept
    assert (kept.opted_in, kept.push_token) == (True, None)
    visitor.page.reload()
    visitor.start()
    place.wait_for(visitor, isSubscribed=True)


def test_a_subscription_that_ended_is_none(place: Place, visitor: Visitor) -> None:
    visitor.allow()
    visitor.start()
    assert visitor.subscribe()
    place.wait_for(visitor, isSubscribed=True)
    visitor.page.evaluate(
        """async () => {
          const { pushManager } = await navigator.serviceWorker.getRegistration();
          await (await pushManager.getSubscription()).unsubscribe();
        }"""
    )
    assert not visitor.state()["isSubscribed"]


def test_stop_unregisters_and_forgets(place: Place, visitor: Visitor) -> None:
    visitor.allow()
    installation = visitor.start()
    visitor.subscribe()
    place.wait_for(visitor)
    visitor.stop()
    assert place.installation(installation) is None
    assert visitor.state() == NOBODY
    connections = place.line.connections
    visitor.show("hidden")
    visitor.show("visible")
    visitor.page.wait_for_timeout(300)
    assert place.line.connections == connections
    assert visitor.start() != installation


def test_a_stop_without_a_connection_unregisters_when_there_is_one(place: Place, visitor: Visitor) -> None:
    installation = visitor.start()
    place.wait_for(visitor)
    place.line.cut()
    visitor.stop()
    assert place.installation(installation)
    place.line.mend()
    visitor.page.evaluate("dispatchEvent(new Event('online'))")
    wait_until(lambda: place.installation(installation) is None)


def test_a_tab_that_is_registering_does_not_bring_back_what_another_one_stops(
    place: Place, visitor: Visitor
) -> None:
    place.line.hold("/installations")
    installation = visitor.start(visitor.tab())
    wait_until(place.line.holds.is_set)
    visitor.page.evaluate("() => void openrate.stop()")
    visitor.page.wait_for_timeout(300)
    place.line.release()
    wait_until(lambda: len(place.facts(installation, "installed")) == 1)
    wait_until(lambda: place.installation(installation) is None)
    assert visitor.state() == NOBODY
