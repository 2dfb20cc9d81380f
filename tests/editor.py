"""The form of a campaign, for tests: an app that we send for, and what a browser sends of a page.

A plugin of pytest, named in conftest.py: the fixtures ``own`` and ``editor``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from playwright.sync_api import Dialog, Locator, Page

from dashboard import Site, Visitor
from openrate import companies
from openrate.credentials import StubCredentials
from openrate.model import App, By, Installation, Platform, Role, Sender
from openrate.providers.stub import Delivery, deliveries

BY = By("ada@example.com", 0)
PLAIN: dict[str, Any] = {
    "name": "Spring sale",
    "live": False,
    "push_time": "2049-03-10T09:00:00",
    "messages": [{"body": "Two days only"}],
}
TYPED = {
    "name": "Spring sale",
    "live": "false",
    "when": "at",
    "push_time": "2049-03-10T10:00",
    "zone": "Europe/Paris",
    "kind": "plain",
    "messages.a[0].body": "Two days only",
}
"""What makes PLAIN."""


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
        return new_of(self.app)


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


def save(visitor: Visitor, app: App, **typed: str) -> httpx.Response:
    """Send the form of a new campaign."""
    return visitor.post(new_of(app), **({"action": "save"} | TYPED | typed))


def new_of(app: App) -> str:
    """Where a campaign of an app is made."""
    return f"/campaigns/new?app={app.live_key}"


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


def edit(visitor: Visitor, token: str, **typed: str) -> httpx.Response:
    """Open a campaign, change some fields and save."""
    fields = form_of(visitor.get(f"/campaigns/{token}/edit").text)
    return visitor.client.post(f"/campaigns/{token}/edit", data=fields | {"action": "save", **typed})
