"""Creating and editing campaigns as people do it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import axe_violations
from dashboard import Site, Visitor
from editor import PLAIN, TYPED, Shop, box, create, edit, form_of, get, new_of, newest, save
from openrate.campaign_parameters import CHECKS
from openrate.model import Campaign, Role
from test_campaigns import FULL

VERSIONS = {"a": [{"body": "One"}], "b": [{"body": "Two"}]}


# Creating


def test_a_plain_campaign_in_two_languages_is_what_the_form_said(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + "/campaigns/new")
    page.get_by_role("link", name="Own", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Spring sale")
    page.get_by_label("Label 1").fill("sale")
    box(page, "messages.a[0].title").fill("Sale")
    box(page, "messages.a[0].body").fill("Two days only\nin every shop")
    page.get_by_role("button", name="Add a language").click()
    second = page.locator("#message-a-1")
    second.get_by_label("Language").fill("fr")
    second.get_by_label("Title").fill("Soldes")
    second.get_by_label("Text").fill("Deux jours seulement")
    page.get_by_label("At a time").check()
    page.get_by_label("Date and time").fill("2049-03-28T03:30")
    page.get_by_label("Time zone").select_option("Europe/Paris")
    page.get_by_role("button", name="Create campaign").click()
    page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
    expect(page.get_by_role("status")).to_have_text(
        "Spring sale is created as a draft: nothing is sent until it is live."
    )
    assert newest(site, own.app) == {
        "name": "Spring sale",
        "live": False,
        "labels": ["sale"],
        "push_time": "2049-03-28T01:30:00",
        "messages": [
            {"title": "Sale", "body": "Two days only\nin every shop"},
            {"language": "fr", "title": "Soldes", "body": "Deux jours seulement"},
        ],
    }
    made = site.parts.records.campaigns(own.app.id, 0, 1)[0]
    assert (made.from_api, made.dev_only) == (False, False)
    assert site.parts.audit.entries(own.app.company_id, subject=made.token)[0].by == "editor@acme.example"


def test_an_ab_campaign_with_every_parameter_is_what_the_form_said(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)

    def fill(name: str, text: str) -> None:
        box(page, name).fill(text)

    fill("name", "Evening")
    page.get_by_label("A/B").check()
    for version in "ab":
        for key, language in enumerate(("", "fr")):
            if key:
                page.get_by_role("button", name=f"Add a language to version {version.upper()}").click()
            fill(f"messages.{version}[{key}].language", language)
            fill(f"messages.{version}[{key}].body", f"{version} {language}")
    page.get_by_label("By everybody's own clock").check()
    fill("push_time", "2049-03-10T18:00")
    page.get_by_label("Repeated").select_option("WEEKLY")
    fill("recurrence.repeat_frequency", "2")
    fill("recurrence.end_date", "2049-06-30T18:00")
    for segment in ("NEW", "DORMANT"):
        page.locator(f'[value="{segment}"]').check()
    fill("targeting.languages", "fr, en")
    fill("targeting.regions", "FR")
    page.get_by_label("vip").check()
    fill("targeting.audiences.other", "later")
    fill("targeting.query", '{"c.age": {"$gte": 18}}')
    for section in ("Link, media, payload", "Limits and delivery", "Other parameters"):
        page.locator("summary", has_text=section).click()
    fill("deeplink", "shop://sale")
    for name in ("icon", "picture", "audio", "video"):
        fill(f"media.{name}", f"https://cdn.example.com/{name}")
    fill("custom_payload", '{"sale": 1}')
    fill("landing", '{"theme": "dark"}')
    fill("time_to_live", "90")
    page.get_by_label("Unit of the time to live").select_option("minutes")
    fill("capping", "3")
    fill("send_rate", "60000")
    page.get_by_label("Priority").select_option("normal")
    page.get_by_label("Push type").select_option("alert")
    fill("gcm_collapse_key.key", "sale")
    page.get_by_label("Use it").check()
    fill("other", '{"ours": {"x": [1]}}')
    page.get_by_role("button", name="Create campaign").click()
    page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
    made = newest(site, own.app)
    assert made == {
        "name": "Evening",
        "live": False,
        "messages": {v: [{"body": f"{v} "}, {"language": "fr", "body": f"{v} fr"}] for v in "ab"},
        "local_push_time": "2049-03-10T18:00:00",
        "priority": "normal",
        "time_to_live": 5_400,
        "push_type": "alert",
        "gcm_collapse_key": {"enabled": True, "key": "sale"},
        "recurrence": {"repeat_unit": "WEEKLY", "repeat_frequency": 2, "end_date": "2049-06-30T18:00:00"},
        "capping": 3,
        "send_rate": 60_000,
        "targeting": {
            "segments": ["NEW", "DORMANT"],
            "languages": ["fr", "en"],
            "regions": ["FR"],
            "audiences": ["vip", "later"],
            "query": {"c.age": {"$gte": 18}},
        },
        "media": {n: f"https://cdn.example.com/{n}" for n in ("icon", "picture", "audio", "video")},
        "deeplink": "shop://sale",
        "custom_payload": '{"sale": 1}',
        "landing": {"theme": "dark"},
        "ours": {"x": [1]},
    }
    assert set(CHECKS) - set(made) == {"labels", "push_time"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"live": "false"}, "is created as a draft"),
        ({"live": "true"}, "is created and goes out on 2049-03-10 09:00 UTC."),
        ({"live": "true", "when": "now"}, "is created and goes out now."),
    ],
)
def test_what_becomes_of_a_new_campaign_is_said(
    own: Shop, editor: Visitor, typed: dict[str, str], said: str
) -> None:
    answer = save(editor, own.app, **typed)
    assert answer.status_code == 303
    assert said in editor.get(answer.headers["location"]).text


def test_without_scripts_buttons_add_and_remove_languages_and_keep_what_was_typed(
    site: Site, own: Shop, browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        site.sign_in(page, Role.EDITOR)
        page.goto(site.address + own.new)
        page.get_by_label("Name", exact=True).fill("No script")
        box(page, "messages.a[0].body").fill("One")
        page.get_by_label("By everybody's own clock").check()
        page.get_by_label("Date and time").fill("2049-03-10T18:00")
        box(page, "messages.a[0].title").press("Enter")  # looks at what is wrong, and saves nothing
        expect(page.locator(".of-a .preview.android .push-body")).to_have_text("One")
        for language in ("fr", "de"):
            page.get_by_role("button", name="Add a language").click()
            added = page.locator(".of-a .message").last
            expect(added.get_by_label("Language")).to_be_focused()
            added.get_by_label("Language").fill(language)
            added.get_by_label("Text").fill(f"Text {language}")
        page.locator("#message-a-1").get_by_role("button", name="Remove").click()
        page.get_by_role("button", name="Estimate").click()
        expect(page.locator("#estimate")).to_contain_text("6 installations with a push token")
        page.get_by_label("A/B").check()
        page.get_by_role("button", name="Copy the messages of A").click()
        page.locator("#message-b-1").get_by_label("Text").fill("Other")
        page.get_by_role("button", name="Create campaign").click()
        page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
    assert newest(site, own.app) == {
        "name": "No script",
        "live": False,
        "local_push_time": "2049-03-10T18:00:00",
        "messages": {
            "a": [{"body": "One"}, {"language": "de", "body": "Text de"}],
            "b": [{"body": "Other"}, {"language": "de", "body": "Text de"}],
        },
    }


def test_a_copy_is_a_draft_of_which_is_not_known_when_it_is_sent(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop, **{**FULL, "live": True})
    text = editor.get(f"/campaigns/new?copy={token}").text
    fields = {name: values[-1] for name, values in form_of(text).items()}
    assert (fields["live"], fields["when"], fields["push_time"]) == ("false", "now", "")
    answer = editor.client.post(
        f"/campaigns/new?copy={token}",
        data=form_of(text) | {"action": "save", "when": "at", "push_time": "2049-01-01T00:00"},
    )
    made = newest(site, site.shop)
    assert answer.headers["location"].endswith(site.parts.records.campaigns(site.shop.id, 0, 1)[0].token)
    assert made == FULL | {
        "name": f"{FULL['name']} (copy)",
        "live": False,
        "push_time": "2049-01-01T00:00:00",
    }


def test_a_campaign_can_be_for_development_builds(site: Site, own: Shop, editor: Visitor) -> None:
    text = editor.get(f"/campaigns/new?app={own.app.dev_key}").text
    assert f"/1.1/{own.app.dev_key}/campaigns/create" in text
    editor.post(f"/campaigns/new?app={own.app.dev_key}", **TYPED, action="save")
    assert site.parts.records.campaigns(own.app.id, 0, 1)[0].dev_only


# Editing


@pytest.mark.parametrize(
    "messages", [FULL["messages"], {"a": FULL["messages"], "b": [{"body": "z", "x": None}]}]
)
def test_an_edit_changes_what_was_changed_and_nothing_else(
    site: Site, editor: Visitor, messages: object
) -> None:
    token = create(site, site.shop, **(FULL | {"messages": messages}))
    before = get(site, site.shop, token)
    assert edit(editor, token).status_code == 303
    assert get(site, site.shop, token) == before
    assert edit(editor, token, name="Renamed", capping="5").status_code == 303
    assert get(site, site.shop, token) == before | {"name": "Renamed", "capping": 5}
    [entry] = site.parts.audit.entries(site.shop.company_id, subject=token)[:-1]
    assert (entry.by, set(entry.details)) == ("editor@acme.example", {"name", "capping"})


def test_in_a_browser_too_an_edit_changes_only_what_was_changed(site: Site, page: Page) -> None:
    token = create(site, site.shop, **FULL)
    site.sign_in(page, Role.EDITOR)
    page.goto(f"{site.address}/campaigns/{token}/edit")
    box(page, "messages.a[0].title").fill("Hi")
    page.locator("summary", has_text="As the API call").click()
    expect(page.locator(".call pre")).to_contain_text('"title": "Hi"')
    expect(page.locator(".call pre")).not_to_contain_text("name")
    expect(page.locator("#summary")).to_contain_text("This changes: messages.")
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
    first = FULL["messages"][0] | {"title": "Hi"}
    assert get(site, site.shop, token) == FULL | {"messages": [first, FULL["messages"][1]]}


def test_the_same_time_can_be_read_on_other_clocks(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop, push_time="2049-10-31T01:30:00")
    save(editor, site.shop, zone="Europe/Paris")  # which is remembered
    text = editor.get(f"/campaigns/{token}/edit").text
    assert form_of(text)["push_time"] == ["2049-10-31T02:30"]
    assert edit(editor, token, name="Still the second").status_code == 303
    assert get(site, site.shop, token)["push_time"] == "2049-10-31T01:30:00"
    assert edit(editor, token, push_time="2049-10-31T02:31").status_code == 303
    assert get(site, site.shop, token)["push_time"] == "2049-10-31T00:31:00"


def test_what_cannot_be_removed_says_so_beside_its_field(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop, **FULL)
    for name in ("capping", "time_to_live", "landing"):
        answer = edit(editor, token, **{name: ""})
        assert answer.status_code == 400
        assert f"{name} is null, but an update cannot remove a parameter" in answer.text
    for name in ("deeplink", "media.icon", "labels[0]", "targeting.query"):
        assert edit(editor, token, **{name: ""}).status_code == 303


def test_what_an_update_may_not_change_is_shown_with_the_reason(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop, **FULL)
    text = editor.get(f"/campaigns/{token}/edit").text
    assert "Whether a campaign has versions stays as it is for its whole life." in text
    assert "A campaign that is repeated stays so" in text
    assert '<option value="">once</option>' not in text
    assert edit(editor, token, kind="ab").status_code == 400  # it comes from no page of ours, and is refused


def test_the_page_of_a_campaign_calls_a_parameter_what_the_editor_calls_it(
    site: Site, own: Shop, editor: Visitor
) -> None:
    given = {name: value for name, value in FULL.items() if name not in {"live", "ours"}}
    token = create(site, own.app, **given)
    facts = editor.get(f"/campaigns/{token}").text.split('id="who-title"')[1].split("</dl>")[0]
    labels = set(re.findall("<dt>(.*?)</dt>", facts)) - {"Sent by"}
    form = editor.get(f"/campaigns/{token}/edit").text
    named = {text.strip() for text in re.findall(r"<(?:label|legend|h2)[^>]*>([^<]+)", form)}
    assert labels - named == {"Collapse key"}
    assert "Collapse key (Android)" in named


def test_a_campaign_that_is_over_says_what_cannot_be_changed(site: Site, own: Shop, editor: Visitor) -> None:
    over = create(site, site.shop, live=True, push_time="2020-01-01T00:00:00")
    url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/update/{over}"
    httpx.post(url, json={"live": False}, headers=site.api_headers)
    text = editor.get(f"/campaigns/{over}/edit").text
    assert "This campaign was completed and then switched off" in text
    assert re.search(r'<fieldset[^>]* id="live"[^>]* disabled', text)
    sent = create(site, own.app, live=True, push_time="2020-01-01T00:00:00")
    site.parts.records.update_campaign(
        own.app.id, sent, lambda known: msgspec.structs.replace(known, next_due_at=None, completed_at=1)
    )
    text = editor.get(f"/campaigns/{sent}/edit").text
    assert text.count("when it is sent cannot be changed any more") == 2
    assert edit(editor, sent, name="Renamed").status_code == 303
    assert get(site, own.app, sent)["push_time"] == "2020-01-01T00:00:00"


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_unseen(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop)
    fields = form_of(editor.get(f"/campaigns/{token}/edit").text)
    edit(editor, token, name="Theirs")
    mine = fields | {"action": "save", "capping": "1"}
    answer = editor.client.post(f"/campaigns/{token}/edit", data=mine)
    assert answer.status_code == 409
    assert "sets these to what this form says: name, capping" in answer.text
    assert get(site, site.shop, token)["name"] == "Theirs"
    again = form_of(answer.text) | {"action": "save"}
    assert editor.client.post(f"/campaigns/{token}/edit", data=again).status_code == 303
    assert get(site, site.shop, token) == PLAIN | {"capping": 1}


def test_of_two_who_save_in_the_same_moment_one_does_and_the_other_is_told(
    site: Site, editor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = create(site, site.shop)
    fields = form_of(editor.get(f"/campaigns/{token}/edit").text) | {"action": "save"}
    both, update = Barrier(2), site.parts.records.update_campaign

    def together(*given: Any) -> Campaign | None:
        both.wait(10)  # by now each has seen the campaign as it was
        return update(*given)

    def save(name: str) -> int:
        return editor.client.post(f"/campaigns/{token}/edit", data=fields | {"name": name}).status_code

    monkeypatch.setattr(site.parts.records, "update_campaign", together)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(save, ["Mine", "Yours"]))
    assert sorted(answers) == [303, 409]
    assert get(site, site.shop, token)["name"] == ["Mine", "Yours"][answers.index(303)]


# Who may


def test_a_viewer_neither_sees_nor_sends_the_form(site: Site) -> None:
    token = create(site, site.shop)
    with site.client(Role.VIEWER) as viewer:
        for path in (new_of(site.shop), f"/campaigns/{token}/edit"):
            assert viewer.get(path).status_code == 403
            assert viewer.post(path, **TYPED, action="save").status_code == 403
        assert viewer.post(f"/campaigns/{token}/test").status_code == 403


def test_a_form_without_its_secret_is_refused(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop)
    for path in ("/campaigns/new", f"/campaigns/{token}/edit", f"/campaigns/{token}/test"):
        assert editor.client.post(path, data=TYPED | {"action": "save"}).status_code == 403


def test_what_is_of_another_company_does_not_exist(site: Site) -> None:
    token = create(site, site.shop)
    with site.client(Role.MANAGER, "rival") as rival:
        for path in (
            f"/campaigns/{token}/edit",
            f"/campaigns/new?app={site.shop.live_key}",
            f"/campaigns/new?copy={token}",
            f"/campaigns/new?app={site.rival.live_key}&copy={token}",
        ):
            assert rival.get(path).status_code == 404, path
            assert rival.post(path, **TYPED, action="save").status_code == 404, path
        assert rival.post(f"/campaigns/{token}/test").status_code == 404
    assert get(site, site.shop, token) == PLAIN


@pytest.mark.parametrize(
    "action", ["", "x", "add", "add c", "remove", "remove a x", "copy a", "preview", "preview c 9", "summary"]
)
def test_a_button_that_there_is_not_does_no_harm(own: Shop, editor: Visitor, action: str) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        form = TYPED | {"action": action, "csrf": editor.csrf()}
        assert editor.client.post(own.new, data=form, headers=headers).status_code == 200


def test_a_company_with_one_app_needs_not_choose_it(site: Site) -> None:
    with site.client(Role.EDITOR, "rival") as visitor:
        assert site.rival.live_key in visitor.get("/campaigns/new").text


def test_the_largest_campaign_comes_through_the_form(site: Site, editor: Visitor) -> None:
    one = [{"language": f"l{number}", "title": "é" * 20, "body": "ü" * 100} for number in range(650)]
    messages = {"a": one, "b": one}
    token = create(site, site.shop, messages=messages)
    assert edit(editor, token, name="Large").status_code == 303
    assert get(site, site.shop, token) == PLAIN | {"name": "Large", "messages": messages}


# How it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    site: Site, own: Shop, browser: Browser, scheme: Any, width: int
) -> None:
    token = create(
        site,
        own.app,
        **(
            FULL | {"messages": VERSIONS, "recurrence": FULL["recurrence"] | {"end_date": "2049-01-01T00:00"}}
        ),
    )
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        site.sign_in(page)
        for path in ("/campaigns/new", own.new, f"/campaigns/{token}/edit"):
            page.goto(site.address + path)
            if path != "/campaigns/new":
                expect(page.locator("#estimate .big")).to_be_visible()
            page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
            assert axe_violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


def test_a_time_at_the_end_of_the_calendar_is_shown(site: Site, own: Shop, editor: Visitor) -> None:
    for given in ("9999-12-31T23:00", "0001-01-01T01:00"):
        typed = TYPED | {"when": "local", "push_time": given, "action": "check"}
        assert editor.post(own.new, **typed).status_code == 200
        token = create(site, own.app, push_time=None, local_push_time=f"{given}:00")
        assert editor.get(f"/campaigns/{token}/edit").status_code == 200
        assert editor.get(f"/campaigns/{token}").status_code == 200
