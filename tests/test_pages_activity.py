"""The page about what happens just now."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import axe_violations
from dashboard import Site
from openrate.model import Role
from test_pages_campaigns import create


def figure(page: Page, name: str) -> Any:
    return page.locator(".figure", has=page.get_by_text(name, exact=True)).locator("dd")


def test_what_comes_and_what_is_refused_appears_while_somebody_looks(site: Site, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.goto(site.address + "/activity")
    expect(page.get_by_text("Nothing was refused")).to_be_visible()
    sent = {"type": "push_sent", "campaign_token": create(site, "Busy"), "installation_id": "i1"}
    failed = {**sent, "type": "push_error", "installation_id": "i2", "cause": "throttled"}
    url = f"{site.address}/v1/{site.shop.live_key}/events"
    assert httpx.post(
        url, json=[sent, sent, failed, {"type": "nothing"}], headers=site.api_headers
    ).is_success
    assert httpx.post(url, json=[sent]).status_code == 401
    expect(figure(page, "Facts in the last hour")).to_have_text("3")
    expect(figure(page, "The oldest of them")).to_have_text("all are counted")
    refused = page.get_by_role("region", name="Refused")
    expect(refused.get_by_role("row", name="unknown_type")).to_contain_text("1")
    expect(refused.get_by_role("row", name="AUTHENTICATION_INVALID")).to_contain_text("1")
    expect(page.get_by_role("region", name="Providers")).to_contain_text("2 sent, 1 throttled")
    expect(page.locator(".chart canvas")).to_be_visible()


def test_what_somebody_has_opened_stays_open_when_new_numbers_come(site: Site, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.goto(site.address + "/activity")
    table = page.get_by_role("region", name="Facts by minute").locator("details table")
    expect(table).to_be_hidden()
    page.get_by_text("The last hour as a table").click()
    before = figure(page, "Facts in the last hour").inner_text()
    sent = {"type": "push_sent", "campaign_token": create(site, "Watched"), "installation_id": "i1"}
    url = f"{site.address}/v1/{site.shop.live_key}/events"
    assert httpx.post(url, json=sent, headers=site.api_headers).is_success
    expect(figure(page, "Facts in the last hour")).not_to_have_text(before)
    expect(table).to_be_visible()


def test_a_company_sees_nothing_of_what_others_do(site: Site) -> None:
    with site.client(Role.VIEWER, company="rival") as visitor:
        text = visitor.get("/activity").text
    assert "News" in text
    assert "Shop" not in text
    assert "unknown_type" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    site: Site, browser: Browser, scheme: Any
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        site.sign_in(page)
        page.goto(site.address + "/activity")
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360
