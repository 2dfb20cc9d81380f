"""The pages of a running server, and the people who sign in to them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Page

from openrate import companies, people
from openrate.compose.server import delivery
from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.control import COMMAND_LINE
from openrate.folder import DataFolder
from openrate.model import App, By, Platform, Role, Sender
from openrate.web.app import http_app
from serving import running

PASSWORD = "correct horse battery"  # noqa: S105 - of people who exist in tests only
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Signing in with what it made costs a thousandth: a hash says how it is compared."""
TLS = ssl.create_default_context()
"""For every client: each would make one of its own, in 50 ms, and none needs it."""
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Site(NamedTuple):
    """Two companies: Acme, with somebody of each role and the app Shop, and Rival, with an app of its own."""

    address: str
    parts: Parts
    shop: App
    rival: App
    rest_key: str

    @property
    def api_headers(self) -> dict[str, str]:
        """What opens the HTTP interface for Acme."""
        return {"X-Authorization": self.rest_key}

    def email(self, role: Role, company: str = "acme") -> str:
        """With what somebody of a company and a role signs in."""
        return f"{role}@{company}.example"

    def sign_in(self, page: Page, role: Role = Role.MANAGER, company: str = "acme") -> None:
        """Sign in as a person does; afterwards the campaigns are there."""
        page.goto(self.address + "/sign-in")
        page.get_by_label("E-mail address").fill(self.email(role, company))
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/campaigns**")

    @contextmanager
    def client(self, role: Role = Role.MANAGER, company: str = "acme") -> Iterator[Visitor]:
        """A client that is signed in, for what needs no browser."""
        headers = {"Origin": self.address}
        with httpx.Client(base_url=self.address, headers=headers, timeout=30, verify=TLS) as client:
            form = {"email": self.email(role, company), "password": PASSWORD}
            assert client.post("/sign-in", data=form).status_code == 303
            yield Visitor(client)


class Visitor(NamedTuple):
    """Somebody who is signed in, without a browser."""

    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """Look at a page."""
        return self.client.get(path)

    def csrf(self) -> str:
        """What forms of theirs carry."""
        found = _CSRF.search(self.client.get("/account").text)
        assert found
        return found[1]

    def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form of a page."""
        return self.client.post(path, data={"csrf": self.csrf(), **form})


@contextmanager
def serving_pages(folder: Path, *, sends: bool = False) -> Iterator[Site]:
    """A server with both companies; ``sends``: with our sender at work."""
    settings = Settings(data=folder, rate_limit=0.0)
    parts = Parts(settings, DataFolder(folder))
    by = By(COMMAND_LINE, parts.clock.now())

    def app(company: str, name: str) -> tuple[App, str]:
        made = companies.create_app(parts.records, company, name, Platform.IOS, Sender.EXTERNAL, by)
        assert made.rest_key
        return made.app, made.rest_key

    (shop, key), (rival, _) = app("Acme", "Shop"), app("Rival", "News")
    for company, owner in (("acme", shop.company_id), ("rival", rival.company_id)):
        for role in Role:
            person = people.add(parts.people, owner, f"{role}@{company}.example", role, by)
            parts.people.set_password(person, QUICK.hash(PASSWORD), by)
    sender = delivery(parts) if sends else None
    with running(http_app(settings, parts, None)) as address:
        yield Site(address, parts, shop, rival, key)
    if sender:
        sender.close()
    parts.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages of a server that the tests of one file share."""
    with serving_pages(tmp_path_factory.mktemp("site")) as site:
        yield site
