"""Every page and every form under attack. Routes that are added later are attacked as well."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

from dashboard import PASSWORD, QUICK, TLS, Site, Visitor
from openrate import companies, people
from openrate.config import Settings
from openrate.model import App, By, Platform, Role, Scope, Sender
from openrate.web.app import http_app

OPEN = {"/", "/sign-in", "/welcome/{link}"}
"""What whoever comes may see and send."""
OF_VIEWERS = {"/sign-out", "/account/password", "/account/sessions"}
"""The forms of viewers; those of editors are below ``/campaigns``."""
EVIL = "\"'></title></script><script>alert(1)</script><img src=x onerror=alert(2)>"
TEXT = [{"title": EVIL, "body": EVIL, "deeplink": "javascript:alert(3)"}]


class Place(NamedTuple):
    """A route of the pages."""

    method: str
    path: str

    @property
    def names_something(self) -> bool:
        return "{" in self.path and self.path not in OPEN


class Things(NamedTuple):
    """What a company has, as it stands in the paths of its pages."""

    campaign: str
    app: str
    key: int
    person: int

    def path(self, place: Place) -> str:
        """The path of a place with these things in it."""
        known = {
            "campaigns/{token}": self.campaign,
            "apps/{key}": self.app,
            "keys/{id}": self.key,
            "people/{id}": self.person,
            "welcome/{link}": "A" * 43,
        }

        def fill(found: re.Match[str]) -> str:
            assert found[0] in known, f"say above what {found[0]} is, so that it is attacked"
            return f"{found[1]}/{known[found[0]]}"

        return re.sub(r"(\w+)/{\w+}", fill, place.path)


@pytest.fixture(scope="module")
def places(site: Site) -> list[Place]:
    """Every route that is not one of the HTTP interface, nor a file."""
    described = httpx.get(site.address + "/openapi.json", verify=TLS).json()["paths"]
    routes: list[Any] = http_app(Settings(data=Path("unused")), site.parts, None).inner.routes
    found = [
        Place(method, re.sub(r"{(\w+):str}", r"{\1}", route.path_format))
        for route in routes
        for method in sorted(route.methods - {"OPTIONS"})
    ]
    pages = [p for p in found if p.path not in described and not p.path.startswith("/static/")]
    assert {"/", "/account", "/campaigns/{token}", "/settings/keys"} <= {place.path for place in pages}
    return pages


def things(site: Site, company_id: int, app: App, email: str) -> Things:
    by = By("command line", site.parts.clock.now())
    key, secret = companies.create_key(site.parts.records, company_id, Scope.FULL, by)
    given = {
        "name": EVIL,
        "live": True,
        "push_time": "2026-03-02T07:00:00",
        "messages": TEXT,
        "labels": [EVIL],
    }
    url = f"{site.address}/1.1/{app.live_key}/campaigns/create"
    answer = httpx.post(url, json=given, headers={"X-Authorization": secret}, verify=TLS)
    assert answer.status_code == 201, answer.text
    person = site.parts.people.by_email(email)
    assert person
    return Things(answer.json()["campaign_token"], app.live_key, key.id, person[0].id)


@pytest.fixture(scope="module")
def own(site: Site) -> Things:
    return things(site, site.shop.company_id, site.shop, site.email(Role.VIEWER))


@pytest.fixture(scope="module")
def rivals(site: Site) -> Things:
    return things(site, site.rival.company_id, site.rival, site.email(Role.VIEWER, "rival"))


def stored(site: Site) -> dict[str, list[Any]]:
    """Everything in the database but what is noted at each page: when a session was used, and figures."""
    with closing(sqlite3.connect(site.parts._folder.records)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {t: list(database.execute(f"SELECT * FROM {t}")) for t in tables if t != "audience_days"}  # noqa: S608 - the names are ours
    rows["sessions"] = [row[:-1] for row in rows["sessions"]]
    return rows


@pytest.fixture
def unchanged(site: Site) -> Iterator[None]:
    """Nothing of what is stored may change meanwhile, but for sessions that begin."""
    before = stored(site)
    yield
    after = stored(site)
    assert after.pop("sessions")[: len(before["sessions"])] == before.pop("sessions")
    assert after == before


def forms(places: list[Place], *, open_to_all: bool = False) -> list[Place]:
    return [p for p in places if p.method == "POST" and (p.path in OPEN) is open_to_all]


# Who


@pytest.mark.usefixtures("unchanged")
def test_whoever_is_not_signed_in_is_asked_to_everywhere(
    site: Site, places: list[Place], own: Things
) -> None:
    with httpx.Client(base_url=site.address, headers={"Origin": site.address}, verify=TLS) as client:
        for place in places:
            if place.path in OPEN:
                continue
            answer = client.request(
                place.method, own.path(place), data={"csrf": "x"} if place.method == "POST" else None
            )
            assert (place, answer.status_code) == (place, 303)
            assert answer.headers["location"].startswith("/sign-in"), place
            answer = client.request(place.method, own.path(place), headers={"HX-Request": "true"})
            assert (place, answer.status_code) in {(place, 401), (place, 403), (place, 400)}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_a_form_is_refused_to_a_lower_role(site: Site, places: list[Place], own: Things, role: Role) -> None:
    with site.client(role) as visitor:
        for place in forms(places):
            is_editors = place.path.startswith("/campaigns/") and role is Role.EDITOR
            if place.path not in OF_VIEWERS and not is_editors:
                assert (place, visitor.post(own.path(place)).status_code) == (place, 403)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.MANAGER])
def test_what_belongs_to_another_company_is_not_there(
    site: Site, places: list[Place], own: Things, rivals: Things, role: Role
) -> None:
    with site.client(role) as visitor:
        for place in filter(lambda place: place.names_something, places):
            answer = (
                visitor.get(rivals.path(place)) if place.method == "GET" else visitor.post(rivals.path(place))
            )
            is_refused = role is not Role.MANAGER and answer.status_code == 403
            assert is_refused or (place, answer.status_code) == (place, 404)
            if place.method == "GET" and not is_refused:
                assert visitor.get(own.path(place)).status_code in {200, 204}, place


def test_a_page_says_nothing_of_another_company(
    site: Site, places: list[Place], own: Things, rivals: Things
) -> None:
    secrets = [rivals.campaign, rivals.app, site.email(Role.VIEWER, "rival"), "News"]
    with site.client() as visitor:
        for place in places:
            if place.method == "GET" and place.path != "/sign-in":
                for query in ("", f"?app={rivals.app}&q=rival&token={rivals.campaign}"):
                    shown = visitor.get(own.path(place) + query).text.replace(query[1:], "")
                    assert not [s for s in secrets if s in shown and s not in query], place


# Forged forms


Forge = Callable[[Visitor, Visitor, Visitor], tuple[dict[str, str], dict[str, str]]]
"""Makes the fields and the headers of an attack, given the attacked, somebody else, and another session of theirs."""


def with_token(token: str) -> Forge:
    return lambda *_: ({"csrf": token}, {})


def from_elsewhere(**headers: str) -> Forge:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda attacked, *_: ({"csrf": attacked.csrf()}, named)


FORGED: dict[str, Forge] = {
    "no token": lambda *_: ({"sure": "yes"}, {}),
    "an empty token": with_token(""),
    "a token that is none": with_token("A" * 64),
    "a token that is no base64": with_token("é/+ %"),
    "a token of zeros": with_token("A" * 22 + "=="),
    "the token of somebody else": lambda _, other, __: ({"csrf": other.csrf()}, {}),
    "the token of another session": lambda _, __, second: ({"csrf": second.csrf()}, {}),
    "from another site": from_elsewhere(Sec_Fetch_Site="cross-site"),
    "from a neighbour": from_elsewhere(Sec_Fetch_Site="same-site"),
    "from another origin": from_elsewhere(Origin="https://evil.example"),
    "from another port": from_elsewhere(Origin="http://127.0.0.1:1"),
    "from nowhere": from_elsewhere(Origin="null"),
    "without an origin": from_elsewhere(Origin=""),
    "from a name that begins like ours": from_elsewhere(Origin="http://127.0.0.1.evil.example"),
    "from our name as a user's": from_elsewhere(Origin="http://127.0.0.1@evil.example"),
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("attack", FORGED)
def test_a_forged_form_is_refused(site: Site, places: list[Place], own: Things, attack: str) -> None:
    with site.client() as attacked, site.client(Role.EDITOR) as other, site.client() as second:
        form, headers = FORGED[attack](attacked, other, second)
        for place in forms(places):
            answer = attacked.client.post(own.path(place), data=form, headers=headers)
            assert (place, answer.status_code) == (place, 403)
        assert attacked.get("/account").status_code == 200


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("attack", [name for name in FORGED if "from" in name or "origin" in name])
def test_other_sites_sign_nobody_in(site: Site, places: list[Place], own: Things, attack: str) -> None:
    with site.client() as attacked:
        _, headers = FORGED[attack](attacked, attacked, attacked)
    form = {"email": site.email(Role.MANAGER), "password": PASSWORD, "repeated": PASSWORD}
    with httpx.Client(base_url=site.address, headers={"Origin": site.address}, verify=TLS) as client:
        for place in forms(places, open_to_all=True):
            assert (place, client.post(own.path(place), data=form, headers=headers).status_code) == (
                place,
                403,
            )


@pytest.mark.usefixtures("unchanged")
def test_looking_changes_nothing(site: Site, places: list[Place], own: Things) -> None:
    with site.client() as visitor:
        for place in places:
            path = own.path(place)
            for method in ("GET", "HEAD"):
                for query in (
                    "",
                    f"?csrf={visitor.csrf()}&sure=yes&sender=openrate&role=viewer&person={own.person}",
                ):
                    answer = visitor.client.request(method, path + query)
                    assert answer.status_code in {200, 204, 303, 404, 405}, place
        assert visitor.get("/account").status_code == 200


# What is shown


class Tags(HTMLParser):
    """What is in a page that its policy forbids: it would be dead, or an attack."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forbidden: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        is_script = tag == "script" and "src" not in named and named.get("type") != "application/json"
        if is_script or tag == "style" or any(name == "style" or name.startswith("on") for name in named):
            self.forbidden.append(self.get_starttag_text() or tag)


def check_headers(answer: httpx.Response) -> None:
    """Every page has them, whatever it says."""
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    if not headers["content-type"].startswith("text/html"):
        return
    policy = headers["content-security-policy"].split("; ")
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ):
        assert part in policy
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    tags = Tags(answer.text)
    assert tags.forbidden == []


def test_every_answer_has_the_headers_that_protect_it(
    site: Site, places: list[Place], own: Things, rivals: Things
) -> None:
    with site.client() as manager, site.client(Role.VIEWER) as viewer:
        answers = [
            visitor.client.request(
                place.method, whose.path(place) + query, data={} if place.method == "POST" else None
            )
            for place in places
            for visitor in (manager, viewer)
            for whose in (own, rivals)
            for query in ("", "?q=%ff")
        ]
        answers += [
            httpx.get(site.address + path, verify=TLS)
            for path in ("/sign-in", "/welcome/x", "/sign-in?next=%22%3E")
        ]
        answers += [
            manager.client.get(path, headers={"Accept": "text/html"}) for path in ("/nothing", "/campaigns/")
        ]
    shown = [answer for answer in answers if answer.content]
    assert {answer.status_code for answer in shown} >= {200, 400, 403, 404}
    for answer in shown:
        assert answer.status_code < 500, answer.url
        check_headers(answer)


@pytest.fixture(scope="module")
def evil(site: Site) -> Things:
    """A company whose every word is an attack."""
    by = By("command line", site.parts.clock.now())
    app = companies.create_app(site.parts.records, EVIL, EVIL, Platform.IOS, Sender.EXTERNAL, by).app
    email = "manager@evil.example"
    person = people.add(site.parts.people, app.company_id, email, Role.MANAGER, By(EVIL, by.at))
    site.parts.people.set_password(person, QUICK.hash(PASSWORD), by)
    made = things(site, app.company_id, app, email)
    events = [
        {"type": kind, "campaign_token": made.campaign, "installation_id": "i", "at": "2026-03-02T07:00:00Z"}
        for kind in ("push_sent", "push_open")
    ]
    secret = companies.create_key(site.parts.records, app.company_id, Scope.FULL, by)[1]
    url = f"{site.address}/v1/{app.live_key}/events"
    assert (
        httpx.post(url, json=events, headers={"X-Authorization": secret}, verify=TLS).json()["accepted"] == 2
    )
    site.parts.log.settle()
    return made


def test_whatever_it_says_is_shown_as_text(
    site: Site, places: list[Place], evil: Things, browser: Browser
) -> None:
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            heard.append(f"{page.url}: {message.text}")

    def dismiss(dialog: Dialog) -> None:
        heard.append(f"{page.url}: {dialog.message}")
        dialog.dismiss()

    with browser.new_context(user_agent=EVIL) as context:
        page = context.new_page()
        page.on("console", hear)
        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: heard.append(f"{page.url}: {error}"))
        site.sign_in(page, company="evil")
        for place in places:
            if place.method == "GET" and not place.path.endswith(".csv") and "/part/" not in place.path:
                page.goto(site.address + evil.path(place))
                assert not injected(page), place
        for path in ("/account", "/campaigns", f"/campaigns/{evil.campaign}", "/settings", "/settings/audit"):
            page.goto(site.address + path)
            assert EVIL in page.locator("main").inner_text(), path
    assert [line for line in heard if "404" not in line] == []


def injected(page: Page) -> list[str]:
    """What markup is on the page that only the attack has."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("script:not([src]):not([type='application/json']), img[src=x], "
           + "[onerror], a[href^='javascript:' i], [formaction], iframe, object, embed")].map((e) => e.outerHTML)"""
    )
    return found
