"""Web Push against a push service that is not ours: it checks VAPID, decrypts, and keeps what it was sent.

It speaks plain HTTP, so an endpoint with TLS stands before it and passes on what arrives, as it arrives.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from openrate.model import Cause
from openrate.ports.provider import Push, Result
from openrate.providers.push_services import Allowance, PushServices
from openrate.providers.webpush import WebPushProvider
from providers import keys
from providers.endpoint import Asked, Endpoint, Reply
from providers.messages import message, send

SERVER = Path(__file__).parent / "push_service/node_modules/web-push-testing/src/bin/server.js"
LOCAL = PushServices(allowance=Allowance(frozenset({"localhost"})))

pytestmark = pytest.mark.skipif(
    not SERVER.exists() or shutil.which("node") is None, reason="make test fetches it where npm is installed"
)


@pytest.fixture(scope="module")
def push_service() -> Iterator[httpx.Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", str(SERVER), str(port)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://localhost:{port}") as client,
    ):
        try:
            _wait_for(client)
            yield client
        finally:
            process.kill()


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.post("/status").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the push service did not come up")


class Browser:
    """A subscription at the push service."""

    def __init__(self, push_service: httpx.Client, service: Endpoint, key: str) -> None:
        self._push_service = push_service
        made = self._ask("/subscribe", {"userVisibleOnly": "true", "applicationServerKey": key})
        self._hash = made.pop("clientHash")
        made["endpoint"] = f"https://localhost:{service.port}{urlsplit(made['endpoint']).path}"
        self.subscription = json.dumps(made)

    def received(self) -> list[Any]:
        """What it could read."""
        return [
            json.loads(text)
            for text in self._ask("/get-notifications", {"clientHash": self._hash})["messages"]
        ]

    def leave(self) -> None:
        """Unsubscribe."""
        self._push_service.post(f"/expire-subscription/{self._hash}")

    def _ask(self, path: str, content: dict[str, str]) -> Any:
        answer = self._push_service.post(path, json=content)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
def webpush(push_service: httpx.Client, service: Endpoint) -> Iterator[WebPushProvider]:
    def pass_on(asked: Asked) -> Reply:
        skipped = {"host", "content-length"}
        headers = {name: value for name, value in asked.headers.items() if name not in skipped}
        answer = httpx.post(
            str(push_service.base_url).rstrip("/") + asked.path, headers=headers, content=asked.body
        )
        return Reply(answer.status_code, answer.content)

    service.reply = pass_on
    with closing(WebPushProvider(keys.webpush(), LOCAL, ca_file=service.ca_file)) as provider:
        yield provider


def test_every_browser_reads_what_was_sent_to_it_and_nothing_else(
    push_service: httpx.Client, service: Endpoint, webpush: WebPushProvider
) -> None:
    browsers = [Browser(push_service, service, keys.webpush().public_key) for _ in range(3)]
    pushes = [Push(key, one.subscription, message(body=f"for {key}")) for key, one in enumerate(browsers)]
    assert {verdict.result for verdict in send(webpush, pushes).values()} == {Result.SENT}
    for key, browser in enumerate(browsers):
        (text,) = browser.received()
        assert text["body"] == f"for {key}"
        assert text["campaign_token"] == message().campaign_token
        assert text["send_id"] == message().send_id


def test_a_browser_that_left_is_gone(
    push_service: httpx.Client, service: Endpoint, webpush: WebPushProvider
) -> None:
    browser = Browser(push_service, service, keys.webpush().public_key)
    browser.leave()
    verdict = send(webpush, [Push(1, browser.subscription, message())])[1]
    assert (verdict.result, verdict.cause) == (Result.GONE, Cause.UNREGISTERED)


def test_a_subscription_made_with_another_key_is_refused_and_holds_nobody(
    push_service: httpx.Client, service: Endpoint, webpush: WebPushProvider
) -> None:
    other = Browser(push_service, service, keys.another_webpush().public_key)
    own = Browser(push_service, service, keys.webpush().public_key)
    verdicts = send(webpush, [Push(1, other.subscription, message()), Push(2, own.subscription, message())])
    assert verdicts[1].result is Result.REFUSED
    assert verdicts[2].result is Result.SENT
    assert len(own.received()) == 1
