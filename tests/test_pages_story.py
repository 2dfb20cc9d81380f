"""The whole way on the pages: from the keys to an A/B campaign whose numbers come while it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import Site, serving_pages
from openrate.model import Role

PHONES = 400


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Site]:
    """A server whose sender is at work, and an app with installations that nobody sends for yet."""
    with serving_pages(tmp_path, sends=True) as site:
        phones = [json.dumps({"installation_id": f"p{n}", "push_token": f"t{n}"}) for n in range(PHONES)]
        answer = httpx.post(
            f"{site.address}/v1/{site.shop.live_key}/installations/import",
            content="\n".join(phones),
            headers=site.api_headers | {"Content-Type": "application/x-ndjson"},
        )
        assert answer.json()["accepted"] == PHONES, answer.text
        yield site


def let_openrate_send(page: Page) -> None:
    """Give the app a sender, and credentials that need no account."""
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Shop", exact=True).click()
    page.get_by_label("I mean it").check()
    page.get_by_role("button", name="Let Openrate send").click()
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("link", name="Set credentials").click()
    page.get_by_role("button", name="Use the stub").click()
    expect(page.get_by_text("stub").first).to_be_visible()


def create_ab_campaign(page: Page) -> None:
    page.get_by_role("link", name="Campaigns", exact=True).click()
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Name", exact=True).fill("Two words for it")
    page.get_by_label("A/B").check()
    for version, text in (("A", "It has begun."), ("B", "Come and see.")):
        message = page.locator(f"#message-{version.lower()}-0")
        message.get_by_label("Text").fill(text)
    page.get_by_label("At once").check()
    page.get_by_label("Draft").check()
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two words for it")


def taps(site: Site, token: str) -> None:
    """Every eighth phone taps, as soon as it has got the push."""
    events = [
        {"type": "push_open", "campaign_token": token, "installation_id": f"p{n}"}
        for n in range(0, PHONES, 8)
    ]
    url = f"{site.address}/v1/{site.shop.live_key}/events"
    assert httpx.post(url, json=events, headers=site.api_headers).json()["accepted"] == len(events)


def test_from_the_keys_to_numbers_that_come_while_somebody_looks(
    sending: Site, page: Page, browser: Browser
) -> None:
    sending.sign_in(page)
    let_openrate_send(page)
    create_ab_campaign(page)
    token = page.url.rpartition("/")[2]
    with browser.new_context() as elsewhere:
        viewer = elsewhere.new_page()
        sending.sign_in(viewer, Role.VIEWER)
        viewer.goto(page.url)
        expect(viewer.get_by_text("Nothing has been sent yet")).to_be_visible()
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Make live").click()
        expect(viewer.locator(".figure dd").first).to_have_text(str(PHONES), timeout=20_000)
        expect(viewer.get_by_role("region", name="By day").locator("canvas")).to_be_visible()
        taps(sending, token)
        expect(viewer.locator(".figure", has_text="Direct opens").locator("dd")).to_have_text(
            str(PHONES // 8), timeout=10_000
        )
        expect(viewer.get_by_role("region", name="A and B")).to_contain_text("points")
        assert viewer.goto(f"{sending.address}/settings/keys").status == 403  # type: ignore[union-attr]  # there is one
    (row,) = httpx.get(
        f"{sending.address}/1.1/{sending.shop.live_key}/campaigns/stats/{token}", headers=sending.api_headers
    ).json()["detail"]
    assert (row["sent"], row["direct_open"]) == (PHONES, PHONES // 8)
    assert sum(row["versions"][name]["sent"] for name in "ab") == PHONES


def test_a_key_that_is_rotated_on_the_page_opens_nothing_any_more(sending: Site, page: Page) -> None:
    url = f"{sending.address}/1.1/{sending.shop.live_key}/campaigns/list"
    assert httpx.get(url, headers=sending.api_headers).status_code == 200
    sending.sign_in(page)
    page.goto(sending.address + "/settings/keys")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Rotate REST key 1").click()
    shown = page.locator("[data-copy]").first
    expect(shown).to_be_visible()
    key = shown.get_attribute("data-copy")
    assert key
    assert httpx.get(url, headers=sending.api_headers).status_code == 401
    assert httpx.get(url, headers={"X-Authorization": key}).status_code == 200
    page.reload()
    assert key not in page.content()


def test_a_test_from_the_page_of_a_campaign_goes_to_one_device_and_counts_nowhere(
    sending: Site, page: Page
) -> None:
    sending.sign_in(page)
    let_openrate_send(page)
    create_ab_campaign(page)
    page.get_by_role("textbox", name="Installation", exact=True).fill("p7")
    page.get_by_label("Version").select_option("b")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status").first).to_contain_text("p7")
    expect(page.get_by_text("Nothing has been sent yet")).to_be_visible()
