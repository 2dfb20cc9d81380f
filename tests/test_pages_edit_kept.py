"""What is typed in the editor is not lost, and what is saved twice is there once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from dashboard import PASSWORD, Site, Visitor
from editor import PLAIN, TYPED, Shop, box, create, dismiss, edit, form_of, get, new_of, newest, save
from openrate.errors import StoreFull
from openrate.model import App, Role

NOT_SAVED = re.compile("What you typed here until .* may not have been saved")


def update(site: Site, app: App, token: str, **changed: Any) -> None:
    """Somebody else changes a campaign."""
    url = f"{site.address}/1.1/{app.live_key}/campaigns/update/{token}"
    assert httpx.post(url, json=changed, headers=site.api_headers).status_code == 200


def end_sessions(site: Site, role: Role = Role.EDITOR) -> None:
    found = site.parts.people.by_email(site.email(role))
    assert found
    for session in site.parts.people.sessions(found[0].id):
        site.parts.people.end_session(found[0].id, session.id)


def fill(page: Page) -> None:
    """A name and messages in two languages, all kept by now."""
    box(page, "name").fill("Spring sale")
    box(page, "messages.a[0].body").fill("Two days only")
    page.get_by_role("button", name="Add a language").first.click()
    box(page, "messages.a[1].language").fill("fr")
    box(page, "messages.a[1].body").fill("Deux jours\nseulement")


def sign_in_again(site: Site, page: Page, role: Role = Role.EDITOR) -> None:
    page.get_by_label("E-mail address").fill(site.email(role))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def go_on_and_save(site: Site, shop: Shop, page: Page) -> None:
    """What was typed comes back, and is saved."""
    expect(page.locator("#draft")).to_contain_text(NOT_SAVED)
    page.get_by_role("button", name="Go on with it").click()
    expect(box(page, "messages.a[1].body")).to_have_value("Deux jours\nseulement")
    expect(page.locator("#draft")).to_be_hidden()
    page.get_by_role("button", name="Create campaign").click()
    page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
    made = newest(site, shop.app)
    assert made["messages"] == [
        {"body": "Two days only"},
        {"body": "Deux jours\nseulement", "language": "fr"},
    ]
    page.goto(site.address + shop.new)
    expect(box(page, "name")).to_have_value("")
    expect(page.locator("#draft")).to_be_hidden()


def test_whose_session_ends_while_they_type_signs_in_and_goes_on(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    expect(page.locator("#summary")).to_contain_text("Nothing is sent before it is live.")
    end_sessions(site)
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Your session has ended, so nothing was changed. Sign in to go back to where you were."
    )
    sign_in_again(site, page)
    page.wait_for_url(site.address + own.new)
    go_on_and_save(site, own, page)


def test_a_session_that_ends_shows_while_typing_and_nothing_is_asked(
    site: Site, own: Shop, page: Page
) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: dismiss(dialog, asked))
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    expect(page.locator("#summary")).to_contain_text("Nothing is sent before it is live.")
    end_sessions(site)
    box(page, "name").fill("Autumn sale")
    page.wait_for_url("**/sign-in**")
    sign_in_again(site, page)
    expect(page.locator("#draft")).to_contain_text(NOT_SAVED)
    page.get_by_role("button", name="Go on with it").click()
    expect(box(page, "name")).to_have_value("Autumn sale")
    assert asked == []


def test_who_signed_in_anew_in_another_tab_gets_back_to_the_form(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    other = page.context.new_page()
    other.goto(site.address + "/campaigns")
    other.locator(".menu summary").click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    sign_in_again(site, other)
    other.wait_for_url("**/campaigns")
    page.get_by_role("button", name="Create campaign").click()
    expect(page.get_by_role("alert")).to_contain_text("This form is out of date")
    page.get_by_role("link", name="Back to where you were").click()
    go_on_and_save(site, own, page)


def test_what_could_not_be_sent_is_there_when_the_page_is_opened_again(
    site: Site, own: Shop, page: Page
) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="Create campaign").click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.goto(site.address + own.new)
    go_on_and_save(site, own, page)


def test_what_is_of_no_use_is_forgotten(site: Site, own: Shop, page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    page.goto(site.address + own.new)
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator("#draft")).to_be_hidden()
    page.reload()
    expect(page.locator("#draft")).to_be_hidden()


def test_who_else_signs_in_does_not_find_what_was_typed(site: Site, own: Shop, page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    page.goto(site.address + own.new)
    expect(page.locator("#draft")).to_be_visible()
    end_sessions(site)
    site.sign_in(page, Role.MANAGER)
    page.goto(site.address + own.new)
    expect(page.locator("#draft")).to_be_hidden()
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    expect(page.locator("#draft")).to_be_hidden()


def test_a_server_that_cannot_store_says_so_on_the_form(
    site: Site, own: Shop, editor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreFull("There is no room left on /the/disk.")

    monkeypatch.setattr(site.parts.records, "create_campaign", full)
    answer = save(editor, own.app)
    assert answer.status_code == 503
    assert "The server cannot store anything right now; nothing of this request was kept." in answer.text
    assert "/the/disk" not in answer.text
    fields = form_of(answer.text)
    assert {name: fields[name][-1] for name in TYPED} == TYPED
    monkeypatch.undo()
    assert editor.client.post(own.new, data=fields | {"action": "save"}).status_code == 303


def test_what_was_changed_of_a_campaign_that_was_deleted_meanwhile_can_become_a_new_one(
    site: Site, editor: Visitor
) -> None:
    token = create(site, site.shop)
    path = f"/campaigns/{token}/edit"
    fields = form_of(editor.get(path).text) | {"action": "save", "name": "Second"}
    url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/delete/{token}"
    assert httpx.post(url, headers=site.api_headers).status_code == 200
    assert editor.get(path).status_code == 404
    answer = editor.client.post(path, data=fields)
    assert answer.status_code == 409
    assert "Somebody has deleted this campaign since you opened it." in answer.text
    where = re.search(r'id="editor" method="post" action="([^"]+)"', answer.text)
    assert where
    again = editor.client.post(where[1], data=form_of(answer.text) | {"action": "save"})
    assert again.status_code == 303
    assert newest(site, site.shop) == PLAIN | {"name": "Second"}


def test_what_somebody_else_changed_is_told_before_it_is_gone_on_with(
    site: Site, own: Shop, page: Page
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    token = create(site, own.app)
    path = f"{site.address}/campaigns/{token}/edit"
    site.sign_in(page, Role.EDITOR)
    page.goto(path)
    box(page, "messages.a[0].title").fill("Mine")
    page.goto(site.address + "/campaigns")
    update(site, own.app, token, name="Theirs")
    page.goto(path)
    page.get_by_role("button", name="Go on with it").click()
    expect(page.locator("#problem")).to_contain_text(
        "Somebody has changed this campaign since you opened it."
    )
    expect(page.locator("#problem")).to_contain_text("sets these to what this form says: name, messages.")
    assert get(site, own.app, token)["name"] == "Theirs"


@pytest.mark.parametrize("action", ["check", "estimate", "add a", "copy"])
def test_no_button_makes_the_form_forget_what_it_began_with(
    site: Site, own: Shop, editor: Visitor, action: str
) -> None:
    token = create(site, own.app, live=True)
    path = f"/campaigns/{token}/edit"
    fields = form_of(editor.get(path).text) | {"action": action}
    update(site, own.app, token, live=False)
    answer = editor.client.post(path, data=fields)
    assert answer.status_code == 409
    assert "saving it now sets these to what this form says: live." in answer.text
    assert get(site, own.app, token)["live"] is False


def test_who_signs_out_offline_keeps_what_they_typed(site: Site, own: Shop, page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    fill(page)
    page.context.set_offline(True)
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.goto(site.address + own.new)
    go_on_and_save(site, own, page)


def test_what_is_typed_at_the_very_last_is_gone_with_the_sign_out_too(
    site: Site, own: Shop, page: Page
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.locator(".menu summary").click()
    page.evaluate("""() => {
      const name = document.querySelector('[name="name"]');
      name.value = "Secret sale";
      name.dispatchEvent(new Event("input", { bubbles: true }));
      document.querySelector('[action="/sign-out"] button').click();
    }""")
    page.wait_for_url("**/sign-in")
    assert page.evaluate("Object.values(sessionStorage).join()") == ""


def test_a_damaged_draft_is_no_obstacle_to_the_next(site: Site, own: Shop, page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    box(page, "name").fill("Spring sale")
    page.goto(site.address + "/campaigns")
    page.evaluate(
        '() => { for (const key of Object.keys(sessionStorage)) sessionStorage.setItem(key, \'{"at": "x"}\') }'
    )
    page.goto(site.address + own.new)
    fill(page)
    page.goto(site.address + "/campaigns")
    page.goto(site.address + own.new)
    go_on_and_save(site, own, page)


# The same form again


def tokens(site: Site, shop: Shop) -> list[str]:
    return [campaign.token for campaign in site.parts.records.campaigns(shop.app.id, 0, 100)]


@pytest.fixture
def filled(own: Shop, editor: Visitor) -> dict[str, Any]:
    """The form of a new campaign, as a browser sends it."""
    return form_of(editor.get(own.new).text) | TYPED | {"action": "save"}


def test_a_form_that_is_sent_again_makes_one_campaign(
    site: Site, own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    before = tokens(site, own)
    answers = [editor.client.post(own.new, data=filled) for _ in range(3)]
    made = set(tokens(site, own)).difference(before)
    assert {answer.headers["location"] for answer in answers} == {f"/campaigns/{token}" for token in made}
    assert len(made) == 1


def test_a_form_that_is_sent_twice_at_once_makes_one_campaign(
    site: Site, own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    before = tokens(site, own)
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(editor.client.post, own.new, data=filled) for _ in range(8)]
    assert {answer.result().status_code for answer in sent} == {303}
    assert len(tokens(site, own)) == len(before) + 1


def test_another_form_makes_another_campaign(
    site: Site, own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    before = tokens(site, own)
    for form in (filled, filled | {"once": "another form"}):
        assert editor.client.post(own.new, data=form).status_code == 303
    assert len(tokens(site, own)) == len(before) + 2


def test_a_form_that_says_something_else_than_before_makes_another_only_when_it_is_saved_once_more(
    site: Site, own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    before = tokens(site, own)
    assert editor.client.post(own.new, data=filled).status_code == 303
    answer = editor.client.post(own.new, data=filled | {"name": "Other sale"})
    assert answer.status_code == 409
    assert "This form has made Spring sale already." in answer.text
    assert len(tokens(site, own)) == len(before) + 1
    again = form_of(answer.text) | {"action": "save"}
    assert editor.client.post(own.new, data=again).status_code == 303
    assert newest(site, own.app)["name"] == "Other sale"
    assert len(tokens(site, own)) == len(before) + 2


def test_a_form_whose_campaign_is_deleted_can_be_saved_once_more(
    own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    made = editor.client.post(own.new, data=filled).headers["location"]
    assert editor.post(f"{made}/delete").status_code == 303
    answer = editor.client.post(own.new, data=filled)
    assert answer.status_code == 409
    assert "Somebody has deleted this campaign since you opened it." in answer.text
    again = editor.client.post(own.new, data=form_of(answer.text) | {"action": "save"})
    assert again.status_code == 303
    assert again.headers["location"] != made


def test_a_form_that_was_refused_is_the_same_form_still(
    site: Site, own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    before = tokens(site, own)
    refused = editor.client.post(own.new, data=filled | {"name": ""})
    again = form_of(refused.text) | {"action": "save", "name": "Mended"}
    assert [editor.client.post(own.new, data=again).status_code for _ in range(2)] == [303, 303]
    assert len(tokens(site, own)) == len(before) + 1


def test_the_same_form_in_two_apps_makes_a_campaign_in_each(
    site: Site, own: Shop, editor: Visitor, filled: dict[str, Any]
) -> None:
    locations = {
        editor.client.post(new_of(app), data=filled).headers["location"] for app in (own.app, site.shop)
    }
    assert len(locations) == 2


def test_a_button_whose_answer_does_not_come_can_be_pressed_again(site: Site, own: Shop, page: Page) -> None:
    site.sign_in(page, Role.EDITOR)
    page.clock.install()
    page.goto(site.address + own.new)
    fill(page)
    sent: list[str] = []

    def lose(route: Route) -> None:
        if not route.request.is_navigation_request():
            return route.fallback()
        sent.append(route.request.method)
        return route.abort("aborted")

    page.route("**/campaigns/new**", lose)
    create_it = page.get_by_role("button", name="Create campaign")
    create_it.click()
    create_it.click()
    assert sent == ["POST"]
    page.unroute("**/campaigns/new**")
    page.clock.fast_forward(11_000)
    create_it.click()
    page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))


# At once


def test_a_draft_that_goes_out_at_once_is_still_so_when_it_is_opened_again(
    site: Site, own: Shop, editor: Visitor
) -> None:
    token = create(site, own.app, push_time="now")
    kept = get(site, own.app, token)
    text = editor.get(f"/campaigns/{token}/edit").text
    assert form_of(text)["when"] == ["now"]
    assert edit(editor, token).status_code == 303
    assert get(site, own.app, token) == kept
    assert edit(editor, token, name="Other").status_code == 303
    assert get(site, own.app, token) == kept | {"name": "Other"}
    assert edit(editor, token, when="at", push_time="2049-03-10T10:00", zone="UTC").status_code == 303
    assert get(site, own.app, token)["push_time"] == "2049-03-10T10:00:00"
