"""The page about the installations of a company's apps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import axe_violations
from dashboard import Site
from openrate.model import Role


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    """Three French and one English installation, one of which does not allow notifications."""
    people = [("fr", True), ("fr-CA", True), ("fr", False), ("en", True)]
    for number, (language, opted_in) in enumerate(people):
        given = {
            "platform": "ios",
            "language": language,
            "opted_in": opted_in,
            "push_token": f"token-{number}",
        }
        url = f"{site.address}/v1/{site.shop.live_key}/installations"
        assert httpx.post(url, json=given).status_code == 201
    return site


def figure(page: Page, name: str) -> Any:
    return page.locator(".figure", has=page.get_by_text(name, exact=True)).locator("dd")


def test_an_app_without_installations_says_how_they_come(site: Site, page: Page) -> None:
    site.sign_in(page, Role.VIEWER, company="rival")
    page.goto(site.address + "/audience")
    expect(page.locator("pre")).to_contain_text(f"/v1/{site.rival.live_key}/installations")
    assert axe_violations(page) == []


def test_installations_are_counted_by_what_they_are(filled: Site, page: Page) -> None:
    filled.sign_in(page, Role.VIEWER)
    page.goto(filled.address + "/audience")
    expect(figure(page, "Installations")).to_have_text("4")
    expect(figure(page, "Opted in")).to_contain_text("75.0 %")
    languages = page.get_by_role("region", name="Languages")
    expect(languages.get_by_role("row", name="fr")).to_contain_text("3")
    expect(page.get_by_role("region", name="Platforms").get_by_role("row", name="ios")).to_contain_text("4")
    expect(
        page.get_by_role("region", name="Segments").get_by_role("row").filter(has_text="IMPORTED")
    ).to_be_visible()
    time = page.get_by_role("region", name="Over time")
    expect(time.locator("canvas")).to_be_visible()
    time.get_by_text("The days as a table").click()
    expect(time.get_by_role("row").nth(1).locator("td")).to_have_text(["4", "3", "4"])


def test_who_registers_while_somebody_looks_is_counted(filled: Site, page: Page) -> None:
    filled.sign_in(page, Role.VIEWER)
    page.goto(filled.address + "/audience")
    before = int(figure(page, "Installations").inner_text())
    url = f"{filled.address}/v1/{filled.shop.live_key}/installations"
    assert httpx.post(url, json={"platform": "ios"}).status_code == 201
    expect(figure(page, "Installations")).to_have_text(str(before + 1), timeout=15_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    filled: Site, browser: Browser, scheme: Any
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        filled.sign_in(page)
        page.goto(filled.address + "/audience")
        expect(figure(page, "Installations")).to_be_visible()
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360
