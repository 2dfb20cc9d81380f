"""Creating and editing campaigns as people do it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from browser import axe_violations
from dashboard import Site, Visitor
from openrate import companies
from openrate.campaign_parameters import CHECKS
from openrate.credentials import StubCredentials
from openrate.model import App, By, Installation, Platform, Role, Sender
from openrate.providers.stub import Delivery, deliveries
from test_campaigns import FULL

BY = By("ada@example.com", 0)
PLAIN: dict[str, Any] = {
    "name": "Spring sale",
    "live": False,
    "push_time": "2027-03-10T09:00:00",
    "messages": [{"body": "Two days only"}],
}
TYPED = {
    "name": "Spring sale",
    "live": "false",
    "when": "at",
    "push_time": "2027-03-10T10:00",
    "zone": "Europe/Paris",
    "kind": "plain",
    "messages.a[0].body": "Two days only",
}
"""What makes PLAIN."""
VERSIONS = {"a": [{"body": "One"}], "b": [{"body": "Two"}]}


class Shop:
    """An app that we send for with a stub, and what reached its devices."""

    def __init__(self, site: Site, name: str) -> None:
        parts = site.parts
        self.site = site
        self.app = companies.create_app(
            parts.records, "Acme", name, Platform.ANDROID, Sender.OPENRATE, BY
        ).app
        self._journal = parts._folder.path / f"{name}.journal"
        parts.vault.put(self.app, StubCredentials(journal=str(self._journal)), BY)

    def register(
        self, name: str, token: str | None, language: str | None = None, *, opted_in: bool = True
    ) -> None:
        installation = Installation(
            self.app.id, name, False, Platform.ANDROID, None, 1, token, language, opted_in=opted_in
        )
        self.site.parts.records.put_installation(installation, 0)

    def pushes(self) -> list[Delivery]:
        return deliveries(self._journal) if self._journal.exists() else []

    @property
    def new(self) -> str:
        """Where a campaign of it is made."""
        return f"/campaigns/new?app={self.app.live_key}"


@pytest.fixture(scope="module")
def own(site: Site) -> Shop:
    shop = Shop(site, "Own")
    for name, token in (("gone", "stub:gone"), ("refused", "stub:refused"), ("held", "stub:held")):
        shop.register(name, token)
    shop.register("one", "t1", "fr-CA")
    shop.register("two", "t2", "de", opted_in=False)
    shop.register("later", "stub:retry:1")
    shop.register("mute", None)
    site.parts.records.put_audience(shop.app.id, False, "vip", ["one", "two"], 0)
    return shop


@pytest.fixture
def editor(site: Site) -> Iterator[Visitor]:
    with site.client(Role.EDITOR) as visitor:
        yield visitor


def create(site: Site, app: App, **more: Any) -> str:
    """A campaign by the HTTP interface; its token."""
    url = f"{site.address}/1.1/{app.live_key}/campaigns/create"
    answer = httpx.post(url, json=PLAIN | more, headers=site.api_headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["campaign_token"])


def get(site: Site, app: App, token: str) -> dict[str, Any]:
    """The parameters, as GET answers them."""
    url = f"{site.address}/1.1/{app.live_key}/campaigns/{token}"
    answer: dict[str, Any] = httpx.get(url, headers=site.api_headers).json()
    own = {"campaign_token", "from_api", "dev_only", "created_date"}
    return {name: value for name, value in answer.items() if name not in own}


def newest(site: Site, app: App) -> dict[str, Any]:
    """The campaign that was made last."""
    campaign = site.parts.records.campaigns(app.id, 0, 1)[0]
    return get(site, app, campaign.token)


def save(visitor: Visitor, shop: App, **typed: str) -> httpx.Response:
    """Send the form of a new campaign."""
    return visitor.post("/campaigns/new", **({"app": shop.live_key, "action": "save"} | TYPED | typed))


def form_of(text: str) -> dict[str, list[str]]:
    """What a browser would send of a page as it is, by name; read from its HTML and not by our own functions."""
    form = text[text.index('<form id="editor"') : text.index("</form>", text.index('<form id="editor"'))]
    found: dict[str, list[str]] = {}

    def add(name: str, value: str) -> None:
        found.setdefault(unescape(name), []).append(unescape(value))

    for tag in re.findall(r"<input[^>]*>", form):
        kind, name, value = (re.search(rf'\b{key}="([^"]*)"', tag) for key in ("type", "name", "value"))
        is_off = kind and kind[1] in {"checkbox", "radio"} and not re.search(r"\bchecked\b", tag)
        if name and not is_off and "disabled" not in tag:
            add(name[1], value[1] if value else "")
    for name, value in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        add(name, value)
    for name, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        options = re.findall(r'<option( value="([^"]*)")?( selected)?>([^<]*)', inner)
        _, value, _, words = next((option for option in options if option[2]), options[0])
        add(name, value if ' value="' in inner else words)
    return found


def dismiss(dialog: Dialog, asked: list[str]) -> None:
    """Answer no to a question."""
    asked.append(dialog.message)
    dialog.dismiss()


def box(page: Page, name: str) -> Locator:
    """The field of a parameter."""
    return page.locator(f'[name="{name}"]')


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
    page.get_by_label("Date and time").fill("2027-03-28T03:30")
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
        "push_time": "2027-03-28T01:30:00",
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
    fill("push_time", "2027-03-10T18:00")
    page.get_by_label("Repeated").select_option("WEEKLY")
    fill("recurrence.repeat_frequency", "2")
    fill("recurrence.end_date", "2027-06-30T18:00")
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
        "local_push_time": "2027-03-10T18:00:00",
        "priority": "normal",
        "time_to_live": 5_400,
        "push_type": "alert",
        "gcm_collapse_key": {"enabled": True, "key": "sale"},
        "recurrence": {"repeat_unit": "WEEKLY", "repeat_frequency": 2, "end_date": "2027-06-30T18:00:00"},
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
        ({"live": "true"}, "is created and goes out on 2027-03-10 09:00 UTC."),
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
        page.get_by_label("Date and time").fill("2027-03-10T18:00")
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
        "local_push_time": "2027-03-10T18:00:00",
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
        "/campaigns/new",
        data=form_of(text) | {"action": "save", "when": "at", "push_time": "2027-01-01T00:00"},
    )
    made = newest(site, site.shop)
    assert answer.headers["location"].endswith(site.parts.records.campaigns(site.shop.id, 0, 1)[0].token)
    assert made == FULL | {
        "name": f"{FULL['name']} (copy)",
        "live": False,
        "push_time": "2027-01-01T00:00:00",
    }


def test_a_campaign_can_be_for_development_builds(site: Site, own: Shop, editor: Visitor) -> None:
    text = editor.get(f"/campaigns/new?app={own.app.dev_key}").text
    assert f"/1.1/{own.app.dev_key}/campaigns/create" in text
    save(editor, own.app, app=own.app.dev_key)
    assert site.parts.records.campaigns(own.app.id, 0, 1)[0].dev_only


# What is wrong


WRONG = [
    ("name", {"name": ""}),
    ("name", {"name": "ab"}),
    ("name", {"name": "x" * 1_001}),
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
    [problem] = re.findall(r'id="problem">.*?<a href="#([^"]*)">(.*?)</a>', answer.text, re.DOTALL)
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
        assert re.search(rf'id="problem">.*?<a href="#{field}">{field} ', answer.text, re.DOTALL)


@pytest.mark.parametrize("depth", [100, 900, 985, 990, 995, 1_000, 100_000])
def test_deep_nesting_is_refused_and_breaks_nothing(own: Shop, editor: Visitor, depth: int) -> None:
    deep = '{"x": ' + "[" * depth + "]" * depth + "}"
    for name in ("landing", "other", "targeting.query"):
        assert save(editor, own.app, **{name: deep}).status_code == 400


def test_the_link_of_a_complaint_leads_to_its_field(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.get_by_label("Name", exact=True).fill("Spring sale")
    page.get_by_role("button", name="Create campaign").click()
    link = page.locator("#problem a")
    expect(link).to_contain_text("messages[0].body is missing")
    link.click()
    page.keyboard.press("Tab")
    body = box(page, "messages.a[0].body")
    expect(body).to_have_attribute("aria-invalid", "true")
    expect(body).to_have_accessible_description(re.compile(r"^messages\[0\]\.body is missing"))
    assert axe_violations(page) == []


# Editing


def edit(visitor: Visitor, token: str, **typed: str) -> httpx.Response:
    """Open a campaign, change some fields and save."""
    fields = form_of(visitor.get(f"/campaigns/{token}/edit").text)
    return visitor.client.post(f"/campaigns/{token}/edit", data=fields | {"action": "save", **typed})


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
    token = create(site, site.shop, push_time="2026-10-25T01:30:00")
    save(editor, site.shop, zone="Europe/Paris")  # which is remembered
    text = editor.get(f"/campaigns/{token}/edit").text
    assert form_of(text)["push_time"] == ["2026-10-25T02:30"]
    assert edit(editor, token, name="Still the second").status_code == 303
    assert get(site, site.shop, token)["push_time"] == "2026-10-25T01:30:00"
    assert edit(editor, token, push_time="2026-10-25T02:31").status_code == 303
    assert get(site, site.shop, token)["push_time"] == "2026-10-25T00:31:00"


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


# What follows the typing


def test_the_estimate_follows_what_is_chosen(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("6 installations with a push token")
    expect(estimate).to_contain_text("5 opted in, 83.3 %")
    box(page, "targeting.languages").fill("fr, de")
    expect(estimate).to_contain_text("2 installations")
    page.get_by_label("vip").check()
    box(page, "targeting.query").fill('{"opted_in": true}')
    expect(estimate).to_contain_text("1 installation with a push token")
    box(page, "targeting.query").fill('{"opted_in": "yes"}')
    expect(estimate).to_contain_text('targeting.query.opted_in is "yes": true or false is accepted.')
    box(page, "targeting.query").fill("")
    page.get_by_label("vip").uncheck()
    box(page, "targeting.audiences.other").fill("nobody")
    expect(estimate).to_contain_text("There is no list nobody yet")
    expect(estimate).to_contain_text("0 installations")


def test_the_estimate_is_that_of_the_call(site: Site, own: Shop, editor: Visitor) -> None:
    typed = {"targeting.segments": "IMPORTED", "targeting.query": '{"language": {"$in": ["de", "fr-CA"]}}'}
    text = save(editor, own.app, action="estimate", **typed).text
    url = f"{site.address}/v1/{own.app.live_key}/audience/estimate"
    targeting = {"segments": ["IMPORTED"], "query": {"language": {"$in": ["de", "fr-CA"]}}}
    answer = httpx.post(url, json=targeting, headers=site.api_headers).json()
    assert f"<strong>{answer['installations']}</strong> installations" in text
    assert f"<strong>{answer['opted_in']}</strong> opted in" in text


def test_who_sends_by_themselves_estimates_by_themselves(site: Site, editor: Visitor) -> None:
    text = editor.get(f"/campaigns/new?app={site.shop.live_key}").text
    assert "It reads the targeting itself" in text
    assert 'value="estimate"' not in text


def test_the_preview_follows_the_typing_on_each_platform(site: Site, own: Shop, page: Page) -> None:
    requests: list[str] = []
    site.sign_in(page, Role.EDITOR)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(site.address + own.new)
    android, ios = (page.locator(f"#preview-a-0 .preview.{name}") for name in ("android", "ios"))
    expect(android).to_be_visible()
    expect(ios).to_be_hidden()
    box(page, "messages.a[0].title").fill("<b>Sale</b>")
    box(page, "messages.a[0].body").fill("x" * 240 + "y")
    expect(android.locator(".push-title")).to_have_text("<b>Sale</b>")
    expect(android.locator("mark")).to_have_text("y")
    expect(android).to_contain_text("The text has 241 characters: it is cut after about 240.")
    page.get_by_text("iOS", exact=True).click()
    expect(ios).to_be_visible()
    expect(android).to_be_hidden()
    expect(ios.locator("mark")).to_have_text("x" * 62 + "y")
    page.locator("summary", has_text="Link, media, payload").click()
    box(page, "media.picture").fill("https://cdn.example.com/hat.png")
    expect(ios.locator(".push-picture")).to_have_text("Picture from cdn.example.com")
    assert not [url for url in requests if not url.startswith(site.address)]


def test_the_summary_says_what_is_missing_and_the_note_what_a_time_means(
    site: Site, own: Shop, page: Page
) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    summary = page.locator("#summary")
    expect(summary).to_contain_text("Still to do: name is missing")
    box(page, "name").fill("Spring sale")
    expect(summary).to_contain_text("Still to do: messages[0].body is missing")
    box(page, "messages.a[0].body").fill("Hello")
    expect(summary).to_contain_text("Nothing is sent before it is live.")
    page.get_by_label("At a time").check()
    page.get_by_label("Time zone").select_option("Europe/Paris")
    page.get_by_label("Date and time").fill("2027-03-28T02:30")
    note = page.locator("#when-note")
    expect(note).to_contain_text("That is 2027-03-28 01:30 UTC.")
    expect(note).to_contain_text("The clocks there skip 02:30 on that day: it is 03:30.")
    page.get_by_label("By everybody's own clock").check()
    expect(note).to_contain_text(
        "From 2027-03-27 12:30 UTC, where it is that time first, to 2027-03-28 14:30 UTC"
    )


def test_a_new_time_is_chosen_in_the_zone_of_the_device_until_another_was_chosen(
    site: Site, own: Shop, browser: Browser
) -> None:
    with browser.new_context(timezone_id="Asia/Tokyo") as context:
        page = context.new_page()
        site.sign_in(page, Role.EDITOR)
        page.goto(site.address + own.new)
        expect(page.locator("#zone")).to_have_value("Asia/Tokyo")
        box(page, "name").fill("Zone")
        box(page, "messages.a[0].body").fill("Hello")
        page.get_by_label("At a time").check()
        page.get_by_label("Date and time").fill("2027-03-28T02:30")
        page.get_by_label("Time zone").select_option("America/Lima")
        page.get_by_role("button", name="Create campaign").click()
        page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
        assert newest(site, own.app)["push_time"] == "2027-03-28T07:30:00"
        page.get_by_role("link", name="Edit").click()
        expect(page.locator("#zone")).to_have_value("America/Lima")
        expect(page.get_by_label("Date and time")).to_have_value("2027-03-28T02:30")


def test_what_goes_out_at_once_is_asked_about_once_more(site: Site, own: Shop, page: Page) -> None:
    asked: list[str] = []
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.on("dialog", lambda dialog: dismiss(dialog, asked))
    box(page, "name").fill("In a hurry")
    box(page, "messages.a[0].body").fill("Hello")
    page.locator('[name="live"][value="true"]').check()
    expect(page.locator("#summary")).to_contain_text("It goes out as soon as you save it.")
    page.get_by_role("button", name="Create campaign").click()
    assert asked == ["Send this now? It goes out as soon as it is saved."]
    assert "In a hurry" not in [
        c.parameters["name"] for c in site.parts.records.campaigns(own.app.id, 0, 100)
    ]


def test_leaving_with_something_typed_is_asked_about(site: Site, own: Shop, page: Page) -> None:
    asked: list[str] = []
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.on("dialog", lambda dialog: dismiss(dialog, asked))
    box(page, "name").fill("Spring sale")
    page.get_by_role("link", name="Audience").click()
    expect(box(page, "name")).to_have_value("Spring sale")
    assert asked == [""]  # the browser has words of its own for that


# Test sends


@pytest.mark.parametrize(
    ("installation", "is_sent", "said"),
    [
        ("one", True, "The provider accepted it for one: the message in fr."),
        (
            "two",
            True,
            "The provider accepted it for two: the message without a language. Notifications are switched",
        ),
        ("later", True, "The provider accepted it for later"),
        ("gone", False, "The push token of gone is of no use any more. The stub was told"),
        ("refused", False, "It was not sent to refused. The stub was told to refuse the message."),
        ("held", False, "It was not sent to held. The stub was told that its credentials are refused."),
        ("mute", False, "mute has no push token"),
        ("nobody", False, "Own has no installation nobody"),
        ("", False, "Own has no installation"),
        ("../é", False, "Own has no installation"),
    ],
)
def test_a_test_is_sent_to_one_installation_and_says_what_became_of_it(
    own: Shop, editor: Visitor, installation: str, is_sent: bool, said: str
) -> None:
    before = len(own.pushes())
    languages = {"messages.a[1].language": "fr", "messages.a[1].body": "Deux jours"}
    answer = save(editor, own.app, action="test", name="", **{"test.installation": installation}, **languages)
    assert answer.status_code == 200
    [words] = re.findall(r'id="tried"><p class="said[^>]*>([^<]*)', answer.text)
    assert unescape(words).startswith(said)
    assert len(own.pushes()) - before == is_sent
    if installation == "one":
        assert own.pushes()[-1].body == "Deux jours"
    assert f'name="test.installation" value="{unescape(installation)}"' in answer.text


def test_a_test_counts_nowhere(site: Site, own: Shop, editor: Visitor) -> None:
    token = create(site, own.app, live=False)
    before = site.parts.log.counts()
    url = f"/campaigns/{token}/test"
    answer = editor.post(url, **{"test.installation": "one"})
    assert answer.headers["location"] == f"/campaigns/{token}"
    assert "The provider accepted it for one" in editor.get(f"/campaigns/{token}").text
    assert (
        "of no use any more"
        in editor.get(editor.post(url, **{"test.installation": "gone"}).headers["location"]).text
    )
    push = own.pushes()[-1]
    assert (push.token, push.campaign_token) == ("t1", "")
    assert push.send_id.startswith("test-")
    fact = {"type": "push_open", "installation_id": "one", "send_id": push.send_id}
    events = f"{site.address}/v1/{own.app.live_key}/events"
    told = httpx.post(events, json=fact, headers=site.api_headers).json()
    assert [error["code"] for error in told["errors"]] == ["missing_field"]
    site.parts.log.settle()
    assert site.parts.log.counts() == before
    campaign = site.parts.records.campaign(own.app.id, token)
    assert campaign
    assert site.parts.sends.of(campaign.id) == []
    known = site.parts.records.installation(own.app.id, False, "gone")
    assert known
    assert known.push_token == "stub:gone"  # noqa: S105 - of a stub


def test_two_tests_are_two_notifications(own: Shop, editor: Visitor) -> None:
    for _ in range(2):
        save(editor, own.app, action="test", **{"test.installation": "one"})
    one, other = own.pushes()[-2:]
    assert one.send_id != other.send_id


def test_each_version_can_be_tested(own: Shop, editor: Visitor) -> None:
    typed = {"kind": "ab", "messages.b[0].body": "The other", "test.installation": "one"}
    for version, body in (("a", "Two days only"), ("b", "The other")):
        text = save(editor, own.app, action="test", **typed, **{"test.version": version}).text
        assert f"version {version.upper()}, the message without a language" in text
        assert own.pushes()[-1].body == body


def test_a_test_with_a_wrong_message_says_what_is_wrong(own: Shop, editor: Visitor) -> None:
    before = len(own.pushes())
    typed = {"messages.a[0].body": "", "test.installation": "one"}
    text = save(editor, own.app, action="test", **typed).text
    assert "messages[0].body has 0 characters" in text or "messages[0].body is missing" in text
    assert len(own.pushes()) == before


def test_with_scripts_a_test_leaves_the_page_as_it_is_and_the_installation_is_remembered(
    site: Site, own: Shop, page: Page
) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    box(page, "messages.a[0].body").fill("From the page")
    box(page, "test.installation").fill("one")
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#tried")).to_contain_text("The provider accepted it for one")
    expect(box(page, "messages.a[0].body")).to_have_value("From the page")
    assert own.pushes()[-1].body == "From the page"
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(site.address + own.new)
    expect(box(page, "test.installation")).to_have_value("one")


def test_where_no_test_can_be_sent_it_says_why(site: Site, editor: Visitor) -> None:
    text = editor.get(f"/campaigns/new?app={site.shop.live_key}").text
    assert "Shop is sent for by your own sender (external)" in text
    assert 'value="test"' not in text
    token = create(site, site.shop)
    answer = editor.post(f"/campaigns/{token}/test", **{"test.installation": "one"})
    assert "sent for by your own sender" in editor.get(answer.headers["location"]).text
    bare = companies.create_app(site.parts.records, "Acme", "Bare", Platform.WEB, Sender.OPENRATE, BY).app
    assert (
        "Bare has no credentials of a provider yet." in editor.get(f"/campaigns/new?app={bare.live_key}").text
    )


# Who may


def test_a_viewer_neither_sees_nor_sends_the_form(site: Site) -> None:
    token = create(site, site.shop)
    with site.client(Role.VIEWER) as viewer:
        for path in ("/campaigns/new", f"/campaigns/{token}/edit"):
            assert viewer.get(path).status_code == 403
            assert viewer.post(path, **TYPED, action="save", app=site.shop.live_key).status_code == 403
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
        for path in (f"/campaigns/{token}/edit", f"/campaigns/{token}/test"):
            assert rival.post(path, **TYPED, action="save").status_code == 404, path
        for more in (
            {"app": site.shop.live_key},
            {"copy": token},
            {"app": site.rival.live_key, "copy": token},
        ):
            assert rival.post("/campaigns/new", **TYPED, action="save", **more).status_code == 404, more
    assert get(site, site.shop, token) == PLAIN


def test_a_deleted_campaign_is_not_edited(site: Site, editor: Visitor) -> None:
    token = create(site, site.shop)
    fields = form_of(editor.get(f"/campaigns/{token}/edit").text)
    url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/delete/{token}"
    assert httpx.post(url, headers=site.api_headers).status_code == 200
    assert editor.get(f"/campaigns/{token}/edit").status_code == 404
    answer = editor.client.post(f"/campaigns/{token}/edit", data=fields | {"action": "save"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "action", ["", "x", "add", "add c", "remove", "remove a x", "copy a", "preview", "preview c 9", "summary"]
)
def test_a_button_that_there_is_not_does_no_harm(own: Shop, editor: Visitor, action: str) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        form = TYPED | {"app": own.app.live_key, "action": action, "csrf": editor.csrf()}
        assert editor.client.post("/campaigns/new", data=form, headers=headers).status_code == 200


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
            FULL | {"messages": VERSIONS, "recurrence": FULL["recurrence"] | {"end_date": "2027-01-01T00:00"}}
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
