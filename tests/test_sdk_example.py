"""The example site, as somebody uses it."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from browser import axe_violations
from visitor import VAPID_KEY, Place, Visitor


@pytest.fixture
def shop(place: Place, visitor: Visitor) -> Page:
    """The site, opened by an address that says where the server is."""
    key = place.shop.keys["sdk_key"]
    visitor.page.goto(f"{place.site}?server={place.line.address}&sdkKey={key}&vapidKey={VAPID_KEY}")
    return visitor.page


def test_its_buttons_start_subscribe_and_stop(place: Place, visitor: Visitor, shop: Page) -> None:
    visitor.allow()
    shop.get_by_role("button", name="Subscribe").click()
    expect(shop.get_by_role("status")).to_contain_text("start() with a vapidKey first")
    shop.get_by_role("button", name="Start").click()
    expect(shop.locator("#registered")).to_have_text("yes")
    shop.get_by_role("button", name="Subscribe").click()
    expect(shop.locator("#subscribed")).to_have_text("yes")
    expect(shop.locator("#requests")).to_contain_text('POST /events → 200[{"type":"app_open"')
    installation = shop.locator("#installation").inner_text()
    assert place.installation(installation)
    shop.get_by_role("button", name="Stop").click()
    expect(shop.locator("#installation")).to_have_text("none")
    assert place.installation(installation) is None


def test_it_remembers_who_has_agreed_and_what_a_tap_is_about(place: Place, shop: Page) -> None:
    shop.get_by_role("button", name="Start").click()
    expect(shop.locator("#registered")).to_have_text("yes")
    installation = shop.locator("#installation").inner_text()
    shop.goto(f"{place.site}#sale")
    shop.reload()
    expect(shop.locator("#welcome")).to_have_text("You came for: sale")
    expect(shop.locator("#installation")).to_have_text(installation)


def test_it_shows_what_was_sent_without_secrets(shop: Page) -> None:
    shop.get_by_role("button", name="Start").click()
    expect(shop.locator("#requests")).to_contain_text('"installation_secret":"…"')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_has_no_barriers(shop: Page, scheme: Literal["light", "dark"], width: int) -> None:
    shop.emulate_media(color_scheme=scheme)
    shop.set_viewport_size({"width": width, "height": 800})
    shop.get_by_role("button", name="Start").click()
    expect(shop.locator("#requests li")).to_have_count(2)
    assert axe_violations(shop) == []
    assert shop.evaluate("document.documentElement.scrollWidth") <= width
