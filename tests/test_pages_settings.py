"""Settings as people see and use them."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import axe_violations
from dashboard import PASSWORD, QUICK, TLS, Site
from openrate import companies, people
from openrate.credentials import StubCredentials
from openrate.model import Action, App, By, Platform, Role, Rule, Scope, Sender
from openrate.web.pages import audit_lines
from providers import keys
from providers.endpoint import Asked, Reply, endpoint

MANAGERS_PAGES = [
    "/settings/keys",
    "/settings/providers",
    "/settings/people",
    "/settings/audit",
    "/settings/audit.csv",
]
HOUR = 3600


@pytest.fixture
def web(site: Site) -> App:
    """An app on the web."""
    return made_app(site, "Site", Platform.WEB)


def made_app(site: Site, name: str, platform: Platform) -> App:
    known = next((a for a in site.parts.records.apps(site.shop.company_id) if a.name == name), None)
    by = By("command line", site.parts.clock.now())
    return known or companies.create_app(site.parts.records, "Acme", name, platform, Sender.EXTERNAL, by).app


def said(answer: httpx.Response, client: httpx.Client) -> str:
    """What the page says to which an answer leads."""
    assert answer.status_code == 303, answer.text
    page = client.get(answer.headers["location"]).text
    found = re.search(r'<p class="said (?:done|error)"[^>]*>([^<]+)', page)
    return found[1] if found else ""


def secret_in(page: str) -> str:
    found = re.search(r'<code class="secret">([^<]+)', page)
    assert found, "no secret is shown"
    return found[1]


def opens(site: Site, key: str) -> int:
    """The status with which a REST key gets the list of campaigns."""
    url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/list"
    return httpx.get(url, headers={"X-Authorization": key}, verify=TLS).status_code


# General


def test_everybody_sees_the_apps_and_the_windows_and_only_managers_the_rest(site: Site) -> None:
    for role in (Role.VIEWER, Role.EDITOR):
        with site.client(role) as visitor:
            general = visitor.get("/settings").text
            assert all(key in general for key in (site.shop.live_key, site.shop.dev_key, site.shop.sdk_key))
            assert "/settings/keys" not in general
            assert "<form" not in general.partition("<main")[2]
            assert visitor.get(f"/settings/apps/{site.shop.live_key}").status_code == 200
            assert "<form" not in visitor.get("/settings/windows").text.partition("<main")[2]
            assert [visitor.get(page).status_code for page in MANAGERS_PAGES] == [403] * 5
    with site.client() as visitor:
        assert [visitor.get(page).status_code for page in MANAGERS_PAGES] == [200] * 5


def test_the_apps_of_others_are_not_there(site: Site) -> None:
    with site.client() as visitor:
        assert site.rival.live_key not in visitor.get("/settings").text
        for path in ("", "/first", "/credentials"):
            assert visitor.get(f"/settings/apps/{site.rival.live_key}{path}").status_code == 404


@pytest.fixture
def newcomer(site: Site) -> Iterator[str]:
    """The address of the manager of a company that has nothing yet."""
    by = By("command line", site.parts.clock.now())
    company = site.parts.records.create_company("New", Rule(), by)
    person = people.add(site.parts.people, company.id, "manager@new.example", Role.MANAGER, by)
    site.parts.people.set_password(person, QUICK.hash(PASSWORD), by)
    yield person.email
    assert len(site.parts.records.apps(company.id)) == 1


def test_a_new_company_comes_from_no_app_to_its_first_number(site: Site, page: Page, newcomer: str) -> None:
    assert newcomer == site.email(Role.MANAGER, "new")
    site.sign_in(page, company="new")
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="There is no app yet")).to_be_visible()
    page.get_by_label("Name").fill("Shop")
    page.get_by_role("button", name="Add the app").click()
    page.get_by_role("link", name="First number").click()
    page.get_by_role("button", name="Make a REST key and put it in").click()
    expect(page.get_by_text("No fact of Shop has arrived")).to_be_visible()
    lines = page.locator("pre").all_inner_texts()
    shell = subprocess.run(["sh", "-ec", "\n".join(lines)], capture_output=True, text=True, check=True)
    answer = json.loads(shell.stdout[shell.stdout.index('{"campaign_token"') :])
    assert [row["direct_open"] for row in answer["detail"]] in (
        [1],
        [],
    )  # or a moment later, as the page says
    expect(page.get_by_text("2 facts of Shop arrived")).to_be_visible()
    page.get_by_role("link", name="the campaign", exact=True).click()
    expect(page.locator("tbody tr td.num")).to_have_text(["1", "100.0 %"])


def test_an_app_that_is_there_already_is_not_added_again(site: Site) -> None:
    with site.client() as visitor:
        form = {"name": "Shop", "platform": "ios", "sender": "external"}
        visitor.client.headers["Referer"] = site.address + "/settings"
        assert "has an app Shop for ios already" in said(
            visitor.post("/settings/apps", **form), visitor.client
        )
        assert visitor.post("/settings/apps", **form | {"platform": "toaster"}).status_code == 400


def test_who_sends_changes_only_when_it_is_meant(site: Site) -> None:
    app = made_app(site, "Sent for", Platform.ANDROID)
    place = f"/settings/apps/{app.live_key}"

    def sender() -> Sender:
        return made_app(site, "Sent for", Platform.ANDROID).sender

    with site.client() as visitor:
        visitor.client.headers["Referer"] = site.address + place
        assert "tick the box" in said(visitor.post(place + "/sender", sender="openrate"), visitor.client)
        assert sender() is Sender.EXTERNAL
        visitor.post(place + "/sender", sender="openrate", sure="yes")
        assert sender() is Sender.OPENRATE
        page = visitor.get(place).text
        assert "Nothing is sent until it has credentials" in page
        assert "ends at once and for good" in page
        assert "1 to 100,000,000" in said(visitor.post(place + "/rate", rate="999999999999"), visitor.client)
        assert "a whole number" in said(visitor.post(place + "/rate", rate="-1"), visitor.client)
        visitor.post(place + "/rate", rate="600")
        assert "600 a minute at most" in visitor.get(place).text
        visitor.post(place + "/rate", rate="")
        assert "a minute at most." not in visitor.get(place).text
        visitor.post(place + "/sender", sender="external", sure="yes")
        assert sender() is Sender.EXTERNAL


def test_a_change_of_the_sender_that_takes_long_is_waited_for_on_the_page(site: Site, page: Page) -> None:
    app = made_app(site, "Large", Platform.IOS)
    place = f"/settings/apps/{app.live_key}"
    site.sign_in(page)
    page.goto(site.address + place)
    page.get_by_label("I mean it").check()
    # As if it had thousands of campaigns.
    with site.client(Role.VIEWER) as visitor, site.parts.records.database._lock:
        page.get_by_role("button", name="Let Openrate send").click()
        expect(page.get_by_text("The sender is being changed")).to_be_visible()
        assert visitor.get(place + "/part/sender").status_code == 204
    expect(page.get_by_role("button", name="Let my own sender send")).to_be_visible()


# REST keys


def test_a_rest_key_is_shown_once_and_works(site: Site) -> None:
    with site.client() as visitor:
        answer = visitor.post("/settings/keys", scope="read")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        key = secret_in(answer.text)
        assert opens(site, key) == 200
        assert key not in visitor.get("/settings/keys").text
        url = f"{site.address}/1.1/{site.shop.live_key}/campaigns/create"
        assert httpx.post(url, headers={"X-Authorization": key}, json={}, verify=TLS).status_code == 403
        assert visitor.post("/settings/keys", scope="everything").status_code == 400


def test_a_rotated_key_opens_nothing_and_the_new_one_what_it_opened(site: Site, page: Page) -> None:
    site.sign_in(page)
    page.goto(site.address + "/settings/keys")
    page.get_by_role("button", name="Make a key").click()
    old = page.locator("code.secret").inner_text()
    number = re.search(r"\d+", page.locator("h2", has_text="REST key").inner_text())
    assert number
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Rotate REST key {number[0]}", exact=True).click()
    expect(page.locator(".once")).to_contain_text(f"REST key {number[0]} is revoked")
    new = page.locator("code.secret").inner_text()
    assert (opens(site, old), opens(site, new)) == (401, 200)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name=f"Revoke REST key {int(number[0]) + 1}", exact=True).click()
    assert opens(site, new) == 200
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Revoke REST key {int(number[0]) + 1}", exact=True).click()
    expect(page.locator(".said.done")).to_contain_text("is revoked")
    assert opens(site, new) == 401
    assert new not in page.content()


def test_a_key_of_another_company_is_as_if_it_were_not_there(site: Site) -> None:
    (_, rivals), *_ = site.parts.records.keys(site.rival.company_id)
    with site.client() as visitor:
        assert visitor.post(f"/settings/keys/{rivals.id}/revoke").status_code == 404
        assert visitor.post("/settings/keys", instead_of=str(rivals.id)).status_code == 404
    (_, after), *_ = site.parts.records.keys(site.rival.company_id)
    assert after.revoked_at is None


def test_a_key_that_is_revoked_is_not_rotated(site: Site) -> None:
    with site.client() as visitor:
        visitor.client.headers["Referer"] = site.address + "/settings/keys"
        visitor.post("/settings/keys", scope="full")
        key = site.parts.records.keys(site.shop.company_id)[-1][1]
        visitor.post(f"/settings/keys/{key.id}/revoke")
        assert "revoked already" in said(
            visitor.post("/settings/keys", instead_of=str(key.id)), visitor.client
        )


# Providers


def test_credentials_are_loaded_from_a_file_kept_and_shown_without_what_is_secret(
    site: Site, page: Page, tmp_path: Path
) -> None:
    pem = keys.p256_pem()
    file = tmp_path / "AuthKey_ABCDE12345.p8"
    file.write_text(pem)
    site.sign_in(page)
    page.goto(f"{site.address}/settings/apps/{site.shop.live_key}/credentials")
    page.get_by_label("Or load it from a file").set_input_files(file)
    expect(page.get_by_label("The .p8 file")).to_have_value(pem)
    page.get_by_label("Key id").fill("short")
    page.get_by_label("Team id").fill("TEAM567890")
    page.get_by_label("Bundle id").fill("com.example.shop")
    page.get_by_role("button", name="Set the credentials").click()
    expect(page.locator(".wrong .complaint")).to_contain_text("The key id is wrong")
    expect(page.get_by_label("The .p8 file")).to_have_value("")
    expect(page.get_by_label("Bundle id")).to_have_value("com.example.shop")
    page.get_by_label("The .p8 file").fill(pem)
    page.get_by_label("Key id").fill("ABCDE12345")
    page.get_by_role("button", name="Set the credentials").click()
    page.wait_for_url("**/settings/providers")
    card = page.locator("section", has_text="Apple Push Notification service")
    expect(card).to_contain_text("ABCDE12345")
    assert pem.splitlines()[2] not in page.content()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove the credentials of Shop").click()
    expect(page.locator(".said.done")).to_contain_text("has no credentials any more")


def test_a_web_key_is_made_here_and_its_public_half_shown(site: Site, web: App) -> None:
    place = f"/settings/apps/{web.live_key}/credentials"
    with site.client() as visitor:
        assert "The address to write to is missing" in visitor.post(place, provider="webpush").text
        visitor.post(place, provider="webpush", subject="mailto:push@example.com")
        made = site.parts.vault.of(web.id)
        assert getattr(made, "public_key", "none") in visitor.get("/settings/providers").text
        assert "The key signs" in said(visitor.post(place + "/check"), visitor.client)


def test_a_page_says_neither_whom_the_server_calls_nor_what_it_writes_to(site: Site, tmp_path: Path) -> None:
    place = f"/settings/apps/{site.shop.live_key}/credentials"
    with site.client() as visitor:
        stub = json.dumps({"journal": str(tmp_path / "journal")})
        assert "on the server" in visitor.post(place, provider="stub", file=stub).text
        visitor.post(place, provider="stub", base_url="https://127.0.0.1/")
        assert site.parts.vault.of(site.shop.id) == StubCredentials()
        visitor.post(place + "/remove")


@contextmanager
def apple(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Reply]]:
    """An Apple that answers with the replies put into the list, for an app whose credentials name it."""
    replies: list[Reply] = []

    def reply(_: Asked) -> Reply:
        return replies.pop(0)

    with endpoint(folder) as service:
        service.reply = reply
        monkeypatch.setenv("SSL_CERT_FILE", str(service.ca_file))
        by = By("command line", site.parts.clock.now())
        site.parts.vault.put(site.shop, keys.apns(service.url), by)
        yield replies
        site.parts.vault.remove(site.shop, by)


def test_a_check_says_what_the_provider_thinks_of_credentials(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = f"/settings/apps/{site.shop.live_key}/credentials/check"
    with apple(site, tmp_path, monkeypatch) as replies, site.client() as visitor:
        visitor.client.headers["Referer"] = site.address + "/settings/providers"
        for reply, words in (
            (Reply(400, b'{"reason": "BadDeviceToken"}'), "Apple takes this key"),
            (
                Reply(403, b'{"reason": "InvalidProviderToken"}'),
                "refused. Apple answered 403 InvalidProviderToken",
            ),
            (Reply(503), "cannot be told now. Apple answered 503"),
        ):
            replies.append(reply)
            assert words in said(visitor.post(check), visitor.client)
        assert "try again in a minute" in said(visitor.post(check), visitor.client)
        assert replies == []


# Windows


WINDOWS = {
    "influence_window": "3",
    "influence_window_unit": "h",
    "reengage_window": "3",
    "reengage_window_unit": "d",
    "inactive_after": "30",
    "inactive_after_unit": "d",
    "sure": "yes",
}


@pytest.fixture
def influenced(site: Site) -> Iterator[str]:
    """The address of the statistics of a campaign that was sent to one, who opened the app four hours later."""
    api, headers = f"{site.address}/1.1/{site.shop.live_key}/campaigns", site.api_headers
    campaign = {"name": "Slow", "live": True, "push_time": "2026-03-02T07:00:00", "messages": [{"body": "x"}]}
    token = httpx.post(api + "/create", json=campaign, headers=headers, verify=TLS).json()["campaign_token"]
    events = [
        {"type": "push_sent", "campaign_token": token, "installation_id": "i", "at": "2026-03-02T07:00:00Z"},
        {"type": "app_open", "installation_id": "i", "at": "2026-03-02T11:00:00Z"},
    ]
    httpx.post(f"{site.address}/v1/{site.shop.live_key}/events", json=events, headers=headers, verify=TLS)
    site.parts.log.settle()
    yield f"{api}/stats/{token}"
    with site.client() as visitor:
        visitor.post("/settings/windows", **WINDOWS)


def influenced_opens(site: Site, stats: str) -> int:
    (day,) = httpx.get(stats, headers=site.api_headers, verify=TLS).json()["detail"]
    return int(day["influenced_open"])


def test_other_windows_count_the_past_anew(site: Site, page: Page, influenced: str) -> None:
    assert influenced_opens(site, influenced) == 0
    site.sign_in(page)
    page.goto(site.address + "/settings/windows")
    page.get_by_label("Influence window", exact=True).fill("240")
    page.get_by_label("Unit of the influence window").select_option("minutes")
    page.get_by_label("I know that numbers of the past change.").check()
    page.get_by_role("button", name="Count with these windows").click()
    expect(page.locator("#now")).to_contain_text("within 4 hours")
    expect(page.get_by_label("Influence window", exact=True)).to_have_value("4")
    assert influenced_opens(site, influenced) == 1


def test_until_the_past_is_counted_the_old_numbers_answer_and_the_page_says_so(
    site: Site, page: Page, influenced: str
) -> None:
    site.sign_in(page)
    page.goto(site.address + "/settings/windows")
    page.get_by_label("Influence window", exact=True).fill("5")
    page.get_by_label("I know that numbers of the past change.").check()
    with site.parts.log._attribution:  # type: ignore[attr-defined]  # as if it had millions of facts to count
        page.get_by_role("button", name="Count with these windows").click()
        expect(page.locator("#now")).to_contain_text("within 3 hours")
        expect(page.locator("#now .said")).to_contain_text("counted anew with 5 hours, 3 days and 30 days")
        assert influenced_opens(site, influenced) == 0
        with site.client() as visitor:
            visitor.client.headers["Referer"] = site.address + "/settings/windows"
            again = visitor.post("/settings/windows", **WINDOWS)
            assert "already" in said(again, visitor.client)
            seen = re.search(r"seen=(\w+)", visitor.get("/settings/windows").text)
            assert seen
            assert visitor.get(f"/settings/windows/part/now?seen={seen[1]}").status_code == 204
    expect(page.locator("#now")).to_contain_text("within 5 hours")
    expect(page.locator("#now .said")).to_have_count(0)
    assert influenced_opens(site, influenced) == 1


def test_a_change_of_windows_that_was_interrupted_can_be_brought_to_its_end(
    site: Site, influenced: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    with site.client() as visitor:
        monkeypatch.setattr(site.parts.log, "set_rule", fail)
        visitor.post("/settings/windows", **WINDOWS | {"influence_window": "6"})
        assert "ended early: The server failed at this" in visitor.get("/settings/windows").text
        assert influenced_opens(site, influenced) == 0
        monkeypatch.undo()
        visitor.post("/settings/windows", **WINDOWS | {"influence_window": "6"})
        assert "ended early" not in visitor.get("/settings/windows").text
        assert influenced_opens(site, influenced) == 1


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"influence_window": "4", "influence_window_unit": "d"}, "influence_window", "1m to 3d is accepted"),
        ({"reengage_window": "8"}, "reengage_window", "1h to 7d is accepted"),
        ({"inactive_after": "366"}, "inactive_after", "1d to 365d is accepted"),
        ({"inactive_after": "-1"}, "inactive_after", "a whole number"),
        ({"inactive_after": "9" * 50}, "inactive_after", "a whole number"),
        ({"inactive_after_unit": "years"}, "inactive_after", "a whole number"),
        ({"sure": ""}, "sure", "tick the box"),
    ],
)
def test_windows_that_cannot_be_are_said_beside_their_field(
    site: Site, changed: dict[str, str], field: str, words: str
) -> None:
    with site.client() as visitor:
        answer = visitor.post("/settings/windows", **WINDOWS | changed)
        assert answer.status_code == 400
        complaint = re.search(r'class="complaint" id="(\w+)-error">([^<]+)', answer.text)
        assert complaint
        assert (complaint[1], words in complaint[2]) == (field, True)
    assert site.parts.records.company_of(site.shop).rule == Rule()


# People


def test_somebody_is_added_chooses_a_password_and_signs_in(site: Site, page: Page, browser: Browser) -> None:
    site.sign_in(page)
    page.goto(site.address + "/settings/people")
    page.get_by_label("E-mail address").fill("New@Acme.example")
    page.get_by_label("Role", exact=True).select_option("editor")
    page.get_by_role("button", name="Add and make a link").click()
    link = page.locator("code.secret").inner_text()
    expect(page.locator("li", has_text="new@acme.example")).to_contain_text("no password yet")
    with browser.new_context() as other:
        theirs = other.new_page()
        theirs.goto(link)
        theirs.get_by_label("Password", exact=True).fill("a new password")
        theirs.get_by_label("The same again").fill("a new password")
        theirs.get_by_role("button", name="Set the password").click()
        theirs.get_by_label("E-mail address").fill("new@acme.example")
        theirs.get_by_label("Password").fill("a new password")
        theirs.get_by_role("button", name="Sign in").click()
        theirs.wait_for_url("**/campaigns")
        page.reload()
        page.goto(site.address + "/settings/people")
        assert link not in page.content()
        expect(page.locator("li", has_text="new@acme.example")).to_contain_text("1 browser")
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Sign out new@acme.example everywhere").click()
        expect(page.locator(".said.done")).to_contain_text("signed out everywhere")
        theirs.reload()
        theirs.wait_for_url("**/sign-in**")
    page.get_by_label("Role of new@acme.example", exact=True).select_option("viewer")
    page.get_by_role("button", name="Set the role of new@acme.example").click()
    expect(page.locator(".said.done")).to_contain_text("is viewer now")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove new@acme.example").click()
    expect(page.locator("li", has_text="new@acme.example")).to_have_count(0)


def person_number(site: Site, email: str) -> str:
    known = site.parts.people.by_email(email)
    assert known
    return str(known[0].id)


def test_a_new_link_replaces_a_forgotten_password(site: Site) -> None:
    with site.client() as visitor:
        number = person_number(site, site.email(Role.EDITOR))
        link = secret_in(visitor.post("/settings/people", person=number).text)
        assert link.startswith(site.address + "/welcome/")
    with site.client(Role.EDITOR) as editor:  # with the password before
        form = {"password": PASSWORD, "repeated": PASSWORD}
        assert editor.client.post(link, data=form).status_code == 303
        assert editor.get("/account").status_code == 303


def test_the_last_manager_stays(site: Site) -> None:
    own = person_number(site, site.email(Role.MANAGER))
    with site.client() as visitor:
        visitor.client.headers["Referer"] = site.address + "/settings/people"
        for path, form in (("role", {"role": "viewer"}), ("remove", {})):
            answer = visitor.post(f"/settings/people/{own}/{path}", **form)
            assert "is the only manager who can sign in" in said(answer, visitor.client)


def test_people_of_another_company_are_as_if_they_were_not_there(site: Site) -> None:
    rival = person_number(site, site.email(Role.EDITOR, "rival"))
    with site.client() as visitor:
        assert site.email(Role.EDITOR, "rival") not in visitor.get("/settings/people").text
        assert visitor.post("/settings/people", person=rival).status_code == 404
        for path in ("role", "sign-out", "remove"):
            assert visitor.post(f"/settings/people/{rival}/{path}", role="viewer").status_code == 404
        for number in ("0", "-1", "x", "9" * 400, "%00", "1.0", "٣"):
            assert visitor.post("/settings/people", person=number).status_code == 404
        visitor.client.headers["Referer"] = site.address + "/settings/people"
        form = {"email": site.email(Role.EDITOR, "rival"), "role": "viewer"}
        assert "in use already" in said(visitor.post("/settings/people", **form), visitor.client)


# Audit log


def test_every_action_has_words() -> None:
    assert set(audit_lines.WORDS) == set(Action)


def test_the_audit_log_says_who_changed_what_and_can_be_narrowed(site: Site, page: Page) -> None:
    app = made_app(site, "Audited", Platform.IOS)
    with site.client() as visitor:
        visitor.post(f"/settings/apps/{app.live_key}/sender", sender="openrate", sure="yes")
    site.sign_in(page)
    page.goto(site.address + "/settings/audit")
    row = page.locator("tbody tr", has_text="changed the app Audited")
    expect(row).to_contain_text("manager@acme.example changed the app Audited")
    expect(row).to_contain_text("sender: external → openrate")
    row.get_by_role("link", name="Audited").click()
    page.wait_for_url("**subject=Audited")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Who").fill("command line")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**by=command**")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("command line added the app Audited")
    page.get_by_label("What").fill("nothing like it")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("There is no such entry.")).to_be_visible()


def test_the_audit_log_says_who_put_and_removed_a_named_list(site: Site) -> None:
    url = f"{site.address}/v1/{site.shop.live_key}/audiences/audited"
    for ids in (["a", "b"], ["a", "b", "c"]):
        assert httpx.post(url, json=ids, headers=site.api_headers).status_code == 200
    assert httpx.delete(url, headers=site.api_headers).status_code == 200
    with site.client() as visitor:
        page = visitor.get(f"/settings/audit?subject=audited+of+{site.shop.name}").text
        assert page.count("put the named list") == 2
        assert page.count("removed the named list") == 1
        answer = visitor.get(f"/settings/audit.csv?subject=audited+of+{site.shop.name}")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["action"], row["field"], row["before"], row["after"]) for row in rows] == [
        ("named list removed", "installations", "3", ""),
        ("named list put", "installations", "2", "3"),
        ("named list put", "installations", "", "2"),
    ]
    assert all(re.fullmatch(r"REST key \d+", row["by"]) for row in rows)


def test_the_audit_log_has_pages_and_a_file_with_all_of_it(site: Site) -> None:
    formula = "=HYPERLINK(1)"
    by = By(formula, site.parts.clock.now())
    for _ in range(60):
        companies.create_key(site.parts.records, site.rival.company_id, Scope.READ, by)
    with site.client(company="rival") as visitor:
        first = visitor.get("/settings/audit?by=%3DHYPERLINK%281%29").text
        assert first.count("made the REST key") == 50
        older = re.search(r'href="([^"]+before=\d+)"', first)
        assert older
        second = visitor.get(older[1].replace("&amp;", "&")).text
        assert second.count("made the REST key") == 10
        answer = visitor.get("/settings/audit.csv?by=%3DHYPERLINK%281%29")
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["cache-control"] == "no-store"
        assert re.search(r'filename="audit-\d{4}-\d\d-\d\d\.csv"', answer.headers["content-disposition"])
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == 60
        assert (rows[0]["by"], rows[0]["field"], rows[0]["after"]) == ("'" + formula, "scope", "read")
        assert visitor.get("/settings/audit?before=" + "9" * 400).status_code == 200
    with site.client() as visitor:
        assert visitor.get("/settings/audit.csv?by=%3DHYPERLINK%281%29").text.count("\n") == 1


def test_a_campaign_is_called_by_its_name_in_the_log(site: Site, influenced: str) -> None:
    token = influenced.rpartition("/")[2]
    with site.client() as visitor:
        assert re.search(
            rf'created the campaign <a href="/settings/audit\?subject={token}">Slow</a>',
            visitor.get("/settings/audit").text,
        )


# Every page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_axe_finds_nothing_wrong_and_nothing_scrolls_sideways(
    site: Site, web: App, browser: Browser, scheme: Any, width: int
) -> None:
    android = made_app(site, "Droid", Platform.ANDROID)
    app = "/settings/apps/" + site.shop.live_key
    with site.client() as visitor:
        visitor.post(f"/settings/apps/{web.live_key}/sender", sender="openrate", sure="yes")
        visitor.post(f"/settings/apps/{web.live_key}/credentials", provider="stub")
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        site.sign_in(page)
        for path in (
            "/settings",
            app,
            app + "/first",
            app + "/credentials",
            f"/settings/apps/{web.live_key}",
            f"/settings/apps/{web.live_key}/credentials",
            f"/settings/apps/{android.live_key}/credentials",
            "/settings/keys",
            "/settings/providers",
            "/settings/windows",
            "/settings/people",
            "/settings/audit",
        ):
            page.goto(site.address + path)
            assert (path, axe_violations(page)) == (path, [])
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, width)
        page.goto(site.address + "/settings/keys")
        page.get_by_role("button", name="Make a key").click()
        expect(page.locator(".once")).to_be_visible()
        assert axe_violations(page) == []


def test_without_scripts_windows_are_set_and_keys_made(site: Site, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        site.sign_in(page)
        page.goto(site.address + "/settings/windows")
        page.get_by_label("I know that numbers of the past change.").check()
        page.get_by_role("button", name="Count with these windows").click()
        expect(page.locator(".said.done")).to_be_visible()
        page.goto(site.address + "/settings/keys")
        page.get_by_role("button", name="Make a key").click()
        assert opens(site, page.locator("code.secret").inner_text()) == 200
