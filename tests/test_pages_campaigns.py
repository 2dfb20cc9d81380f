"""The list of campaigns as people see and use it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import axe_violations
from dashboard import Site, serving_pages
from openrate.compose.server import read_lists
from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.folder import DataFolder
from openrate.model import App, Role
from openrate.overview import Wanted
from openrate.storage.summaries import Summaries

TEXT = [{"body": "There is something to see."}]


def create(site: Site, name: str, app: App | None = None, **more: Any) -> str:
    """A campaign by the HTTP interface; its token."""
    given = {"name": name, "live": True, "push_time": "2026-03-02T07:00:00", "messages": TEXT} | more
    url = f"{site.address}/1.1/{(app or site.shop).live_key}/campaigns/create"
    answer = httpx.post(url, json=given, headers=site.api_headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["campaign_token"])


def report(site: Site, token: str, sent: int, opened: int) -> None:
    """So many pushes on one day, the first of them tapped."""
    events = [
        {"type": kind, "campaign_token": token, "installation_id": f"i{number}", "at": "2026-03-02T07:00:00Z"}
        for kind, count in (("push_sent", sent), ("push_open", opened))
        for number in range(count)
    ]
    answer = httpx.post(
        f"{site.address}/v1/{site.shop.live_key}/events", json=events, headers=site.api_headers
    )
    assert answer.json()["rejected"] == 0, answer.text


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    """A few campaigns that differ in everything the list shows."""
    report(site, create(site, "Spring sale", labels=["sale"]), 40, 10)
    report(site, create(site, "Autumn sale", labels=["sale", "late"], messages={"a": TEXT, "b": TEXT}), 0, 0)
    report(site, create(site, "Morning news", labels=["news"]), 80, 4)
    create(site, "Not yet", live=False)
    create(site, "Soon", push_time="2099-01-01T00:00:00")
    return site


def test_a_server_that_starts_reads_the_lists_of_those_who_are_signed_in_before_they_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_pages(tmp_path) as before:
        create(before, "Spring sale")
        with before.client():
            pass
    with closing(Parts(Settings(data=tmp_path), DataFolder(tmp_path))) as started:
        read_lists(started)
        monkeypatch.setattr(Summaries, "_read", None)  # from now on it cannot
        (line,) = started.overview.page(before.shop.company_id, Wanted()).lines
        assert line.campaign.parameters["name"] == "Spring sale"
        with pytest.raises(TypeError):
            started.overview.page(before.rival.company_id, Wanted())


def names(page: Page) -> list[str]:
    return page.locator("tbody td.name a").all_inner_texts()


def test_a_company_without_campaigns_is_shown_three_lines_that_work(site: Site, page: Page) -> None:
    site.sign_in(page, company="rival")
    lines = page.locator("pre").all_inner_texts()
    assert len(lines) == 3
    assert all(site.rival.live_key in line for line in lines)
    assert axe_violations(page) == []


def test_the_list_shows_what_was_sent_and_opened_newest_first(filled: Site, page: Page) -> None:
    filled.sign_in(page)
    assert names(page) == ["Soon", "Not yet", "Morning news", "Autumn sale", "Spring sale"]
    row = page.locator("tbody tr", has_text="Spring sale")
    expect(row).to_contain_text("completed")
    expect(row.locator("td.num")).to_have_text(["40", "25.0 %"])
    expect(page.locator("tbody tr", has_text="Autumn sale").locator("td.num")).to_have_text(["0", "—"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=SALE", ["Autumn sale", "Spring sale"]),
        ("q=sale+spr", ["Spring sale"]),
        ("label=news", ["Morning news"]),
        ("label=sale&label=late", ["Autumn sale"]),
        ("state=draft", ["Not yet"]),
        ("state=scheduled&state=draft", ["Soon", "Not yet"]),
        ("versions=yes", ["Autumn sale"]),
        ("sort=name&order=up", ["Autumn sale", "Morning news", "Not yet", "Soon", "Spring sale"]),
        ("sort=sent&state=completed", ["Morning news", "Spring sale", "Autumn sale"]),
        ("sort=open_rate&state=completed&order=up", ["Autumn sale", "Morning news", "Spring sale"]),
        ("q=nothing+like+it", []),
        ("page=99999999999999999999&sort=x&order=y&state=z&versions=w&app=v&q=news", ["Morning news"]),
    ],
)
def test_the_list_is_searched_filtered_and_sorted(filled: Site, query: str, found: list[str]) -> None:
    with filled.client(Role.VIEWER) as visitor:
        text = visitor.get(f"/campaigns?{query}").text
    assert re.findall(r'<td class="name"><a href="[^"]+">([^<]+)', text) == found


def test_a_filter_counts_as_soon_as_it_is_chosen_and_a_search_with_enter(filled: Site, page: Page) -> None:
    filled.sign_in(page, Role.VIEWER)
    page.get_by_label("State").select_option("completed")
    page.wait_for_url("**state=completed**")
    page.get_by_label("Search").fill("sale")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=sale**")
    assert names(page) == ["Autumn sale", "Spring sale"]
    page.get_by_role("link", name="Sent").click()
    page.wait_for_url("**sort=sent**")
    assert names(page) == ["Spring sale", "Autumn sale"]
    page.get_by_role("link", name="All campaigns").click()
    expect(page.locator("tbody tr")).to_have_count(5)


def test_without_scripts_the_filters_have_a_button(filled: Site, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        filled.sign_in(page, Role.VIEWER)
        page.get_by_label("Label").select_option("news")
        page.get_by_role("button", name="Show").click()
        assert names(page) == ["Morning news"]


def test_the_list_draws_itself_anew_when_something_happens(filled: Site, page: Page) -> None:
    filled.sign_in(page, Role.VIEWER)
    page.goto(filled.address + "/campaigns?q=Flash")
    token = create(filled, "Flash")
    row = page.locator("tbody tr", has_text="Flash")
    expect(row.locator("td.num").first).to_have_text("0")
    report(filled, token, 7, 7)
    expect(row.locator("td.num")).to_have_text(["7", "100.0 %"])
    with filled.client() as visitor:
        url = f"/1.1/{filled.shop.live_key}/campaigns/delete/{token}"
        assert httpx.post(filled.address + url, headers=filled.api_headers).status_code == 200
        seen = re.search(r"seen=([^&\"]+)", visitor.get("/campaigns").text)
        assert seen
        assert visitor.get(f"/campaigns/part/list?seen={seen[1]}").status_code == 204
    expect(row).to_have_count(0)


def test_the_list_shows_only_the_companys_own(filled: Site) -> None:
    with filled.client(company="rival") as visitor:
        for path in (
            "/campaigns",
            "/campaigns?q=sale",
            f"/campaigns?app={filled.shop.live_key}",
            "/campaigns/part/list",
        ):
            answer = visitor.get(path)
            assert (answer.status_code, "sale</a>" in answer.text) == (200, False), path


def test_a_browser_at_a_wrong_address_gets_a_page_and_a_program_gets_json(site: Site, page: Page) -> None:
    page.goto(site.address + "/campaing")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("There is no such page.")
    assert httpx.get(site.address + "/campaing").json()["code"] == 20
    wanted = {"Accept": "text/html"}
    assert httpx.get(site.address + "/1.1/x/campaign", headers=wanted).json()["code"] == 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    filled: Site, browser: Browser, scheme: Any, width: int
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        filled.sign_in(page)
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
