"""Pages on the narrowest phone: 320 pixels, which is also a page at 400 % on a desk (WCAG 2.2, "Reflow")."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import Site
from editor import BY, create
from openrate import companies
from openrate.model import App, Platform, Sender

WIDTH = 320


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    """A campaign with numbers and a history, installations, and a list with a name that has no spaces."""
    url, headers = f"{site.address}/v1/{site.shop.live_key}", site.api_headers
    for number, language in enumerate(("fr", "pt-BR", "zh-Hant-TW")):
        given = {"platform": "ios", "language": language, "region": "FR", "push_token": f"token-{number}"}
        assert httpx.post(f"{url}/installations", json=given).status_code == 201
    site.parts.records.put_audience(site.shop.id, False, "everybody-who-bought-something", ["phone-1"], 0)
    versions = {version: [{"title": "It has begun", "body": "Come and see"}] for version in "ab"}
    name = "Spring-sale-for-everybody-who-bought-something"
    token = create(site, site.shop, name=name, messages=versions, push_time="2026-03-10T09:00:00")
    told = {"campaign_token": token, "at": "2026-03-10T09:00:00Z"}
    facts = [
        {"type": "push_sent", "installation_id": f"i{n}", "version": "ab"[n % 2], **told} for n in range(6)
    ]
    facts += [{"type": "push_error", "installation_id": "i7", "version": "a", "cause": "throttled", **told}]
    facts += [{"type": "push_open", "installation_id": f"i{n}", **told} for n in range(3)]
    assert httpx.post(f"{url}/events", json=facts, headers=headers).json()["accepted"] == len(facts)
    site.parts.log.settle()
    return token


@pytest.fixture(scope="module")
def empty(site: Site) -> App:
    """An app with a long name that has nobody yet."""
    name = "Everything for the house and the garden"
    return companies.create_app(site.parts.records, "Acme", name, Platform.WEB, Sender.OPENRATE, BY).app


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": WIDTH, "height": 640}) as context:
        yield context.new_page()


def test_no_page_scrolls_sideways(site: Site, token: str, empty: App, phone: Page) -> None:
    site.sign_in(phone)
    app = f"/settings/apps/{site.shop.live_key}"
    for path in (
        "/campaigns",
        f"/campaigns/{token}",
        f"/campaigns/{token}/why?installation=i1",
        f"/campaigns/{token}/edit",
        "/campaigns/new",
        f"/campaigns/new?app={empty.live_key}",
        f"/audience?app={empty.live_key}",
        "/audience",
        "/activity",
        "/settings",
        app,
        app + "/first",
        app + "/credentials",
        "/settings/keys",
        "/settings/providers",
        "/settings/windows",
        "/settings/people",
        "/settings/audit",
        "/account",
        "/nothing",
    ):
        phone.goto(site.address + path)
        if path == "/audience":
            expect(phone.get_by_role("region", name="Named lists")).to_be_visible()
        phone.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
        assert (path, phone.evaluate("document.documentElement.scrollWidth")) == (path, WIDTH)


def test_what_the_facts_of_an_installation_count_is_in_sight(site: Site, token: str, phone: Page) -> None:
    site.sign_in(phone)
    phone.goto(f"{site.address}/campaigns/{token}/why?installation=i1")
    facts = phone.get_by_role("region", name="Installation i1").locator(".scroll")
    expect(facts.get_by_text("direct_open", exact=True)).to_be_visible()
    assert facts.evaluate("(box) => box.scrollWidth - box.clientWidth") == 0


@pytest.mark.parametrize("width", [WIDTH, 390, 1200])
def test_the_commands_for_who_cannot_sign_in_are_broken_between_their_options(
    site: Site, browser: Browser, width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(site.address + "/sign-in")
        commands = page.locator("code")
        expect(commands).to_have_text(
            [
                "openrate user set --email … --password --data …",
                "openrate user create --company … --email … --data …",
            ]
        )
        for option in commands.locator("span").all():
            assert option.evaluate("(span) => span.getClientRects().length") == 1
        assert page.evaluate("document.documentElement.scrollWidth") == width
