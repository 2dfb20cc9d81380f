"""The page of one campaign: its numbers, why they are so, and what may be done with it."""

from __future__ import annotations

import csv
import re
from typing import Any

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import axe_violations
from dashboard import Site, Visitor
from editor import Shop
from openrate.model import Role
from openrate.web.pages import why
from test_pages_campaigns import TEXT, create

SENT_AT = "2026-03-02T07:00:00Z"


def send(site: Site, token: str, version: str | None, sent: int, opened: int) -> None:
    """So many pushes of a version, the first of them tapped."""
    named = {} if version is None else {"version": version}
    events: list[dict[str, Any]] = []
    for number in range(sent):
        about = {"campaign_token": token, "installation_id": f"{version}{number}", "at": SENT_AT}
        events.append({"type": "push_sent", "opted_in": number % 2 == 0, **about, **named})
        if number < opened:
            events.append({"type": "push_open", **about})
    about = {"campaign_token": token, "installation_id": "gone", "at": SENT_AT, **named}
    events.append({"type": "push_error", "cause": "unregistered", **about})
    url = f"{site.address}/v1/{site.shop.live_key}/events"
    assert httpx.post(url, json=events, headers=site.api_headers).json()["rejected"] == 0


def figures(page: Page) -> dict[str, str]:
    return dict(
        zip(
            page.locator(".figure dt").all_inner_texts(),
            page.locator(".figure dd").all_inner_texts(),
            strict=True,
        )
    )


@pytest.fixture(scope="module")
def ab(site: Site) -> str:
    """A campaign of which 113 of 486 opened A, and 60 of 486 opened B."""
    token = create(site, "Two words", messages={"a": TEXT, "b": TEXT}, labels=["test"])
    send(site, token, "a", 486, 113)
    send(site, token, "b", 486, 60)
    return token


def test_the_page_shows_the_numbers_of_the_statistics_call(site: Site, ab: str, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.get_by_role("link", name="Two words").click()
    url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/stats/{ab}"
    (row,) = httpx.get(url, headers=site.api_headers).json()["detail"]
    assert figures(page) == {
        "Sent": str(row["sent"]),
        "Open rate": f"{100 * (row['direct_open'] + row['influenced_open']) / row['sent']:.1f} %",
        "Direct opens": str(row["direct_open"]),
        "Influenced opens": str(row["influenced_open"]),
        "Re-engaged": str(row["reengaged"]),
        "Errors": str(row["errors"]),
    }
    assert figures(page)["Open rate"] == "17.8 %"
    expect(page.locator(".funnel tr", has_text="Opted in")).to_contain_text("50.0 %")
    days = page.get_by_role("row", name=re.compile(row["date"]))
    expect(days).to_contain_text("972")


def test_a_and_b_are_compared_with_the_interval_of_their_difference(site: Site, ab: str, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{ab}")
    versions = page.get_by_role("region", name="A and B")
    expect(versions).to_contain_text("23.3 %")
    expect(versions).to_contain_text("12.3 %")
    expect(versions).to_contain_text("6.12 to 15.66 points")
    expect(versions).to_contain_text("A opens more often than B")


def test_the_chart_is_drawn_and_stands_in_a_table_as_well(site: Site, ab: str, page: Page) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    site.sign_in(page)
    page.goto(f"{site.address}/campaigns/{ab}")
    chart = page.get_by_role("region", name="By day").locator(".chart")
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart).to_contain_text("Open rate of B")
    assert problems == []


def test_the_numbers_change_while_somebody_looks(site: Site, page: Page) -> None:
    token = create(site, "Being sent")
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{token}")
    expect(page.get_by_text("Nothing has been sent yet")).to_be_visible()
    why = page.get_by_role("heading", name="Why these numbers")
    expect(why).to_have_count(0)
    send(site, token, None, 12, 3)
    expect(page.locator(".figure dd").first).to_have_text("12")
    chart = page.get_by_role("region", name="By day").locator("canvas")
    expect(chart).to_be_visible()
    expect(why).to_be_visible()
    hours = page.get_by_role("region", name="By hour").locator("canvas")
    expect(hours).to_be_visible()
    asked = page.get_by_label("The facts of one installation")
    asked.fill("None1")
    send(site, token, None, 20, 3)
    expect(page.locator(".figure dd").first).to_have_text("20")
    expect(chart).to_have_count(1)
    expect(why).to_have_count(1)
    expect(hours).to_have_count(1)
    expect(asked).to_have_value("None1")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "once it is live, it goes out on 2099-03-10 09:00 UTC (2099-03-10 10:00 in Europe/Paris)."),
        ({"push_time": "2026-03-10T09:00:00"}, "it goes out as soon as it is live."),
        (
            {"push_time": None, "local_push_time": "2099-03-10T09:00:00"},
            "it goes out on 2099-03-10 09:00, by the clock of each device.",
        ),
        ({"live": True}, "Nothing has been sent yet: it goes out on 2099-03-10 09:00 UTC"),
    ],
)
def test_what_was_not_sent_yet_says_when_it_is_and_has_no_numbers(
    site: Site, own: Shop, editor: Visitor, given: dict[str, Any], said: str
) -> None:
    about = {"live": False, "push_time": "2099-03-10T09:00:00"} | given
    token = create(site, "Not yet", own.app, **about)
    editor.client.cookies.set("openrate_zone", "Europe/Paris")
    text = editor.get(f"/campaigns/{token}").text
    assert said in text
    assert f'<a href="/campaigns/{token}/edit">Change when it goes out, and to whom</a>' in text
    for shown in ("From sent to opened", "By day", "Why these numbers"):
        assert shown not in text
    with site.client(Role.VIEWER) as viewer:
        assert f"/campaigns/{token}/edit" not in viewer.get(f"/campaigns/{token}").text


def test_axe_finds_nothing_wrong_where_nothing_was_sent_and_long_conditions_do_not_scroll_sideways(
    site: Site, own: Shop, browser: Browser
) -> None:
    query = {"$or": [{"c.city": "x" * 200}, {"t.likes": {"$in": ["tea", "y" * 60]}}]}
    about = {"live": False, "push_time": "2099-03-10T09:00:00", "targeting": {"query": query}}
    token = create(site, "Long conditions", own.app, **about)
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        site.sign_in(page, Role.EDITOR)
        page.goto(f"{site.address}/campaigns/{token}")
        page.get_by_text("As JSON").click()
        expect(page.get_by_text('{"$or":')).to_be_visible()
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_message_is_shown_as_it_looks_where_the_app_is_and_when_asked_for_elsewhere(
    site: Site, own: Shop, page: Page
) -> None:
    token = create(site, "Looks", own.app, live=False)
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{token}")
    shown = page.get_by_role("figure")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("On Android")
    page.get_by_text("The same on iOS and in a browser").click()
    expect(shown).to_have_count(3)


def test_what_is_stopped_before_it_was_sent_says_that_nothing_will_be(
    site: Site, own: Shop, editor: Visitor
) -> None:
    token = create(site, "Never", own.app, push_time="2099-03-10T09:00:00")
    editor.post(f"/campaigns/{token}/stop")
    text = editor.get(f"/campaigns/{token}").text
    assert "Nothing has been sent, and nothing will be while it is stopped." in text
    assert f'<a href="/campaigns/{token}/why">Why these numbers</a>' in text


def test_what_did_not_change_is_not_sent_again(site: Site, ab: str) -> None:
    with site.client(Role.VIEWER) as visitor:
        found = re.search(r'hx-get="([^"]+part/numbers[^"]+)"', visitor.get(f"/campaigns/{ab}").text)
        assert found
        assert visitor.get(found[1]).status_code == 204


def test_a_long_history_says_that_there_is_more_and_where(site: Site) -> None:
    token = create(site, "Changed often", push_time="2099-01-01T00:00:00")
    more = "These are the newest changes."
    with site.client(Role.EDITOR) as visitor:
        for number in range(49):
            visitor.post(f"/campaigns/{token}/{('stop', 'start')[number % 2]}")
        assert more not in visitor.get(f"/campaigns/{token}").text
        visitor.post(f"/campaigns/{token}/start")
        visitor.post(f"/campaigns/{token}/stop")
        shown = visitor.get(f"/campaigns/{token}").text
        assert shown.count("changed it") == 50
        assert more in shown
        assert "A manager sees all of them" in shown
    with site.client(Role.MANAGER) as visitor:
        assert f'<a href="/settings/audit?subject={token}">' in visitor.get(f"/campaigns/{token}").text


def test_files_are_named_after_the_campaign(site: Site, ab: str) -> None:
    with site.client(Role.VIEWER) as visitor:
        for name in ("days", "hours"):
            named = visitor.get(f"/campaigns/{ab}/{name}.csv").headers["content-disposition"]
            assert named == f'attachment; filename="{name}-{ab}.csv"'


def test_a_draft_for_at_once_goes_out_at_once_when_it_is_live(site: Site, own: Shop, editor: Visitor) -> None:
    at_once = create(site, "At once", own.app, live=False, push_time="now")
    past = create(site, "Past", own.app, live=False, push_time="2026-03-10T09:00:00")
    assert 'data-confirm="Make it live now? It goes out at once."' in editor.get(f"/campaigns/{at_once}").text
    assert "Make it live now? Its time is past" in editor.get(f"/campaigns/{past}").text


def test_a_campaign_is_stopped_made_live_again_and_deleted(site: Site, page: Page) -> None:
    token = create(site, "For a while", push_time="2099-01-01T00:00:00")
    site.sign_in(page, Role.EDITOR)
    page.goto(f"{site.address}/campaigns/{token}")
    page.on("dialog", lambda dialog: dialog.accept())
    for button, state in (("Stop", "stopped"), ("Make live", "scheduled")):
        page.get_by_role("button", name=button).click()
        expect(page.locator("#numbers .badge").first).to_have_text(state)
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("editor@acme.example changed it")
    expect(history).to_contain_text(re.compile("REST key \\d+ created it"))
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/campaigns")
    expect(page.get_by_text("For a while is deleted")).to_be_visible()
    with site.client() as visitor:
        assert visitor.get(f"/campaigns/{token}").status_code == 404


def test_what_a_viewer_may_not_do_is_not_shown_and_refused(site: Site, ab: str, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{ab}")
    for name in ("Stop", "Delete", "Edit", "Duplicate"):
        expect(page.get_by_text(name, exact=True)).to_have_count(0)
    with site.client(Role.VIEWER) as visitor:
        for path in ("start", "stop", "delete"):
            assert visitor.post(f"/campaigns/{ab}/{path}").status_code == 403


def test_another_company_finds_no_such_campaign(site: Site, ab: str) -> None:
    with site.client(company="rival") as visitor:
        assert visitor.get(f"/campaigns/{ab}").status_code == 404
        assert visitor.get(f"/campaigns/{ab}/part/numbers").status_code == 404
        assert visitor.post(f"/campaigns/{ab}/delete").status_code == 404


def test_the_curl_line_of_the_page_gives_the_numbers_of_the_page(site: Site, ab: str, page: Page) -> None:
    site.sign_in(page)
    page.goto(f"{site.address}/campaigns/{ab}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the curl line").click()
    line = page.evaluate("navigator.clipboard.readText()")
    url = line.rpartition(" ")[2]
    answer = httpx.get(url, headers=site.api_headers)
    assert msgspec.json.decode(answer.content)["detail"][0]["sent"] == 972


def test_the_csv_that_is_copied_says_what_the_table_says(site: Site, ab: str, page: Page) -> None:
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{ab}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    days = page.get_by_role("region", name="By day")
    days.get_by_role("button", name="Copy as CSV").click()
    expect(days.get_by_role("button", name="Copied")).to_be_visible()
    lines = list(csv.DictReader(page.evaluate("navigator.clipboard.readText()").splitlines()))
    shown = days.locator(".scroll tbody tr")
    assert len(lines) == shown.count() == 3
    for line, row in zip(lines, shown.all(), strict=True):
        assert [line["sent"], line["direct_open"]] == [
            row.locator("td").nth(column).inner_text() for column in (0, 2)
        ]
    hours = page.get_by_role("region", name="By hour")
    with page.expect_download() as saved:
        hours.get_by_role("link", name="Save as CSV").click()
    assert "2026-03-02T07:00" in saved.value.path().read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    site: Site, ab: str, browser: Browser, scheme: Any, width: int
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        site.sign_in(page)
        page.goto(f"{site.address}/campaigns/{ab}")
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_page_says_why_hour_by_hour_and_fact_by_fact(site: Site, page: Page) -> None:
    token = create(site, "Explained")
    send(site, token, None, 6, 2)
    send(site, token, None, 6, 2)
    url = f"{site.address}/v1/{site.shop.live_key}/events"
    orphan = {"type": "push_open", "campaign_token": token, "installation_id": "nobody", "at": SENT_AT}
    assert httpx.post(url, json=[orphan], headers=site.api_headers).json()["accepted"] == 1
    refused = orphan | {"at": "2099-01-01T00:00:00Z"}
    assert httpx.post(url, json=[refused], headers=site.api_headers).json()["rejected"] == 1
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{token}")
    rule = page.get_by_role("region", name="The rule")
    expect(rule).to_contain_text("within 3 hours after")
    facts = rule.locator("dl")
    for said in (
        "19 reports and taps",
        "9 of them: they say what another says",
        "1 tap of a push that nobody reported",
    ):
        expect(facts).to_contain_text(said)
    expect(page.get_by_role("region", name="Errors by cause")).to_contain_text("unregistered")
    hours = page.get_by_role("region", name="By hour")
    expect(hours.locator("canvas").first).to_be_visible()
    hours.get_by_text("The hours as a table").click()
    expect(hours.get_by_role("row").nth(1)).to_contain_text("2026-03-02 07:00")
    page.goto(f"{site.address}/campaigns/{token}/why")
    expect(page.get_by_role("heading", level=1)).to_have_text("Why these numbers")
    assert axe_violations(page) == []


def test_each_fact_of_an_installation_is_explained(site: Site, page: Page) -> None:
    token = create(site, "Explained one by one")
    url = f"{site.address}/v1/{site.shop.live_key}/events"
    phone = {"installation_id": "my-phone"}
    facts = [
        {"type": "push_sent", "campaign_token": token, "at": "2026-03-02T07:00:00Z", **phone},
        {"type": "app_open", "at": "2026-03-02T10:00:00.001Z", **phone},
        {"type": "push_open", "campaign_token": token, "at": "2026-03-02T12:00:41Z", **phone},
    ]
    assert httpx.post(url, json=facts, headers=site.api_headers).json()["accepted"] == 3
    site.sign_in(page, Role.VIEWER)
    page.goto(f"{site.address}/campaigns/{token}")
    page.get_by_label("The facts of one installation").fill("my-phone")
    page.get_by_role("button", name="Explain").click()
    rows = page.get_by_role("region", name="Installation my-phone").get_by_role("row")
    expect(rows).to_have_count(4)
    expect(rows.nth(1).locator(".badge")).to_have_text(["sent", "sent_optins"])
    expect(rows.nth(2)).to_contain_text("too late for influenced")
    expect(rows.nth(3)).to_contain_text("2026-03-02 12:00:41")
    expect(rows.nth(3).locator(".badge")).to_have_text(["direct_open"])
    assert axe_violations(page) == []
    page.goto(f"{site.address}/campaigns/{token}/why?installation=<b>nobody</b>")
    expect(page.get_by_text("has no facts about this installation")).to_be_visible()


def test_one_of_something_is_said_as_one(site: Site, own: Shop, editor: Visitor) -> None:
    token = create(site, "Alone", own.app, live=False, time_to_live=86400)
    fact = {"type": "push_error", "campaign_token": token, "installation_id": "only", "cause": "throttled"}
    url = f"{site.address}/v1/{own.app.live_key}/events"
    assert httpx.post(url, json=[fact], headers=site.api_headers).json()["accepted"] == 1
    assert "<dd>1 day</dd>" in re.sub(r"\s*\n\s*", "", editor.get(f"/campaigns/{token}").text)
    shown = editor.get(f"/campaigns/{token}/why?installation=only").text
    assert "Its one fact, and what it counts as for this campaign" in shown
    assert '1 <span class="dim">report or tap</span>' in shown


def test_the_facts_of_a_large_campaign_come_after_the_page_or_when_they_are_asked_for(
    site: Site, browser: Browser, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(why, "_AT_ONCE", 3)
    token = create(site, "Large")
    send(site, token, None, 4, 1)
    address = f"{site.address}/campaigns/{token}/why"
    with browser.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        site.sign_in(plain, Role.VIEWER)
        plain.goto(address + "?installation=None0")
        expect(plain.get_by_text("are being looked at")).to_be_visible()
        site.sign_in(page, Role.VIEWER)
        page.goto(address)
        expect(page.get_by_role("region", name="The rule").locator("dl")).to_contain_text(
            "6 reports and taps"
        )
        plain.get_by_role("link", name="Show them").click()
        expect(plain.get_by_role("region", name="The rule").locator("dl")).to_contain_text(
            "6 reports and taps"
        )
        expect(plain.get_by_role("region", name="Installation None0")).to_be_visible()
    with site.client(Role.VIEWER) as visitor:
        assert "are being looked at" not in visitor.client.get(f"/campaigns/{token}/why").text
