"""Pages that ask by themselves, while the server does not answer."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from browser import axe_violations
from dashboard import Site
from editor import Shop, box
from openrate.model import Role
from test_pages_campaigns import create, report

SAID = re.compile(
    r"^Not updated since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: "
    r"the server does not answer\. It is tried again by itself\.$"
)
POLLS = re.compile("/part/")
PATIENCE_MS = 20_000
"""The slowest of these pages asks every five seconds, and says something after two."""


@pytest.mark.parametrize("name", ["campaigns", "campaign", "audience", "activity", "first"])
def test_a_page_says_that_its_numbers_are_old_until_the_server_answers_again(
    site: Site, page: Page, name: str
) -> None:
    paths = {
        "campaigns": "/campaigns",
        "campaign": f"/campaigns/{create(site, 'Looked at')}",
        "first": f"/settings/apps/{site.shop.live_key}/first",
    }
    site.sign_in(page)
    page.goto(site.address + paths.get(name, f"/{name}"))
    page.route(POLLS, lambda route: route.abort())
    old = page.get_by_role("status").filter(has_text="Not updated since")
    expect(old).to_have_text(SAID, timeout=PATIENCE_MS)
    expect(old).to_be_in_viewport()
    since = old.inner_text()
    page.wait_for_timeout(2_500)
    assert old.inner_text() == since
    page.unroute(POLLS)
    expect(old).to_have_count(0, timeout=PATIENCE_MS)


def test_what_was_shown_stays_when_the_server_answers_that_it_failed(site: Site, page: Page) -> None:
    def fail(route: Route) -> None:
        route.fulfill(status=503, content_type="text/html", body="<h1>The server failed</h1>")

    create(site, "Still there")
    site.sign_in(page, Role.VIEWER)
    page.route(POLLS, fail)
    old = page.get_by_role("status").filter(has_text="Not updated since")
    expect(old).to_contain_text(": the server answers with an error (503). It is tried again by itself.")
    expect(page.get_by_role("link", name="Still there").first).to_be_visible()
    expect(page.get_by_text("The server failed")).to_have_count(0)
    assert axe_violations(page) == []
    page.unroute(POLLS)
    create(site, "New since then")
    expect(page.get_by_role("link", name="New since then")).to_be_visible()
    expect(old).to_have_count(0)


def test_one_answer_that_does_not_come_is_not_worth_a_word(site: Site, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.goto(site.address + "/activity")
    page.route(POLLS, lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        pass
    with page.expect_response(POLLS):
        pass
    expect(page.get_by_role("status")).to_have_text("")


def test_the_page_of_a_campaign_that_is_deleted_says_so(site: Site, page: Page) -> None:
    token = create(site, "Not for long")
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{token}")
    url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/delete/{token}"
    assert httpx.post(url, headers=site.api_headers).status_code == 200
    expect(page.get_by_role("alert")).to_contain_text("There is no such campaign here", timeout=PATIENCE_MS)
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", name="Not for long")).to_have_count(0)


# What follows the typing


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, "the server does not answer"),
        (503, "the server answers with an error (503)"),
        (404, "the server refuses what it is asked (404)"),
    ],
)
def test_the_editor_says_that_it_does_not_follow_and_keeps_what_it_showed(
    site: Site, own: Shop, page: Page, status: int | None, reason: str
) -> None:
    def fail(route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
        elif status:
            route.fulfill(status=status, content_type="text/html", body="<h1>The server failed</h1>")
        else:
            route.abort()

    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    box(page, "name").fill("Spring sale")
    summary = page.locator("#summary")
    expect(summary).to_contain_text("Still to do: Text: messages[0].body is missing")
    page.route("**/campaigns/new**", fail)
    box(page, "messages.a[0].body").fill("Two days only")
    said = page.get_by_role("status").filter(has_text="does not follow")
    expect(said).to_have_text(
        f"The page does not follow what you type: {reason}. What you typed is still here."
    )
    expect(summary).to_contain_text("Still to do: Text: messages[0].body is missing")
    expect(page.get_by_text("The server failed")).to_have_count(0)
    page.unroute("**/campaigns/new**")
    box(page, "messages.a[0].body").fill("Three days only")
    expect(summary).to_contain_text("Nothing is sent before it is live.")
    expect(said).to_have_count(0)


def test_quick_typing_is_no_failure(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    slow = {"offline": False, "latency": 800, "downloadThroughput": -1, "uploadThroughput": -1}
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    browser.send("Network.emulateNetworkConditions", slow)
    box(page, "name").press_sequentially("Spring sale", delay=500)
    assert page.locator(".old").count() == 0
    expect(page.locator("#summary")).to_contain_text("Still to do: Text: messages[0].body is missing")


def test_a_part_that_could_not_be_loaded_is_missed(site: Site, page: Page) -> None:
    token = create(site, "Asked about")
    report(site, token, 2, 1)
    site.sign_in(page, Role.VIEWER)
    page.route("**/part/why", lambda route: route.abort())
    page.goto(f"{site.address}/campaigns/{token}")
    expect(page.locator(".old")).to_have_text(
        "A part of this page is missing: the server does not answer. Load the page again."
    )
