"""The sign-in under attack: passwords, sessions, links, and what browsers and others may send to it."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from dashboard import PASSWORD, QUICK, TLS, Site, serving_pages
from openrate import people
from openrate.errors import ApiMisuse, StoreFull
from openrate.model import DAY_MS, By, Role
from openrate.ports.people import MOST_SESSIONS
from serving import exchange

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
COOKIE = "openrate_session"
KNOWN = "openrate_known"
_ADDRESSES = itertools.count(1)


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """Somebody who is not signed in, at an address from which nobody has tried anything yet."""
    own = httpx.HTTPTransport(local_address=f"127.0.1.{next(_ADDRESSES)}", verify=TLS)
    headers = {"Origin": site.address}
    with httpx.Client(
        base_url=site.address, headers=headers, transport=own, timeout=30, verify=TLS
    ) as client:
        yield client


def sign_in(
    client: httpx.Client, site: Site, role: Role = Role.VIEWER, password: str = PASSWORD, **more: str
) -> httpx.Response:
    return client.post("/sign-in", data={"email": site.email(role), "password": password, **more})


def session_cookie(answer: httpx.Response, name: str = COOKIE) -> Morsel[str]:
    found = [SimpleCookie(line)[name] for line in answer.headers.get_list("set-cookie") if name in line]
    assert len(found) == 1, answer.headers
    return found[0]


def is_in(site: Site, secret: str) -> bool:
    """Whether this secret opens the pages."""
    answer = httpx.get(site.address + "/account", headers={"Cookie": f"{COOKIE}={secret}"}, verify=TLS)
    assert answer.status_code in {200, 303}
    return answer.status_code == 200


# Passwords


class Counting:
    """A password hasher that counts what it compares."""

    def __init__(self) -> None:
        self._inner = people._hasher
        self.compared = 0

    def hash(self, password: str) -> str:
        return self._inner.hash(password)

    def verify(self, known: str, password: str) -> bool:
        self.compared += 1
        return self._inner.verify(known, password)


def test_wrong_passwords_unknown_addresses_and_people_without_a_password_cannot_be_told_apart(
    site: Site, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = By("manager@acme.example", site.parts.clock.now())
    people.add(site.parts.people, site.shop.company_id, "invited@acme.example", Role.VIEWER, by)
    hasher = Counting()
    monkeypatch.setattr(people, "_hasher", hasher)
    answers = []
    for number, email in enumerate(("viewer@acme.example", "invited@acme.example", "nobody@acme.example"), 1):
        answer = client.post("/sign-in", data={"email": email, "password": "not the password"})
        answers.append((answer.status_code, answer.text.replace(email, "")))
        assert hasher.compared == number
    assert len(set(answers)) == 1
    assert answers[0][0] == 403


@pytest.fixture
def besieged(tmp_path: Path) -> Iterator[Site]:
    """A server where nobody has tried anything yet."""
    with serving_pages(tmp_path) as site:
        yield site


def tries(site: Site, email: str, password: str, own_address: str = "127.0.0.1", times: int = 1) -> list[int]:
    """The statuses of tries from one address."""
    transport = httpx.HTTPTransport(local_address=own_address, verify=TLS)
    with httpx.Client(
        base_url=site.address, headers={"Origin": site.address}, transport=transport, verify=TLS
    ) as client:
        form = {"email": email, "password": password}
        return [client.post("/sign-in", data=form, timeout=60).status_code for _ in range(times)]


def test_after_ten_wrong_tries_no_address_gets_in_as_that_person_and_that_address_not_as_another(
    besieged: Site,
) -> None:
    victim, other = besieged.email(Role.MANAGER), besieged.email(Role.EDITOR)
    wrong = tries(besieged, victim, "wrong", times=12)
    assert set(wrong[:10]) == {403}
    assert wrong[-1] == 429
    for email, address in ((victim, "127.0.0.1"), (victim.upper(), "127.0.0.2"), (other, "127.0.0.1")):
        assert tries(besieged, email, PASSWORD, address) == [429], (email, address)
    assert tries(besieged, other, PASSWORD, "127.0.0.2", times=12) == [303] * 12


def test_whoever_is_in_can_guess_their_own_password_no_more_often(besieged: Site) -> None:
    with besieged.client(Role.VIEWER) as visitor:
        visitor.client.headers["Referer"] = besieged.address + "/account"
        form = {"current": "wrong", "password": "a new password", "repeated": "a new password"}
        statuses = [visitor.post("/account/password", **form).status_code for _ in range(12)]
        assert statuses[-1] == 429
        assert sign_in(visitor.client, besieged).status_code == 429


def besiege(site: Site, role: Role) -> int:
    """Wrong passwords for somebody from addresses of their own; how many of them were looked at."""
    statuses = [tries(site, site.email(role), "wrong", f"127.0.2.{n}")[0] for n in range(1, 16)]
    assert statuses[-1] == 429
    return statuses.count(403)


def test_wrong_tries_from_many_addresses_are_ten_for_one_person_and_keep_no_browser_out_they_were_in_before(
    besieged: Site,
) -> None:
    victim = besieged.email(Role.MANAGER)
    with besieged.client() as known:
        known.post("/sign-out")
        assert besiege(besieged, Role.MANAGER) == 10
        assert tries(besieged, victim, PASSWORD, "127.0.0.2") == [429]
        assert sign_in(known.client, besieged, Role.MANAGER).status_code == 303
        form = {"current": PASSWORD, "password": "a new password", "repeated": "a new password"}
        assert known.post("/account/password", **form).headers["location"] == "/sign-in"
        assert sign_in(known.client, besieged, Role.MANAGER, "a new password").status_code == 303
        guesses = [sign_in(known.client, besieged, Role.MANAGER, "wrong").status_code for _ in range(12)]
        assert (guesses[:10], guesses[-1]) == ([403] * 10, 429)
        assert sign_in(known.client, besieged, Role.MANAGER, "a new password").status_code == 429


def test_a_browser_is_known_for_one_person_and_one_password_and_by_nothing_made_up(besieged: Site) -> None:
    with besieged.client(Role.EDITOR) as other, besieged.client(Role.VIEWER) as guest:
        besiege(besieged, Role.MANAGER)
        name, _, signature = other.client.cookies[KNOWN].partition(".")
        for made_up in (
            f"{name}.{signature}",
            f"{name}.{'0' * 64}",
            f".{signature}",
            name,
            "é.é",
            "." * 4000,
        ):
            raw = [(b"cookie", f"{KNOWN}={made_up}".encode("latin-1"))]
            form = {"email": besieged.email(Role.MANAGER), "password": PASSWORD}
            with httpx.Client(headers={"Origin": besieged.address}, verify=TLS) as stranger:
                answer = stranger.post(besieged.address + "/sign-in", data=form, headers=raw)
            assert answer.status_code == 429, made_up
        known = besieged.parts.people.by_email(besieged.email(Role.VIEWER))
        assert known
        by = By("test", besieged.parts.clock.now())
        besieged.parts.people.set_password(known[0], QUICK.hash(PASSWORD), by)
        besiege(besieged, Role.VIEWER)
        assert sign_in(guest.client, besieged).status_code == 429


def test_a_link_makes_a_browser_known_so_that_nobody_is_kept_out_for_good(besieged: Site) -> None:
    known = besieged.parts.people.by_email(besieged.email(Role.EDITOR))
    assert known
    link = people.make_link(besieged.parts.people, known[0], By("test", besieged.parts.clock.now()))
    with httpx.Client(base_url=besieged.address, headers={"Origin": besieged.address}, verify=TLS) as new:
        assert new.post("/welcome/" + link, data=CHOSEN).status_code == 303
        besiege(besieged, Role.EDITOR)
        assert sign_in(new, besieged, Role.EDITOR, CHOSEN["password"]).status_code == 303


def test_many_who_are_right_at_once_do_not_turn_each_other_away(besieged: Site) -> None:
    assert set(tries(besieged, besieged.email(Role.VIEWER), "wrong", times=8)) == {403}
    with ThreadPoolExecutor(12) as pool:
        asked = [
            pool.submit(tries, besieged, besieged.email(role, company), PASSWORD)
            for role in (Role.EDITOR, Role.MANAGER)
            for company in ("acme", "rival")
            for _ in range(3)
        ]
        assert [one.result() for one in asked] == [[303]] * 12


def test_who_is_kept_out_by_strangers_can_try_on_without_keeping_their_whole_office_out(
    besieged: Site,
) -> None:
    besiege(besieged, Role.MANAGER)
    office = "127.0.0.2"
    assert tries(besieged, besieged.email(Role.MANAGER), PASSWORD, office, times=12) == [429] * 12
    assert tries(besieged, besieged.email(Role.EDITOR), PASSWORD, office) == [303]


def test_a_right_password_is_no_wrong_one_because_the_session_cannot_be_stored(
    besieged: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise StoreFull("There is no room left.")

    monkeypatch.setattr(besieged.parts.people, "begin_session", fail)
    email = besieged.email(Role.VIEWER)
    assert tries(besieged, email, PASSWORD, times=12) == [503] * 12
    monkeypatch.undo()
    assert tries(besieged, email, PASSWORD) == [303]


def test_how_long_to_wait_is_said_to_people_and_to_programs(besieged: Site, client: httpx.Client) -> None:
    client.base_url = besieged.address
    client.headers["Origin"] = besieged.address
    refused = [sign_in(client, besieged, Role.VIEWER, "wrong") for _ in range(12)][-1]
    seconds = int(refused.headers["retry-after"])
    assert 5 <= seconds <= 15
    assert f"Too many tries: wait {seconds} seconds, then try again." in refused.text


# Sessions


def test_the_cookies_of_a_sign_in_are_out_of_reach_and_bound_to_tls_where_there_is_tls(
    site: Site, client: httpx.Client
) -> None:
    for name, days in ((COOKIE, 30), (KNOWN, 365)):
        client.headers["Origin"] = site.address
        plain = session_cookie(sign_in(client, site), name)
        assert (plain["httponly"], plain["samesite"], plain["path"]) == (True, "Lax", "/")
        assert (plain["secure"], plain["domain"], plain["max-age"]) == ("", "", str(days * 86_400))
        client.headers["Origin"] = site.address.replace("http:", "https:")
        assert session_cookie(sign_in(client, site), name)["secure"] is True


def test_a_session_that_somebody_else_chose_is_not_adopted(site: Site, client: httpx.Client) -> None:
    planted = "x" * 43
    client.cookies.set(COOKIE, planted)
    assert session_cookie(sign_in(client, site)).value != planted
    assert not is_in(site, planted)


def test_each_sign_in_is_a_session_of_its_own(site: Site, client: httpx.Client) -> None:
    first, second = (session_cookie(sign_in(client, site)).value for _ in range(2))
    assert first != second
    assert is_in(site, first)
    assert is_in(site, second)


def test_a_person_has_fifty_sessions_at_most_and_those_that_were_used_last_stay(besieged: Site) -> None:
    with (
        besieged.client(Role.VIEWER) as used,
        besieged.client(Role.VIEWER) as left,
        besieged.client() as other,
    ):
        secrets = [visitor.client.cookies[COOKIE] for visitor in (used, left, other)]
        session = besieged.parts.people.session(people.hashed(secrets[0]))
        assert session
        besieged.parts.people.touch_session(session.id, session.seen_at + 60_000)
        assert set(tries(besieged, besieged.email(Role.VIEWER), PASSWORD, times=49)) == {303}
        assert [is_in(besieged, secret) for secret in secrets] == [True, False, True]
        assert len(besieged.parts.people.sessions(session.person.id)) == MOST_SESSIONS == 50


def test_signing_out_ends_the_session_and_not_only_its_cookie(site: Site) -> None:
    with site.client(Role.VIEWER) as visitor:
        secret = visitor.client.cookies[COOKIE]
        assert is_in(site, secret)
        answer = visitor.post("/sign-out")
        assert session_cookie(answer)["max-age"] == "0"
    assert not is_in(site, secret)


@pytest.mark.parametrize(("began", "seen"), [(31, 0), (8, 8)])
def test_a_session_that_is_too_old_or_was_not_used_is_none(site: Site, began: int, seen: int) -> None:
    known = site.parts.people.by_email(site.email(Role.VIEWER))
    assert known
    assert known[1]
    now, secret = site.parts.clock.now(), f"secret {began}"
    site.parts.people.begin_session(known[0].id, people.hashed(secret), "", now - began * DAY_MS, known[1])
    session = site.parts.people.session(people.hashed(secret))
    assert session
    site.parts.people.touch_session(session.id, now - seen * DAY_MS)
    assert not is_in(site, secret)


def test_a_session_ends_from_another_browser_and_only_one_s_own(site: Site) -> None:
    with site.client(Role.EDITOR) as one, site.client(Role.EDITOR) as other:
        secret = other.client.cookies[COOKIE]
        session = site.parts.people.session(people.hashed(secret))
        assert session
        with site.client(Role.EDITOR, "rival") as rival:
            rival.post("/account/sessions", session=str(session.id))
        assert is_in(site, secret)
        one.post("/account/sessions", session=str(session.id))
    assert not is_in(site, secret)


def test_a_link_is_used_once_by_whoever_is_first(besieged: Site) -> None:
    by = By("test", besieged.parts.clock.now())
    added = people.add(besieged.parts.people, besieged.shop.company_id, "race@example.com", Role.VIEWER, by)
    link = people.make_link(besieged.parts.people, added, by)

    def choose(number: int) -> int:
        form = dict.fromkeys(("password", "repeated"), f"my own password {number}")
        url, headers = f"{besieged.address}/welcome/{link}", {"Origin": besieged.address}
        return httpx.post(url, data=form, headers=headers, verify=TLS, timeout=60).status_code

    with ThreadPoolExecutor(4) as pool:
        assert Counter(pool.map(choose, range(4))) == {303: 1, 404: 3}


def test_a_password_that_is_replaced_while_it_is_looked_at_lets_nobody_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = site.parts.people.by_email(site.email(Role.EDITOR))
    assert known
    is_right = people._is_right

    def slowly(known_hash: str, password: str) -> bool:
        site.parts.people.set_password(known[0], known_hash + " ", By("test", 0))
        return is_right(known_hash, password)

    monkeypatch.setattr(people, "_is_right", slowly)
    with pytest.raises(ApiMisuse):
        people.sign_in(site.parts.people, known[0].email, PASSWORD, "", site.parts.clock.now())
    assert known[1]
    site.parts.people.set_password(known[0], known[1], By("test", 0))
    assert site.parts.people.sessions(known[0].id) == []


def test_somebody_signs_out_everywhere_else_and_stays_here(site: Site) -> None:
    with site.client(Role.EDITOR) as one, site.client(Role.EDITOR) as other, site.client() as manager:
        secrets = [visitor.client.cookies[COOKIE] for visitor in (one, other, manager)]
        assert "Sign out everywhere else" in one.client.get("/account").text
        one.post("/account/sessions", session="others")
        assert [is_in(site, secret) for secret in secrets] == [True, False, True]
        assert "Sign out everywhere else" not in one.client.get("/account").text


def test_a_session_is_named_after_its_browser(site: Site, client: httpx.Client) -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
    form = {"email": site.email(Role.VIEWER), "password": PASSWORD}
    client.post("/sign-in", data=form, headers={"User-Agent": agent})
    assert f'<strong title="{agent}">Safari on iPhone</strong>' in client.get("/account").text


def test_a_new_password_ends_every_session(besieged: Site) -> None:
    with besieged.client(Role.EDITOR) as one, besieged.client(Role.EDITOR) as other:
        secrets = [visitor.client.cookies[COOKIE] for visitor in (one, other)]
        form = {"current": PASSWORD, "password": "a new password", "repeated": "a new password"}
        one.post("/account/password", **form)
    assert not [secret for secret in secrets if is_in(besieged, secret)]
    assert tries(besieged, besieged.email(Role.EDITOR), "a new password") == [303]


@pytest.mark.parametrize("cookie", ["", "x", "é" * 50, "a" * 4000, "\x7f", "%00", "x; y=z", "=" * 100])
def test_a_cookie_that_is_no_secret_opens_nothing(site: Site, cookie: str) -> None:
    raw = f"GET /account HTTP/1.1\r\nHost: x\r\nCookie: {COOKIE}={cookie}\r\nConnection: close\r\n\r\n"
    answer = exchange(site.address, raw.encode("latin-1"))
    assert answer.startswith((b"HTTP/1.1 303", b"HTTP/1.1 400")), answer[:200]


# Where it goes on to


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/a\r\nSet-Cookie: a=b",
    "/\x00/evil.example",
    "/\N{FULLWIDTH SOLIDUS}evil.example",
    "evil.example",
    "?",
    "",
]


@pytest.mark.parametrize("following", ELSEWHERE)
def test_a_sign_in_goes_on_to_no_other_site(site: Site, client: httpx.Client, following: str) -> None:
    assert sign_in(client, site, next=following).headers["location"] == "/campaigns"


def test_a_sign_in_goes_on_to_the_page_that_was_asked_for(site: Site, page: Page) -> None:
    page.goto(site.address + "/campaigns?q=a%26b&state=draft")
    page.get_by_label("E-mail address").fill(site.email(Role.VIEWER))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.address + "/campaigns?q=a%26b&state=draft")


@pytest.mark.parametrize(
    "path", ["/..//evil.example", "/.//evil.example", "/%2F/evil.example", "/;@evil.example"]
)
def test_no_browser_reads_an_address_of_ours_as_one_of_another_site(
    site: Site, page: Page, path: str
) -> None:
    page.goto(f"{site.address}/sign-in?next={path}")
    page.get_by_label("E-mail address").fill(site.email(Role.VIEWER))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert page.url.startswith(site.address + "/")


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "//evil.example"])
def test_who_did_something_wrong_goes_back_to_no_other_site(site: Site, path: str) -> None:
    with site.client(Role.VIEWER) as visitor:
        visitor.client.headers["Referer"] = site.address + path
        answer = visitor.post("/account/sessions", session="0")
        assert answer.status_code in {303, 400}
    assert urlsplit(answer.headers.get("location", "/")).netloc == ""
    assert not answer.headers.get("location", "/").startswith(("//", "/\\"))


# Links


@pytest.fixture
def invited(site: Site) -> Iterator[str]:
    """The link of somebody who has no password yet."""
    by = By("manager@acme.example", site.parts.clock.now())
    person = people.add(site.parts.people, site.shop.company_id, "guest@acme.example", Role.EDITOR, by)
    yield "/welcome/" + people.make_link(site.parts.people, person, by)
    site.parts.people.remove(person, by)


CHOSEN = {"password": "my own password", "repeated": "my own password"}


def test_a_link_is_good_once(client: httpx.Client, invited: str) -> None:
    assert client.get(invited).status_code == 200
    assert client.post(invited, data=CHOSEN).headers["location"] == "/sign-in"
    assert client.get(invited).status_code == 404
    assert (
        client.post(invited, data=CHOSEN | {"password": "another one", "repeated": "another one"}).status_code
        == 404
    )
    assert client.post("/sign-in", data={"email": "guest@acme.example", **CHOSEN}).status_code == 303


def test_a_link_alone_signs_nobody_in(client: httpx.Client, invited: str) -> None:
    client.get(invited)
    client.post(invited, data=CHOSEN)
    assert COOKIE not in client.cookies
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("password", "repeated"),
    [("short", "short"), ("x" * 201, "x" * 201), ("my own password", "another"), ("", "")],
)
def test_a_password_that_cannot_be_leaves_the_link_good(
    client: httpx.Client, invited: str, password: str, repeated: str
) -> None:
    assert client.post(invited, data={"password": password, "repeated": repeated}).status_code == 400
    assert client.post(invited, data=CHOSEN).status_code == 303


def test_a_link_that_has_expired_or_was_replaced_or_guessed_opens_nothing(
    site: Site, client: httpx.Client, invited: str
) -> None:
    known = site.parts.people.by_email("guest@acme.example")
    assert known
    by = By("manager@acme.example", site.parts.clock.now() - people.LINK_MS)
    expired = people.make_link(site.parts.people, known[0], by)
    for link in (invited, "/welcome/" + expired, "/welcome/" + "A" * 43, "/welcome/" + "A" * 5000):
        assert client.get(link).status_code == 404
        assert client.post(link, data=CHOSEN).status_code == 404
    for link in (
        "/welcome/%ff",
        "/welcome/%00",
        "/welcome/%ed%a0%80",
        "/welcome/..%2f..",
        "/welcome/%E2%80%AE",
    ):
        assert client.get(link).status_code in {400, 404}, link


# What is sent


@pytest.mark.parametrize(
    "body",
    [
        b"email=%ff&password=x",
        b"email=%ed%a0%80&password=x",
        b"email=\xff\xfe",
    ],
)
def test_a_form_that_is_none_is_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post("/sign-in", content=body, headers=FORM).status_code == 400


def test_a_form_of_very_many_fields_is_refused(site: Site) -> None:
    with site.client(Role.VIEWER) as visitor:
        answer = visitor.client.post("/account/sessions", content=b"a&" * 100_000, headers=FORM)
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_only_a_form_is_a_form(client: httpx.Client, kind: str) -> None:
    """The other kinds that a page of another site can send without asking first are refused, too."""
    answer = client.post("/sign-in", content=b"email=a&password=b", headers={"Content-Type": kind})
    assert answer.status_code == 400


def test_who_is_not_signed_in_cannot_send_much(site: Site, client: httpx.Client) -> None:
    large = b"email=" + b"x" * (64 << 10)
    for path in ("/sign-in", "/welcome/" + "A" * 43):
        assert client.post(path, content=large, headers=FORM).status_code == 413
    packed = FORM | {"Content-Encoding": "gzip"}
    bomb = gzip.compress(b"email=" + b"x" * (64 << 20))
    assert client.post("/sign-in", content=bomb, headers=packed).status_code == 413
    # Before they know what is in it they know who sends it, so that nothing of it is read.
    answer = exchange(
        site.address,
        b"POST /account/password HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000000\r\n\r\n",
        seconds=3,
    )
    assert answer.startswith(b"HTTP/1.1 303"), answer[:200]


def test_of_two_fields_of_one_name_the_first_counts(site: Site, client: httpx.Client) -> None:
    right = f"email={site.email(Role.VIEWER)}&password={PASSWORD.replace(' ', '+')}"
    wrong = "email=nobody@acme.example&password=wrong"
    first = client.post("/sign-in", content=f"{right}&{wrong}", headers=FORM)
    second = client.post("/sign-in", content=f"{wrong}&{right}", headers=FORM)
    assert (first.status_code, second.status_code) == (303, 403)


@pytest.mark.parametrize(
    "email",
    ["' OR 1=1 --", "viewer@acme.example\x00", "viewer@acme.example' --", "%", "_" * 300, "\u202e" * 90],
)
def test_an_address_is_only_ever_looked_up(client: httpx.Client, email: str) -> None:
    assert client.post("/sign-in", data={"email": email, "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("header", ["Origin", "Referer"])
@pytest.mark.parametrize(
    "value", ["http://[", "http://[::1", "//", "null", "http://127.0.0.1:99999999999", "é"]
)
def test_a_header_that_cannot_be_read_is_no_fault_of_ours(site: Site, header: str, value: str) -> None:
    with site.client(Role.VIEWER) as visitor:
        headers = [(header.encode(), value.encode("latin-1"))]
        form = {"csrf": visitor.csrf(), "session": "0"}
        answer = visitor.client.post("/account/sessions", data=form, headers=headers)
    assert answer.status_code in {303, 400, 403}


def test_headers_that_are_too_long_are_refused(site: Site) -> None:
    raw = b"GET /account HTTP/1.1\r\nHost: x\r\nCookie: a=" + b"x" * (200 << 10) + b"\r\n\r\n"
    answer = exchange(site.address, raw)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]
