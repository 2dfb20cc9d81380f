"""Credentials are checked without a push to anybody."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from openrate.credentials import Credentials, StubCredentials
from openrate.providers import over_http
from openrate.providers.by_credentials import check_credentials
from providers import keys
from providers.endpoint import Asked, Endpoint, Reply

TOKEN = b'{"access_token": "ya29", "expires_in": 3600}'


@pytest.fixture(autouse=True)
def trusted(service: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The push service of the tests is believed, like those of the system."""
    monkeypatch.setenv("SSL_CERT_FILE", str(service.ca_file))


def google(status: int, error: Mapping[str, object]) -> Callable[[Asked], Reply]:
    """Gives an access token, and refuses what it opens."""
    refusal = Reply(status, json.dumps({"error": {"code": status, **error}}).encode())
    return lambda asked: Reply(200, TOKEN, delay=0.7) if asked.path == "/token" else refusal


def apple(status: int, reason: str) -> Callable[[Asked], Reply]:
    return lambda _: Reply(status, json.dumps({"reason": reason}).encode())


NOT_A_TOKEN = {
    "status": "INVALID_ARGUMENT",
    "message": "The registration token is not a valid FCM registration token",
    "details": [{"errorCode": "INVALID_ARGUMENT"}],
}


def test_google_is_asked_for_a_token_and_to_look_at_a_message_to_nobody(service: Endpoint) -> None:
    service.reply = google(400, NOT_A_TOKEN)
    check = check_credentials(keys.fcm(service.url))
    assert (check.works, "shop-1" in check.reason) == (True, True)
    _, push = service.asked
    assert push.path == "/v1/projects/shop-1/messages:send"
    asked = json.loads(push.body)
    assert (asked["validate_only"], asked["message"]["token"]) == (True, "nobody")


def test_apple_is_asked_by_a_push_to_a_device_that_is_none(service: Endpoint) -> None:
    service.reply = apple(400, "BadDeviceToken")
    check = check_credentials(keys.apns(service.url))
    assert (check.works, "TEAM567890" in check.reason) == (True, True)
    (push,) = service.asked
    assert push.path == "/3/device/" + "0" * 64


@pytest.mark.parametrize(
    ("make", "reply", "said"),
    [
        (keys.apns, apple(403, "InvalidProviderToken"), "Apple answered 403 InvalidProviderToken."),
        (keys.apns, apple(400, "TopicDisallowed"), "Apple answered 400 TopicDisallowed."),
        (keys.fcm, lambda _: Reply(400, b'{"error": "invalid_grant"}'), "invalid_grant"),
        (keys.fcm, google(403, {"status": "PERMISSION_DENIED"}), "Google answered 403 PERMISSION_DENIED."),
        (keys.fcm, google(404, {"status": "NOT_FOUND"}), "Google answered 404 NOT_FOUND."),
        (keys.fcm, google(401, {"status": "UNAUTHENTICATED"}), "Google answered 401 UNAUTHENTICATED."),
    ],
)
def test_credentials_that_are_refused_do_not_work(
    service: Endpoint, make: Callable[[str], Credentials], reply: Callable[[Asked], Reply], said: str
) -> None:
    service.reply = reply
    check = check_credentials(make(service.url))
    assert check.works is False
    assert said in check.reason


@pytest.mark.parametrize(
    ("make", "reply"),
    [
        (keys.apns, apple(503, "ServiceUnavailable")),
        (keys.apns, apple(429, "TooManyProviderTokenUpdates")),
        (keys.apns, lambda _: Reply(404, b"<html>a proxy")),
        (keys.fcm, google(503, {"status": "UNAVAILABLE"})),
        (keys.fcm, google(400, {"status": "INVALID_ARGUMENT", "message": "something else"})),
        (keys.fcm, lambda _: Reply(500)),
    ],
)
def test_an_answer_that_is_about_something_else_tells_nothing(
    service: Endpoint, make: Callable[[str], Credentials], reply: Callable[[Asked], Reply]
) -> None:
    service.reply = reply
    assert check_credentials(make(service.url)).works is None


@pytest.mark.parametrize("make", [keys.apns, keys.fcm])
def test_when_nobody_answers_a_check_ends(
    service: Endpoint, make: Callable[[str], Credentials], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_http, "TRIAL_S", 0.3)
    service.reply = lambda _: Reply(delay=2)
    check = check_credentials(make(service.url))
    assert (check.works, "no answer" in check.reason) == (None, True)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        check = check_credentials(make(f"https://127.0.0.1:{unused.getsockname()[1]}"))
    assert (check.works, "no answer" in check.reason) == (None, True)


def test_a_web_key_is_asked_to_sign_and_the_stub_for_nothing(service: Endpoint, tmp_path: Path) -> None:
    assert check_credentials(keys.webpush()).works
    assert check_credentials(StubCredentials()).works
    journal = tmp_path / "no such folder" / "journal"
    check = check_credentials(StubCredentials(journal=str(journal)))
    assert (check.works, str(journal) in check.reason) == (None, True)
    assert service.asked == []
