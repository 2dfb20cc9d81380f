"""What is wrong with a campaign is said beside its field."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from playwright.sync_api import Page, expect

from browser import axe_violations
from dashboard import Site, Visitor
from editor import Shop, box, form_of, save
from openrate.model import Role
from openrate.web.pages.edit.kinds import MESSAGE
from openrate.web.pages.edit.problems import LABELS

# What is wrong


WRONG = [
    ("name", {"name": ""}),
    ("name", {"name": "ab"}),
    ("name", {"name": "x" * 1_001}),
    ("name", {"name": "Spring\0sale"}),
    ("messages", {"messages.a[0].body": "Two\0days"}),
    ("live", {"live": ""}),
    ("messages.a[0].body", {"messages.a[0].body": ""}),
    ("messages.a[5].body", {"messages.a[5].body": "", "messages.a[5].title": "x"}),
    ("messages.a[0].title", {"messages.a[0].title": "x" * 10_001}),
    ("messages.a[0].language", {"messages.a[0].language": "x" * 65}),
    ("messages.b[3].body", {"kind": "ab", "messages.b[3].body": ""}),
    ("messages", {"kind": "ab"}),
    ("labels", {"labels[0]": "x" * 1_001}),
    ("push_time", {"push_time": ""}),
    ("push_time", {"push_time": "tomorrow"}),
    ("push_time", {"push_time": "2026-02-30T10:00"}),
    ("push_time", {"when": "local", "push_time": "2026-02-30T10:00"}),
    ("recurrence.repeat_unit", {"recurrence.repeat_unit": "YEARLY", "recurrence.repeat_frequency": "1"}),
    ("recurrence.repeat_frequency", {"recurrence.repeat_unit": "DAILY", "recurrence.repeat_frequency": "0"}),
    (
        "recurrence.repeat_frequency",
        {"recurrence.repeat_unit": "DAILY", "recurrence.repeat_frequency": "two"},
    ),
    ("recurrence.repeat_frequency", {"recurrence.repeat_unit": "DAILY", "recurrence.repeat_frequency": ""}),
    (
        "recurrence.end_date",
        RECURRING := {
            "recurrence.repeat_unit": "DAILY",
            "recurrence.repeat_frequency": "1",
            "recurrence.end_date": "never",
        },
    ),
    ("recurrence.end_date", RECURRING | {"recurrence.end_date": "2020-01-01T00:00"}),
    ("priority", {"priority": "low"}),
    ("push_type", {"push_type": "ALERT"}),
    ("time_to_live", {"time_to_live": "0"}),
    ("time_to_live", {"time_to_live": "29", "time_to_live.unit": "days"}),
    ("time_to_live", {"time_to_live": "soon"}),
    ("capping", {"capping": "-1"}),
    ("capping", {"capping": "1.5"}),
    ("send_rate", {"send_rate": "9" * 39}),
    ("deeplink", {"deeplink": "x" * 10_001}),
    ("media.video", {"media.video": "x" * 10_001}),
    ("custom_payload", {"custom_payload": "{"}),
    ("landing", {"landing": "{"}),
    ("gcm_collapse_key.key", {"gcm_collapse_key.key": "x" * 1_001}),
    ("targeting.languages", {"targeting.languages": "fr," + "x" * 1_001}),
    ("targeting.regions", {"targeting.regions": ",".join("x" * 501)}),
    ("targeting.query", {"targeting.query": "{"}),
    ("targeting.query", {"targeting.query": '{"$or": [{"c.age": {"$gt": true}}]}'}),
    ("targeting.query", {"targeting.query": '{"age": 1}'}),
    ("targeting.audiences", {"targeting.audiences": "", "targeting.audiences.other": "x" * 1_001}),
    ("other", {"other": '{"ours": ' + "[" * 40 + "]" * 40 + "}"}),
]
"""A field, and what is typed that is wrong in it."""


@pytest.mark.parametrize(("field", "typed"), WRONG)
def test_what_is_wrong_is_said_beside_its_field_in_the_words_of_the_call(
    site: Site, own: Shop, editor: Visitor, field: str, typed: dict[str, str]
) -> None:
    count = len(site.parts.records.campaigns(own.app.id, 0, 100))
    answer = save(editor, own.app, **typed)
    assert answer.status_code == 400
    body = unescape(re.findall(r'aria-label="JSON of the call">(.*?)</pre>', answer.text, re.DOTALL)[0])
    url = f"{site.address}/1.1/{own.app.live_key}/campaigns/create"
    refusal = httpx.post(url, content=body.encode(), headers=site.api_headers)
    assert refusal.status_code == 400
    sentence = refusal.json()["message"]
    [problem] = re.findall(r'id="problem"[^>]*>.*?<a href="#([^"]*)">(.*?)</a>', answer.text, re.DOTALL)
    assert (httpx.URL("/#" + problem[0]).fragment, unescape(problem[1])) == (field, sentence)
    place = answer.text.index(f'id="{field}"')
    complaint = answer.text.index('class="complaint"', place - 60)
    assert unescape(answer.text[complaint:]).startswith(
        sentence, unescape(answer.text[complaint:]).index(">") + 1
    )
    kept = form_of(answer.text)
    assert {name: kept[name][-1] for name in typed if name not in UNSHOWN} == {
        name: text for name, text in typed.items() if name not in UNSHOWN
    }
    assert len(site.parts.records.campaigns(own.app.id, 0, 100)) == count


UNSHOWN = {"live", "priority", "push_type", "recurrence.repeat_unit", "targeting.audiences"}
"""Choices: what is none of them cannot be shown."""


def test_what_is_wrong_on_the_page_alone_is_said_there(own: Shop, editor: Visitor) -> None:
    for typed, field in (
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"other": "[]"}, "other"),
        ({"other": '{"capping": 1}'}, "other"),
    ):
        answer = save(editor, own.app, **typed)
        assert answer.status_code == 400
        assert re.search(rf'id="problem"[^>]*>.*?<a href="#{field}">{field} ', answer.text, re.DOTALL)


@pytest.mark.parametrize("depth", [100, 900, 985, 990, 995, 1_000, 100_000])
def test_deep_nesting_is_refused_and_breaks_nothing(own: Shop, editor: Visitor, depth: int) -> None:
    deep = '{"x": ' + "[" * depth + "]" * depth + "}"
    for name in ("landing", "other", "targeting.query"):
        assert save(editor, own.app, **{name: deep}).status_code == 400


def test_what_is_still_to_do_begins_with_what_the_page_calls_the_field(own: Shop, editor: Visitor) -> None:
    text = save(editor, own.app, action="check", push_time="").text
    assert re.search(r"Still to do: Date and time: <a href=\"#push_time\">push_time is missing", text)
    for name, label in LABELS.items():
        field = f"messages.a[0].{name}" if name in MESSAGE else name
        assert re.search(rf'<label for="{re.escape(field)}">{label}</label>', text), field


def test_the_link_of_a_complaint_leads_to_its_field(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.get_by_label("Name", exact=True).fill("Spring sale")
    page.get_by_role("button", name="Create campaign").click()
    link = page.locator("#problem a")
    expect(link).to_contain_text("messages[0].body is missing")
    expect(page.locator("#problem")).to_be_focused()
    expect(page).to_have_title("Not saved: New campaign · Openrate")
    link.click()
    page.keyboard.press("Tab")
    body = box(page, "messages.a[0].body")
    expect(body).to_have_attribute("aria-invalid", "true")
    expect(body).to_have_accessible_description(re.compile(r"^messages\[0\]\.body is missing"))
    assert axe_violations(page) == []


def test_what_was_refused_is_said_until_it_is_mended(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    box(page, "messages.a[0].body").fill("Hello")
    page.get_by_role("button", name="Create campaign").click()
    name = box(page, "name")
    expect(name).to_have_attribute("aria-invalid", "true")
    box(page, "capping").evaluate("field => field.closest('details').open = true")
    box(page, "capping").fill("1")
    expect(page.locator("#summary")).to_contain_text("Still to do: Name: name is missing")
    expect(page.locator("#problem")).to_be_visible()
    name.fill("Spring sale")
    expect(page.locator("#problem")).to_have_count(0)
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("name is missing")).to_have_count(0)
    assert axe_violations(page) == []


def test_what_is_still_wrong_is_said_as_it_is_wrong_now(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    box(page, "name").fill("Spring sale")
    box(page, "messages.a[0].body").fill("Hello")
    query, estimate = box(page, "targeting.query"), page.locator("#estimate")
    query.fill('{"opted_in": "yes"}')
    page.get_by_role("button", name="Create campaign").click()
    refused = page.locator("#problem")
    expect(refused).to_contain_text('targeting.query.opted_in is "yes"')
    query.fill('{"opted_in": "no"}')
    expect(refused).to_contain_text('targeting.query.opted_in is "no"')
    expect(query).to_have_accessible_description(re.compile(r'targeting.query.opted_in is "no"'))
    expect(estimate).to_contain_text('targeting.query.opted_in is "no"')
    query.fill('{"opted_in": true}')
    expect(refused).to_have_count(0)
    expect(query).to_have_accessible_description(re.compile(r"as JSON\.$"))
    expect(page.get_by_text("targeting.query.opted_in is")).to_have_count(0)


def test_what_is_wrong_in_a_message_is_mended_when_it_is_taken_out(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    box(page, "name").fill("Spring sale")
    box(page, "messages.a[0].body").fill("Hello")
    page.get_by_role("button", name="Add a language").first.click()
    box(page, "messages.a[1].language").fill("fr")
    page.get_by_role("button", name="Create campaign").click()
    expect(page.locator("#problem")).to_contain_text("messages[1].body is missing")
    page.get_by_role("button", name="Remove").last.click()
    expect(page.locator("#problem")).to_have_count(0)
    expect(page.locator("#summary")).to_contain_text("Nothing is sent before it is live.")
