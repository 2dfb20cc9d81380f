"""What follows the typing in the editor: estimate, preview, summary; and test sends."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import Site, Visitor
from editor import BY, Shop, box, create, dismiss, get, new_of, newest, save
from openrate import companies
from openrate.model import Platform, Role, Sender

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
    expect(estimate.locator(".warn").first).to_have_text("Nobody would get it.")
    box(page, "targeting.audiences.other").fill("")
    expect(estimate).to_contain_text("2 installations")
    expect(estimate).not_to_contain_text("Nobody would get it.")


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


def test_the_preview_follows_the_typing_where_the_app_is_and_when_asked_for_elsewhere(
    site: Site, own: Shop, page: Page
) -> None:
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
    page.locator("#preview-a-0").get_by_text("The same on iOS and in a browser").click()
    expect(ios).to_be_visible()
    expect(ios.locator("mark")).to_have_text("x" * 62 + "y")
    page.locator("summary", has_text="Link, media, payload").click()
    box(page, "media.picture").fill("https://cdn.example.com/hat.png")
    expect(ios.locator(".push-picture")).to_have_text("Picture from cdn.example.com")
    assert not [url for url in requests if not url.startswith(site.address)]


def test_a_message_that_is_too_long_is_measured_alike_beside_the_button_and_below_it(
    site: Site, own: Shop, page: Page
) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    summary, android = page.locator("#summary"), page.locator("#preview-a-0 .preview.android")
    box(page, "name").fill("Spring sale")
    box(page, "messages.a[0].body").fill("é" * 1_900)
    expect(summary).to_contain_text("Nothing is sent before it is live.")
    expect(summary).not_to_contain_text("too long")
    page.locator("summary", has_text="Link, media, payload").click()
    box(page, "custom_payload").fill('{"x": "' + "y" * 300 + '"}')
    expect(summary).to_contain_text("The message is too long to be sent")
    expect(android).to_contain_text("This is too long to be sent")
    [about] = set(re.findall(r"about (4,\d{3}) bytes", summary.inner_text() + android.inner_text()))
    assert int(about.replace(",", "")) > 4_096


def test_who_has_no_credentials_yet_is_told_beside_the_button(site: Site, own: Shop, editor: Visitor) -> None:
    bare = companies.create_app(site.parts.records, "Acme", "Unequipped", Platform.WEB, Sender.OPENRATE, BY)
    said = "has no credentials of a provider yet, so nothing goes out until a manager gives it some under Settings"
    text = save(editor, bare.app, action="check").text
    assert f"Unequipped {said}, Providers." in text
    assert said in editor.get(new_of(bare.app)).text
    for other in (own.app, site.shop):
        assert "has no credentials" not in editor.get(new_of(other)).text


def test_the_summary_says_what_is_missing_and_the_note_what_a_time_means(
    site: Site, own: Shop, page: Page
) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    summary = page.locator("#summary")
    expect(summary).to_contain_text("Still to do: Name: name is missing")
    box(page, "name").fill("Spring sale")
    expect(summary).to_contain_text("Still to do: Text: messages[0].body is missing")
    box(page, "messages.a[0].body").fill("Hello")
    expect(summary).to_contain_text("Nothing is sent before it is live.")
    page.get_by_label("At a time").check()
    page.get_by_label("Time zone").select_option("Europe/Paris")
    page.get_by_label("Date and time").fill("2049-03-28T02:30")
    note = page.locator("#when-note")
    expect(note).to_contain_text("That is 2049-03-28 01:30 UTC.")
    expect(note).to_contain_text("The clocks there skip 02:30 on that day: it is 03:30.")
    page.get_by_label("By everybody's own clock").check()
    expect(note).to_contain_text(
        "From 2049-03-27 12:30 UTC, where it is that time first, to 2049-03-28 14:30 UTC"
    )


def test_a_repeated_campaign_says_when_the_clocks_of_its_zone_shift_it(
    site: Site, own: Shop, page: Page
) -> None:
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.get_by_label("At a time").check()
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Date and time").fill("2099-03-20T09:00")
    note = page.locator("#when-note")
    expect(note).to_have_text("That is 2099-03-20 08:00 UTC.")
    page.get_by_label("Repeated").select_option("DAILY")
    expect(note).to_contain_text(
        "From 2099-03-29 it goes out at 10:00 on the clocks of Europe/Berlin instead of 09:00: "
        "a campaign that is repeated keeps its time in UTC."
    )
    box(page, "recurrence.end_date").fill("2099-03-28T09:00")
    expect(note).to_have_text("That is 2099-03-20 08:00 UTC.")
    box(page, "recurrence.end_date").fill("")
    expect(note).to_contain_text("From 2099-03-29 it goes out")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(note).to_have_text("That is 2099-03-20 00:00 UTC.")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("By everybody's own clock").check()
    expect(note).not_to_contain_text("instead of")


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
        page.get_by_label("Date and time").fill("2049-03-28T02:30")
        page.get_by_label("Time zone").select_option("America/Lima")
        page.get_by_role("button", name="Create campaign").click()
        page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}$"))
        assert newest(site, own.app)["push_time"] == "2049-03-28T07:30:00"
        page.get_by_role("link", name="Edit").click()
        expect(page.locator("#zone")).to_have_value("America/Lima")
        expect(page.get_by_label("Date and time")).to_have_value("2049-03-28T02:30")


def test_what_goes_out_at_once_is_asked_about_once_more(site: Site, own: Shop, page: Page) -> None:
    asked: list[str] = []
    site.sign_in(page, Role.EDITOR)
    page.goto(site.address + own.new)
    page.on("dialog", lambda dialog: dismiss(dialog, asked))
    box(page, "name").fill("In a hurry")
    box(page, "messages.a[0].body").fill("Hello")
    page.locator('[name="live"][value="true"]').check()
    expect(page.locator("#summary")).to_contain_text("It goes out as soon as you save it.")
    expect(page.locator("#estimate .big")).to_be_visible()
    page.get_by_role("button", name="Create campaign").click()
    assert asked == ["Send this now to about 6 installations of Own? It goes out as soon as it is saved."]
    page.route("**/*", lambda r: r.abort() if "estimate" in (r.request.post_data or "") else r.continue_())
    box(page, "targeting.languages").fill("fr")  # how many speak that is not known yet
    page.get_by_role("button", name="Create campaign").click()
    assert asked[1:] == ["Send this now to installations of Own? It goes out as soon as it is saved."]
    assert "In a hurry" not in [
        c.parameters["name"] for c in site.parts.records.campaigns(own.app.id, 0, 100)
    ]


def test_what_was_due_before_it_is_live_is_asked_about_as_well(site: Site, own: Shop, page: Page) -> None:
    token, asked = create(site, own.app, name="Long past", push_time="2026-03-10T09:00:00"), list[str]()
    site.sign_in(page, Role.EDITOR)
    page.goto(f"{site.address}/campaigns/{token}/edit")
    page.on("dialog", lambda dialog: dismiss(dialog, asked))
    expect(page.locator("#summary")).to_contain_text("Its time is past: it goes out as soon as it is live.")
    expect(page.locator("#estimate .big")).to_be_visible()
    page.locator('[name="live"][value="true"]').check()
    page.get_by_role("button", name="Save changes").click()
    assert asked == ["Send this now to about 6 installations of Own? It goes out as soon as it is saved."]
    page.get_by_role("link", name="to the campaign").click()
    assert len(asked) == 2  # whether to leave what was not sent
    elsewhere = page.context.new_page()
    elsewhere.on("dialog", lambda dialog: dismiss(dialog, asked))
    elsewhere.goto(f"{site.address}/campaigns/{token}")
    elsewhere.get_by_role("button", name="Make live").click()
    assert asked[2:] == ["Make it live now? Its time is past: it goes out as soon as it is live."]
    assert get(site, own.app, token)["live"] is False


def test_of_what_another_sender_does_with_a_time_that_is_past_nothing_is_said(
    site: Site, editor: Visitor
) -> None:
    token = create(site, site.shop, push_time="2026-03-10T09:00:00")
    assert "goes out as soon as it is live" not in editor.get(f"/campaigns/{token}/edit").text


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
    assert re.search(r'id="tried"><p class="said error"[^>]*>messages\[0\]\.body is missing', text)
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
