"""A whole server on a real socket, with companies, apps and keys to try."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import hypothesis
import pytest

from openrate import companies
from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.control import COMMAND_LINE
from openrate.folder import DataFolder
from openrate.model import App, By, Platform, Scope, Sender
from openrate.ports.event_log import EventLog
from openrate.web.app import http_app
from serving import running

pytest_plugins = ["browser", "dashboard", "editor", "visitor"]

# How long an example takes says how busy the machine is; a strategy that is slow shows in the durations.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


class Keys(NamedTuple):
    """An app's keys, and the headers that open it."""

    live: str
    dev: str
    sdk: str
    server: dict[str, str]
    reader: dict[str, str]


class Device(NamedTuple):
    """A registered installation."""

    id: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class World(NamedTuple):
    """A running server: two apps of one company, and an app of another."""

    address: str
    client: httpx.Client
    log: EventLog
    shop: Keys
    news: Keys
    rival: Keys
    metrics_token: str
    routes: list[Any]
    token: str = ""

    def device(self) -> Device:
        """A new installation of the shop."""
        answer = self.client.post(f"/v1/{self.shop.live}/installations", json={"platform": "ios"})
        assert answer.status_code == 201, answer.text
        return Device(answer.json()["installation_id"], answer.json()["installation_token"])


@contextmanager
def serving(folder: Path, **changed: Any) -> Iterator[World]:
    """Everything real: records, facts, server, socket."""
    metrics_token = secrets.token_hex(16)
    given: dict[str, Any] = {"rate_limit": 0.0, "metrics_token": metrics_token} | changed
    settings = Settings(data=folder, **given)
    parts = Parts(settings, DataFolder(folder))
    records, by = parts.records, By(COMMAND_LINE, parts.clock.now())

    def app(company: str, name: str) -> tuple[App, str | None]:
        made = companies.create_app(records, company, name, Platform.IOS, Sender.EXTERNAL, by)
        return made.app, made.rest_key

    shop, shop_key = app("Shop", "shop")
    news, _ = app("Shop", "news")
    rival, rival_key = app("Rival", "rival")
    _, shop_reader = companies.create_key(records, shop.company_id, Scope.READ, by)
    _, rival_reader = companies.create_key(records, rival.company_id, Scope.READ, by)

    def keys(of: App, full: str | None, read: str) -> Keys:
        assert full
        return Keys(of.live_key, of.dev_key, of.sdk_key, {"X-Authorization": full}, {"X-Authorization": read})

    front = http_app(settings, parts, None)
    with running(front) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield World(
            address,
            client,
            parts.log,
            keys(shop, shop_key, shop_reader),
            keys(news, shop_key, shop_reader),
            keys(rival, rival_key, rival_reader),
            metrics_token,
            front.inner.routes,
        )
    parts.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server without rate limits."""
    with serving(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="session")
def limited_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that takes five requests a second from a key."""
    with serving(tmp_path_factory.mktemp("limited"), rate_limit=5.0) as world:
        yield world


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server that holds one mebibyte of reports at once."""
    with serving(tmp_path_factory.mktemp("small"), inflight_mb=1) as world:
        yield world


@pytest.fixture(scope="session")
def fuzzed_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server for requests that are made to break it, with a campaign to aim at."""
    with serving(tmp_path_factory.mktemp("fuzzed")) as world:
        created = world.client.post(
            f"/1.1/{world.shop.live}/campaigns/create",
            headers=world.shop.server,
            json={"name": "Aim", "live": False, "push_time": "now", "messages": [{"body": "Hello"}]},
        )
        yield world._replace(token=created.json()["campaign_token"])
