"""Facts in the browser SDK wait until the server has them: through lost answers, refusals and pages that are left."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
from playwright.sync_api import BrowserContext, Page, Route

from openrate.times import parse_rfc3339
from sending import wait_until
from visitor import Place, Visitor

EVENTS = "**/v1/*/events"
_FILL = """([campaign_token, number]) => new Promise((resolve) => {
  indexedDB.open("openrate").onsuccess = ({ target }) => {
    const facts = target.result.transaction("facts", "readwrite").objectStore("facts");
    const at = new Date().toISOString();
    for (let n = 0; n < number; n++) facts.add({ type: "push_open", campaign_token, send_id: "n" + n, at });
    facts.transaction.oncomplete = resolve;
  };
})"""
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}


def tap(visitor: Visitor, campaign_token: str, send_id: str) -> None:
    """Report a tap from the page, as the service worker does."""
    fact = {"type": "push_open", "campaign_token": campaign_token, "send_id": send_id}
    visitor.page.evaluate("(fact) => openrate.report(fact)", fact)


def go_online(page: Page) -> None:
    page.evaluate("() => void dispatchEvent(new Event('online'))")


def test_a_report_whose_answer_was_lost_is_repeated_as_it_was_and_counts_once(
    place: Place, visitor: Visitor
) -> None:
    installation = visitor.start()
    place.wait_for(visitor)
    token = place.shop.campaign(place.server)
    sent = {"type": "push_sent", "campaign_token": token, "installation_id": installation, "send_id": "first"}
    place.shop.report(place.server, [sent | {"at": "2026-03-10T10:00:00.000Z"}])
    reports = []

    def lose_the_first_answer(route: Route) -> None:
        reports.append(route.request.post_data)
        answer = route.fetch()
        if len(reports) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    visitor.context.route(EVENTS, lose_the_first_answer)
    tap(visitor, token, "first")
    assert visitor.state()["waiting"] == 1
    visitor.page.wait_for_timeout(20)
    go_online(visitor.page)
    place.wait_for(visitor)
    assert len(reports) == 2
    assert reports[0] == reports[1]
    assert place.shop.stats(place.server, token)["detail"][0]["direct_open"] == 1
    assert len(place.facts(installation, "push_open")) == 1


def test_an_open_is_not_lost_when_the_page_is_left_at_once(place: Place, visitor: Visitor) -> None:
    installation = visitor.start()
    visitor.page.goto("about:blank")
    left = time.time() * 1000
    visitor.page = visitor.tab()
    assert visitor.start() == installation
    place.wait_for(visitor)
    (fact,) = place.facts(installation, "app_open")
    at = parse_rfc3339(fact["at"])
    assert at
    assert at <= left


def test_a_report_under_way_arrives_although_the_page_is_closed(place: Place, visitor: Visitor) -> None:
    place.line.hold("/events")
    installation = visitor.start()
    wait_until(place.line.holds.is_set)
    visitor.page.close()
    time.sleep(0.5)  # what dies with the page is dead by then
    place.line.release()
    wait_until(lambda: len(place.facts(installation, "app_open")) == 1)


def test_the_server_is_left_alone_for_as_long_as_it_says(place: Place, context: BrowserContext) -> None:
    context.clock.install()
    visitor = place.visitor(context)
    visitor.start()
    place.wait_for(visitor)
    asked = []

    def refuse(route: Route) -> None:
        asked.append(route)
        route.fulfill(status=429, headers=_CORS | {"Retry-After": "600"}, body="Too many requests")

    context.route(EVENTS, refuse)
    tap(visitor, place.shop.campaign(place.server), "first")
    context.clock.fast_forward("05:00")
    visitor.show("visible")
    go_online(visitor.tab())
    visitor.page.wait_for_timeout(200)
    assert len(asked) == 1
    context.unroute(EVENTS)
    context.clock.fast_forward("06:00")
    place.wait_for(visitor)


def test_an_installation_that_the_server_has_lost_registers_anew(place: Place, visitor: Visitor) -> None:
    installation = visitor.start()
    place.wait_for(visitor)
    headers = {"X-Authorization": place.shop.keys["rest_api_key"]}
    path = f"/v1/{place.shop.keys['live_key']}/installations/{installation}"
    assert httpx.delete(place.server.address + path, headers=headers).status_code == 200
    tap(visitor, place.shop.campaign(place.server), "first")
    place.wait_for(visitor, installationId=installation)
    assert place.installation(installation)
    assert len(place.facts(installation, "push_open")) == 1


def test_a_fact_that_is_refused_is_dropped_and_the_others_are_taken(place: Place, visitor: Visitor) -> None:
    installation = visitor.start()
    place.line.cut()
    for token in ("of no campaign", place.shop.campaign(place.server)):
        tap(visitor, token, "first")
    place.line.mend()
    go_online(visitor.page)
    place.wait_for(visitor)
    assert len(place.facts(installation, "push_open")) == 1


def test_of_more_facts_than_are_kept_the_oldest_are_dropped(place: Place, visitor: Visitor) -> None:
    installation = visitor.start()
    place.wait_for(visitor)
    token = place.shop.campaign(place.server)
    place.line.cut()
    visitor.page.evaluate(_FILL, [token, 999])
    for send_id in ("first", "second", "third"):
        tap(visitor, token, send_id)
    assert visitor.state()["waiting"] == 1000
    place.line.mend()
    go_online(visitor.page)
    wait_until(lambda: visitor.state()["waiting"] == 0)
    sends = {fact["send_id"] for fact in place.facts(installation, "push_open")}
    assert sends == {*(f"n{n}" for n in range(2, 999)), "first", "second", "third"}


def test_a_wrong_clock_is_corrected(place: Place, context: BrowserContext) -> None:
    context.clock.install(time=datetime.now(UTC) - timedelta(days=2))
    visitor = place.visitor(context)
    installation = visitor.start()
    place.wait_for(visitor)
    (fact,) = place.facts(installation, "app_open")
    at = parse_rfc3339(fact["at"])
    assert at
    assert abs(at - time.time() * 1000) < 60_000


def test_a_server_that_is_gone_holds_up_nothing_for_the_next_one(place: Place, visitor: Visitor) -> None:
    live = visitor.start()
    place.wait_for(visitor)
    gone = f"**/v1/{place.shop.keys['sdk_key']}/**"
    visitor.context.route(gone, lambda route: route.abort())
    test = visitor.start(sdkKey=place.shop.keys["dev_key"])
    place.wait_for(visitor, installationId=test)
    assert place.installation(live) is not None
    visitor.context.unroute(gone)
    go_online(visitor.page)
    wait_until(lambda: place.installation(live) is None)


def test_a_page_whose_data_are_cleared_goes_on_as_another_installation(
    place: Place, visitor: Visitor
) -> None:
    before = visitor.start()
    place.wait_for(visitor)
    session = visitor.context.new_cdp_session(visitor.page)
    origin = visitor.page.evaluate("() => location.origin")
    session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "indexeddb"})
    after = visitor.start()
    assert after not in {before, None}
    place.wait_for(visitor, installationId=after)


def test_the_installation_of_another_server_or_app_is_left_behind(place: Place, visitor: Visitor) -> None:
    live = visitor.start()
    place.wait_for(visitor)
    test = visitor.start(sdkKey=place.shop.keys["dev_key"])
    place.wait_for(visitor, installationId=test)
    assert test != live
    wait_until(lambda: place.installation(live) is None)
