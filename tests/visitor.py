"""A site with the SDK, and somebody who visits it: the example of ``examples/web`` in Chromium.

A plugin of pytest, named in conftest.py: the fixtures ``place`` and ``visitor``.
"""

from __future__ import annotations

import functools
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import BrowserContext, Page, Worker

from line import Line, line
from openrate.model import Installation
from openrate.storage.records import SqlRecords
from program import Server, Shop, openrate, server
from sending import wait_until

ROOT = Path(__file__).parent.parent
VAPID_KEY = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"

# The browser's own push service is far away, so subscriptions are made here. Everything after that is real.
_SUBSCRIBES = """
{
  let key;
  PushManager.prototype.subscribe = async (wanted) => {
    if (key && key != wanted.applicationServerKey) throw new DOMException("another key", "InvalidStateError");
    key = wanted.applicationServerKey;
    return { endpoint: %s + key, keys: { p256dh: "BBBB", auth: "AAAA" } };
  };
  PushManager.prototype.getSubscription = async () => key && { unsubscribe: async () => void (key = undefined) };
}
"""
_CLICKS = """async () => {
  const [notification] = await registration.getNotifications();
  const event = new NotificationEvent("notificationclick", { notification });
  let done, opened;
  event.waitUntil = (promise) => (done = promise);
  clients.openWindow = async (url) => void (opened = url);
  dispatchEvent(event);
  await done;
  return opened;
}"""
_SEES = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration.getNotifications()).map(({ title, body, icon }) => [title, body, icon]);
}"""
_IS_SHOWN = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site() -> Iterator[str]:
    """The files of this project on a free port; gives the address of the example."""
    handler = functools.partial(_Quiet, directory=str(ROOT))
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://localhost:{server.server_port}/examples/web/"
        finally:
            server.shutdown()


class Shown(NamedTuple):
    """A notification on the screen."""

    title: str
    body: str
    icon: str


class Visitor:
    """A browser profile that is on the site, with the SDK loaded and not started."""

    def __init__(self, context: BrowserContext, site: str, server: str, sdk_key: str) -> None:
        self.context, self.site = context, site
        self.endpoint = f"https://push.example/{secrets.token_hex(8)}/"
        self.subscribing = _SUBSCRIBES % json.dumps(self.endpoint)
        self.options = {
            "server": server,
            "sdkKey": sdk_key,
            "vapidKey": VAPID_KEY,
            "serviceWorker": "worker.js",
        }
        context.add_init_script(self.subscribing)
        self.page = self.tab()

    def tab(self) -> Page:
        """One more tab on the site."""
        page = self.context.new_page()
        page.goto(self.site)
        return page

    def start(self, page: Page | None = None, **other: str) -> str:
        """What the page does with its visitor's consent; returns the installation id."""
        return str((page or self.page).evaluate("(options) => openrate.start(options)", self.options | other))

    def allow(self) -> None:
        """Say yes to notifications."""
        self.context.grant_permissions(["notifications"], origin=self.site)

    def deny(self) -> None:
        """Say no, or take back what was allowed."""
        session = self.context.new_cdp_session(self.page)
        target = session.send("Target.getTargetInfo")["targetInfo"]
        denied = {
            "permission": {"name": "notifications"},
            "setting": "denied",
            "browserContextId": target["browserContextId"],
        }
        session.send("Browser.setPermission", denied)
        session.detach()

    def subscribe(self) -> bool:
        return bool(self.page.evaluate("() => openrate.subscribe()"))

    def stop(self) -> None:
        self.page.evaluate("() => openrate.stop()")

    def state(self) -> dict[str, Any]:
        """What the SDK says about itself."""
        return dict(self.page.evaluate("() => openrate.state()"))

    def show(self, state: str) -> None:
        """Bring the page to the foreground, or away from it; headless tabs are all in the foreground."""
        self.page.evaluate(_IS_SHOWN, state)

    @property
    def worker(self) -> Worker:
        """The service worker."""
        return self.context.service_workers[0]

    def push(self, payload: bytes) -> None:
        """Deliver a push to the service worker, as the browser does when its push service has one."""
        session = self.context.new_cdp_session(self.page)
        found: list[dict[str, Any]] = []
        session.on(
            "ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"])
        )
        session.send("ServiceWorker.enable")
        while not found:
            self.page.wait_for_timeout(20)
        session.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": self.site.removesuffix("/examples/web/"),
                "registrationId": found[0]["registrationId"],
                "data": payload.decode(),
            },
        )
        session.detach()

    def sees(self, number: int = 1) -> list[Shown]:
        """The notifications on the screen, when there are this many."""
        wait_until(lambda: len(self._notifications()) >= number)
        self.page.wait_for_timeout(100)
        return self._notifications()

    def _notifications(self) -> list[Shown]:
        return [Shown(*each) for each in self.page.evaluate(_SEES)]

    def tap(self) -> str | None:
        """Tap the notification; returns the address that opens, which only a finger on the screen may open really."""
        opened = self.worker.evaluate(_CLICKS)
        return None if opened is None else str(opened)


class Place(NamedTuple):
    """The site, the line from it to the server, and the app that is its shop."""

    site: str
    line: Line
    server: Server
    shop: Shop

    def visitor(self, context: BrowserContext) -> Visitor:
        return Visitor(context, self.site, self.line.address, self.shop.keys["sdk_key"])

    def installation(self, installation_id: str) -> Installation | None:
        """What the server keeps of it."""
        with closing(SqlRecords(self.shop.data / "records.db")) as records:
            (app,) = (app for app in records.apps() if app.live_key == self.shop.keys["live_key"])
            return records.installation(app.id, False, installation_id)

    def facts(self, installation_id: str, *types: str) -> list[dict[str, Any]]:
        """The facts about it that the server has; an export has a fact as often as it was reported."""
        data = ("--app", self.shop.keys["live_key"], "--data", str(self.shop.data))
        done = openrate("export", "-", "--format", "ndjson", *data)
        assert done.returncode == 0, done.stderr
        facts = map(json.loads, set(done.stdout.splitlines()))
        return [
            fact for fact in facts if fact["installation_id"] == installation_id and fact["type"] in types
        ]

    def wait_for(self, visitor: Visitor, **expected: Any) -> None:
        """Wait until nothing waits in the browser, and what the SDK says about itself is as expected."""
        wanted = {"isRegistered": True, "waiting": 0} | expected
        wait_until(lambda: wanted.items() <= visitor.state().items())


@pytest.fixture(scope="session")
def _serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Shop]]:
    shop = Shop.create(tmp_path_factory.mktemp("sdk") / "data", "--platform", "web")
    with server(shop.data) as running:
        yield running, shop


@pytest.fixture
def place(_serving: tuple[Server, Shop]) -> Iterator[Place]:
    running, shop = _serving
    with site() as address, line(running.address) as connection:
        yield Place(address, connection, running, shop)


@pytest.fixture
def visitor(place: Place, context: BrowserContext) -> Visitor:
    return place.visitor(context)
