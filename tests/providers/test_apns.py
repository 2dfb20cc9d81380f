"""Apple's push service, by what its documentation says and a client that is not ours sends."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import jwt
import pytest
from aioapns import APNs, NotificationRequest, PushType
from aioapns.connection import APNsProductionClientProtocol
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from openrate.model import Cause
from openrate.payloads import apns as payload
from openrate.ports.provider import Push, Result
from openrate.providers.apns import TABLE, ApnsProvider
from openrate.providers.http2 import Request
from providers import keys
from providers.endpoint import Endpoint, Reply
from providers.messages import message, send

TOKEN = "a1" * 32
HOUR = 3_600_000


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = message().expires_at - HOUR

    def now(self) -> int:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def apns(service: Endpoint, watch: Watch) -> Iterator[ApnsProvider]:
    with closing(ApnsProvider(keys.apns(service.url), ca_file=service.ca_file, clock=watch)) as provider:
        yield provider


def reason(status: int, said: str) -> Reply:
    return Reply(status, json.dumps({"reason": said}).encode())


def test_a_push_is_a_request_as_apple_documents_it(service: Endpoint, apns: ApnsProvider) -> None:
    said = message()
    assert send(apns, [Push(1, TOKEN, said)])[1].result is Result.SENT
    asked = service.asked[0]
    assert (asked.method, asked.path, asked.http_version) == ("POST", f"/3/device/{TOKEN}", "2")
    assert asked.headers["apns-topic"] == "com.example.shop"
    assert asked.headers["apns-push-type"] == "alert"
    assert asked.headers["apns-priority"] == "10"
    assert asked.headers["apns-expiration"] == str(said.expires_at // 1000)
    assert json.loads(asked.body) == {
        "aps": {
            "alert": {"title": said.title, "body": said.body},
            "sound": "default",
            "mutable-content": 1,
        },
        "campaign_token": said.campaign_token,
        "send_id": said.send_id,
        "deeplink": said.deeplink,
        "media": said.media,
        "custom_payload": said.custom_payload,
    }


def test_the_same_message_by_a_client_of_others_is_the_same_request(
    service: Endpoint, apns: ApnsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = message()
    send(apns, [Push(1, TOKEN, said)])
    ours = service.asked.pop()
    # Their client waits for an id and a body.
    service.reply = lambda asked: Reply(200, b"{}", {"apns-id": asked.headers["apns-id"]})
    monkeypatch.setattr(APNsProductionClientProtocol, "APNS_SERVER", "127.0.0.1")
    monkeypatch.setattr(APNsProductionClientProtocol, "APNS_PORT", service.port)

    async def by_others() -> None:
        client = APNs(
            key=keys.p256_pem(),
            key_id="ABCDE12345",
            team_id="TEAM567890",
            topic="com.example.shop",
            ssl_context=_trusting(service.ca_file),
        )
        request = NotificationRequest(
            device_token=TOKEN,
            message=json.loads(payload(said)),
            priority=10,
            collapse_key=ours.headers["apns-collapse-id"],
            push_type=PushType.ALERT,
        )
        assert (await client.send_notification(request)).is_successful
        client.pool.close()
        async with asyncio.timeout(10):
            while client.pool.connections:  # noqa: ASYNC110 - it has no event for the end of its good-byes
                await asyncio.sleep(0.01)

    asyncio.run(by_others())
    theirs = service.asked.pop()
    assert (theirs.method, theirs.path) == (ours.method, ours.path)
    assert json.loads(theirs.body) == json.loads(ours.body)
    for name in ("apns-topic", "apns-push-type", "apns-priority", "apns-collapse-id"):
        assert theirs.headers[name] == ours.headers[name]
    for asked in (ours, theirs):
        scheme, token = asked.headers["authorization"].split(" ")
        assert scheme.lower() == "bearer"
        assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "ABCDE12345", "typ": "JWT"}
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (set(claims), claims["iss"]) == ({"iss", "iat"}, "TEAM567890")


def _trusting(ca_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["h2"])
    return context


def test_the_token_proves_the_sender_and_is_renewed_every_forty_minutes(
    service: Endpoint, apns: ApnsProvider, watch: Watch
) -> None:
    began = watch.at
    for minutes in (0, 39, 41, 80, 82):
        watch.at = began + minutes * 60_000
        send(apns, [Push(1, TOKEN, message(expires_at=began + 3 * HOUR))])
    tokens = [asked.headers["authorization"].removeprefix("bearer ") for asked in service.asked]
    assert [tokens.index(token) for token in tokens] == [0, 0, 2, 2, 4]
    public = load_pem_private_key(keys.p256_pem().encode(), None).public_key()
    claims = jwt.decode(tokens[0], public, ["ES256"], options={"verify_iat": False})  # type: ignore[arg-type]  # P-256
    assert claims == {"iss": "TEAM567890", "iat": began // 1000}


def test_a_background_push_shows_nothing_and_never_has_the_highest_priority(
    service: Endpoint, apns: ApnsProvider
) -> None:
    send(apns, [Push(1, TOKEN, message(is_background=True, is_urgent=True))])
    asked = service.asked[0]
    assert (asked.headers["apns-push-type"], asked.headers["apns-priority"]) == ("background", "5")
    assert json.loads(asked.body)["aps"] == {"content-available": 1}
    assert json.loads(asked.body)["body"] == message().body


def test_a_repeated_attempt_collapses_and_another_send_does_not(
    service: Endpoint, apns: ApnsProvider
) -> None:
    for number, send_id in enumerate(("monday", "monday", "tuesday")):
        send(apns, [Push(number, TOKEN, message(send_id=send_id))])
    first, again, other = (asked.headers["apns-collapse-id"] for asked in service.asked)
    assert first == again != other
    assert len(first.encode()) <= 64


@pytest.mark.parametrize("said", TABLE)
def test_each_documented_answer_has_its_verdict(service: Endpoint, apns: ApnsProvider, said: str) -> None:
    service.reply = lambda _: reason(403, said)
    verdict = send(apns, [Push(1, TOKEN, message())])[1]
    assert (verdict.result, verdict.cause) == TABLE[said]
    assert said in verdict.reason
    assert TOKEN not in verdict.reason


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, (Result.REFUSED, Cause.OTHER)),
        (403, (Result.HELD, Cause.OTHER)),
        (410, (Result.GONE, Cause.UNREGISTERED)),
        (413, (Result.REFUSED, Cause.PAYLOAD)),
        (429, (Result.RETRY, Cause.THROTTLED)),
        (500, (Result.RETRY, Cause.UNAVAILABLE)),
        (503, (Result.RETRY, Cause.UNAVAILABLE)),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b'{"reason": 7}', b'{"reason": "Brand New \\u0000"}', b"\xff"]
)
def test_an_answer_that_nobody_documented_is_judged_by_its_status(
    service: Endpoint, apns: ApnsProvider, status: int, meaning: tuple[Result, Cause], body: bytes
) -> None:
    service.reply = lambda _: Reply(status, body)
    verdict = send(apns, [Push(1, TOKEN, message())])[1]
    assert (verdict.result, verdict.cause) == meaning
    assert re.fullmatch(r"Apple answered \d+\.", verdict.reason)


def test_a_token_that_apple_finds_old_is_renewed_unless_it_is_new(
    service: Endpoint, apns: ApnsProvider, watch: Watch
) -> None:
    service.reply = lambda _: reason(403, "ExpiredProviderToken")
    assert send(apns, [Push(1, TOKEN, message())])[1].result is Result.HELD
    watch.at += 21 * 60_000
    assert send(apns, [Push(1, TOKEN, message())])[1].result is Result.RETRY
    assert send(apns, [Push(1, TOKEN, message())])[1].result is Result.HELD


@pytest.mark.parametrize("token", ["", "not hex", "../../etc", "ab?x=1", "ab\r\nx: y", "ab" * 101])
def test_what_is_no_device_token_never_reaches_the_network(
    service: Endpoint, apns: ApnsProvider, token: str
) -> None:
    verdict = send(apns, [Push(1, token, message())])[1]
    assert (verdict.result, verdict.cause) == (Result.REFUSED, Cause.INVALID_TOKEN)
    assert service.asked == []


def test_what_is_too_long_or_too_late_never_reaches_the_network(
    service: Endpoint, apns: ApnsProvider, watch: Watch
) -> None:
    room = 4096 - len(payload(message(body="")))
    fitting, long = message(body="x" * room), message(body="x" * (room + 1))
    verdicts = send(
        apns, [Push(1, TOKEN, fitting), Push(2, TOKEN, long), Push(3, TOKEN, message(expires_at=watch.at))]
    )
    assert [(verdicts[key].result, verdicts[key].cause) for key in (1, 2, 3)] == [
        (Result.SENT, None),
        (Result.REFUSED, Cause.PAYLOAD),
        (Result.REFUSED, Cause.EXPIRED),
    ]
    assert [len(asked.body) for asked in service.asked] == [4096]


def test_each_world_has_its_host_unless_another_is_given() -> None:
    for dev, given, host in (
        (False, None, "https://api.push.apple.com/"),
        (True, None, "https://api.sandbox.push.apple.com/"),
        (True, "https://proxy.example", "https://proxy.example/"),
    ):
        with closing(ApnsProvider(keys.apns(given), dev=dev)) as provider:
            request = provider._request(Push(1, TOKEN, message()), 0)
            assert isinstance(request, Request)
            assert request.url == f"{host}3/device/{TOKEN}"


def test_when_apple_is_away_pushes_are_tried_again_later(service: Endpoint) -> None:
    with closing(ApnsProvider(keys.apns("https://127.0.0.1:9"), ca_file=service.ca_file)) as provider:
        verdict = send(provider, [Push(1, TOKEN, message())])[1]
    assert (verdict.result, verdict.cause) == (Result.RETRY, Cause.UNAVAILABLE)
