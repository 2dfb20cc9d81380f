"""Web Push, decrypted and verified by libraries that are not ours, and the RFC's own example."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing

import http_ece  # type: ignore[import-untyped]  # it has no types
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types

from openrate.model import Cause
from openrate.payloads import webpush as payload
from openrate.ports.provider import Push, Result
from openrate.providers.encryption import LONGEST_TEXT, browser, encrypted
from openrate.providers.push_services import KNOWN, Allowance, PushServices
from openrate.providers.webpush import TABLE, WebPushProvider
from providers import keys
from providers.endpoint import Endpoint, Reply
from providers.keys import Subscriber
from providers.messages import message, send

HOUR = 3_600_000
SERVICES = PushServices(allowance=Allowance(frozenset({"localhost"})))


@pytest.fixture
def webpush(service: Endpoint) -> Iterator[WebPushProvider]:
    service.reply = lambda _: Reply(201)
    with closing(WebPushProvider(keys.webpush(), SERVICES, ca_file=service.ca_file)) as provider:
        yield provider


@pytest.fixture
def subscriber(service: Endpoint) -> Subscriber:
    return Subscriber(f"https://localhost:{service.port}/push/1")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_browser_can_read_what_was_sent_to_it(
    service: Endpoint, webpush: WebPushProvider, subscriber: Subscriber
) -> None:
    said = message()
    assert send(webpush, [Push(1, subscriber.subscription, said)])[1].result is Result.SENT
    (asked,) = service.asked
    assert asked.headers["content-encoding"] == "aes128gcm"
    text = json.loads(http_ece.decrypt(asked.body, private_key=subscriber.key, auth_secret=subscriber.auth))
    assert text.pop("tag") == asked.headers["topic"]
    assert text == {
        "campaign_token": said.campaign_token,
        "send_id": said.send_id,
        "title": said.title,
        "body": said.body,
        "deeplink": said.deeplink,
        "media": said.media,
        "custom_payload": said.custom_payload,
    }


def test_the_request_is_as_rfc_8030_has_it(
    service: Endpoint, webpush: WebPushProvider, subscriber: Subscriber
) -> None:
    for number, urgent in enumerate((True, False)):
        send(webpush, [Push(number, subscriber.subscription, message(is_urgent=urgent))])
    asked = service.asked[0]
    assert (asked.method, asked.path) == ("POST", "/push/1")
    assert 3590 <= int(asked.headers["ttl"]) <= 3600
    assert [asked.headers["urgency"] for asked in service.asked] == ["high", "normal"]
    assert len(asked.headers["topic"]) <= 32
    assert asked.headers["topic"].replace("-", "").replace("_", "").isalnum()


def test_the_sender_proves_itself_to_each_push_service(
    service: Endpoint, webpush: WebPushProvider, subscriber: Subscriber
) -> None:
    for number in range(2):
        send(webpush, [Push(number, subscriber.subscription, message())])
    first, second = (asked.headers["authorization"] for asked in service.asked)
    assert first == second
    assert Vapid02.verify(first.replace(", ", ","))  # it reads the form without the blank alone
    token, key = first.removeprefix("vapid t=").split(", k=")
    assert key == keys.webpush().public_key
    claims = json.loads(raw(token.split(".")[1]))
    assert claims["aud"] == f"https://localhost:{service.port}"
    assert claims["sub"] == "mailto:push@shop.example"


def test_the_example_of_rfc_8291_comes_out_to_the_byte() -> None:
    reader = browser(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    assert reader
    number = int.from_bytes(raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    key = ec.derive_private_key(number, ec.SECP256R1())
    text = b"When I grow up, I want to be a watermelon"
    assert encrypted(text, reader, key, raw("DGv6ra1nlYgDCS1FRnbzlw")) == raw(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.binary(max_size=LONGEST_TEXT))
def test_every_text_that_fits_is_read_by_others(text: bytes) -> None:
    subscriber = Subscriber("https://push.test/")
    subscription = json.loads(subscriber.subscription)["keys"]
    reader = browser(**subscription)
    assert reader
    body = encrypted(text, reader)
    assert len(body) <= 4096
    assert http_ece.decrypt(body, private_key=subscriber.key, auth_secret=subscriber.auth) == text


def test_no_two_messages_share_a_key_or_a_salt() -> None:
    reader = browser(**json.loads(Subscriber("https://push.test/").subscription)["keys"])
    assert reader
    bodies = [encrypted(b"the same", reader) for _ in range(50)]
    assert len({body[:16] for body in bodies}) == len({body[21:86] for body in bodies}) == 50


@pytest.mark.parametrize("status", TABLE)
def test_each_documented_answer_has_its_verdict(
    service: Endpoint, webpush: WebPushProvider, subscriber: Subscriber, status: int
) -> None:
    service.reply = lambda _: Reply(status, b"x" * 100, {"retry-after": "5"})
    verdict = send(webpush, [Push(1, subscriber.subscription, message())])[1]
    assert (verdict.result, verdict.cause) == TABLE[status]
    assert verdict.retry_after == 5


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.SENT),
        (202, Result.SENT),
        (301, Result.REFUSED),
        (307, Result.REFUSED),
        (418, Result.REFUSED),
        (500, Result.RETRY),
        (503, Result.RETRY),
    ],
)
def test_other_answers_are_judged_by_their_class(
    service: Endpoint, webpush: WebPushProvider, subscriber: Subscriber, status: int, result: Result
) -> None:
    service.reply = lambda _: Reply(status, headers={"location": f"https://localhost:{service.port}/private"})
    assert send(webpush, [Push(1, subscriber.subscription, message())])[1].result is result
    assert [asked.path for asked in service.asked] == ["/push/1"]


SUBSCRIPTION = json.loads(Subscriber("https://localhost/push").subscription)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "[]",
        "{}",
        "\ud800",
        "[" * 4096,
        json.dumps(SUBSCRIPTION | {"keys": {}}),
        json.dumps(SUBSCRIPTION | {"keys": {"p256dh": "AAAA", "auth": SUBSCRIPTION["keys"]["auth"]}}),
        json.dumps(SUBSCRIPTION | {"keys": SUBSCRIPTION["keys"] | {"auth": "AAAA"}}),
        json.dumps(SUBSCRIPTION | {"keys": SUBSCRIPTION["keys"] | {"p256dh": "BA" + "A" * 85}}),
        json.dumps(SUBSCRIPTION | {"keys": SUBSCRIPTION["keys"] | {"p256dh": "é"}}),
    ],
    ids=str.__len__,
)
def test_what_is_no_subscription_never_reaches_the_network(
    service: Endpoint, webpush: WebPushProvider, token: str
) -> None:
    verdict = send(webpush, [Push(1, token, message())])[1]
    assert (verdict.result, verdict.cause) == (Result.REFUSED, Cause.INVALID_TOKEN)
    assert service.asked == []


def test_a_message_that_is_too_long_never_reaches_the_network(
    service: Endpoint, webpush: WebPushProvider, subscriber: Subscriber
) -> None:
    room = LONGEST_TEXT - len(payload(message(body=""))) - len(',"body":""')
    said = [message(body="x" * room), message(body="x" * (room + 1))]
    verdicts = send(webpush, [Push(key, subscriber.subscription, one) for key, one in enumerate(said)])
    assert verdicts[0].result is Result.SENT
    assert (verdicts[1].result, verdicts[1].cause) == (Result.REFUSED, Cause.PAYLOAD)
    assert verdicts[1].reason == "The message is longer than 3,993 bytes."
    assert [len(asked.body) for asked in service.asked] == [4096]


@pytest.mark.parametrize(
    "url",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b-_",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2bx",
        "https://web.push.apple.com/QGk",
        "https://fcm.googleapis.com:443/fcm/send/abc",
        "https://push.more.example/x",
        "https://a.b.below.example/x",
    ],
)
def test_the_endpoints_of_known_push_services_may_be_called(url: str) -> None:
    endpoint = PushServices(["push.more.example", "*.below.example"]).endpoint(url)
    assert endpoint
    assert endpoint.url == url
    assert endpoint.origin == "/".join(url.split("/")[:3]).removesuffix(":443")


@pytest.mark.parametrize(
    "url",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com./x",
        "https://FCM.googleapis.com@evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://evil.example#fcm.googleapis.com/x",
        "https://fcm.googleapis.com\\@evil.example/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://user:word@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilnotify.windows.com/x",
        "https://notify.windows.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://2130706433/x",
        "https://localhost/x",
        "https://169.254.169.254/latest/meta-data",
        "https://fcm.googleapis.com/x\r\nHost: evil.example",
        "https://fcm.googleapis.com/x y",
        " https://fcm.googleapis.com/x",
        "https://fcm.googleapis.com/x\n",
        "https://fcm.googleapis.com/" + "x" * 3000,
        "ftp://fcm.googleapis.com/x",
        "file:///etc/passwd",
        "https://permanently-removed.invalid/fcm/send/x",
    ],
)
def test_nothing_else_may_be_called(url: str) -> None:
    assert PushServices().endpoint(url) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_around_it_only_a_known_host_is_called(before: str, after: str) -> None:
    endpoint = PushServices().endpoint(f"https://{before}fcm.googleapis.com{after}")
    if endpoint is not None:
        host = endpoint.origin.removeprefix("https://")
        assert host in KNOWN or any(host.endswith(name[1:]) for name in KNOWN if name.startswith("*."))


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("142.250.185.74", True),
        ("2a00:1450:4001:82f::200a", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - must be refused
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:142.250.185.74", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::8efa:b94a", True),
        ("64:ff9b:1::8efa:b94a", False),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_only_addresses_of_the_public_internet_are_connected_to(address: str, may: bool) -> None:
    assert PushServices().may_connect(address) is may


def test_a_known_name_that_leads_inside_is_refused_when_it_is_connected_to(service: Endpoint) -> None:
    # The name is allowed, the address is not: what a push service's name does when somebody owns its DNS.
    services = PushServices(["localhost"])
    with closing(WebPushProvider(keys.webpush(), services, ca_file=service.ca_file)) as provider:
        verdict = send(provider, [Push(1, Subscriber("https://localhost/push").subscription, message())])[1]
    assert (verdict.result, verdict.cause) == (Result.REFUSED, Cause.INVALID_TOKEN)
    assert "public internet" in verdict.reason


def test_a_made_key_is_the_one_that_pages_subscribe_with() -> None:
    point = raw(keys.webpush().public_key)
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    assert key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) == point
