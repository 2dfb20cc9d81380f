"""Google's push service, by what its documentation says and a client that is not ours sends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.oauth2 import service_account

from openrate.model import Cause
from openrate.payloads import fcm as message_of
from openrate.ports.provider import Push, Result
from openrate.providers.fcm import TABLE, FcmProvider
from providers import keys
from providers.endpoint import Asked, Endpoint, Reply
from providers.messages import message, send

TOKEN = "fGH1:APA91b-_x"  # noqa: S105 - names a device that is not there
PUSH = Push(1, TOKEN, message())
HOUR = 3_600_000


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = message().expires_at - HOUR

    def now(self) -> int:
        return self.at


class Google:
    """The token endpoint and FCM: one opens the other."""

    def __init__(self) -> None:
        self.granted = 0
        self.lives = 3600
        self.refusal: Reply | None = None
        self.push: Callable[[Asked], Reply] = lambda _: Reply(200, b'{"name": "projects/shop-1/messages/1"}')

    def __call__(self, asked: Asked) -> Reply:
        if asked.path != "/token":
            return self.push(asked)
        if self.refusal is not None:
            return self.refusal
        self.granted += 1
        granted = {"access_token": f"ya29.{self.granted}", "expires_in": self.lives, "token_type": "Bearer"}
        return Reply(200, json.dumps(granted).encode(), delay=0.01)


@pytest.fixture
def google(service: Endpoint) -> Google:
    service.reply = google = Google()
    return google


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushes wait for Google's answer about a token, also on a busy machine."""
    monkeypatch.setattr("openrate.providers.fcm._PATIENCE", 5.0)


@pytest.fixture
def fcm(service: Endpoint, google: Google, watch: Watch) -> Iterator[FcmProvider]:
    assert google.granted == 0
    with closing(FcmProvider(keys.fcm(service.url), ca_file=service.ca_file, clock=watch)) as provider:
        yield provider


def pushed(service: Endpoint) -> list[Asked]:
    return [asked for asked in service.asked if asked.path != "/token"]


def failure(status: int, code: str | None, **error: Any) -> Reply:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    error |= {"code": status, "details": details if code else []}
    return Reply(status, json.dumps({"error": error}).encode())


def test_a_push_is_a_request_as_google_documents_it(service: Endpoint, fcm: FcmProvider) -> None:
    said = message(collapse_key="shoes")
    assert send(fcm, [Push(1, TOKEN, said)])[1].result is Result.SENT
    (asked,) = pushed(service)
    assert (asked.method, asked.path) == ("POST", "/v1/projects/shop-1/messages:send")
    assert asked.http_version == "2"
    assert asked.headers["authorization"] == "Bearer ya29.1"
    assert asked.headers["content-type"] == "application/json"
    sent = json.loads(asked.body)["message"]
    tag = sent["android"]["notification"].pop("tag")
    assert len(tag) == 32
    assert sent == {
        "token": TOKEN,
        "notification": {"title": said.title, "body": said.body, "image": said.media["picture"]},
        "data": {
            "campaign_token": said.campaign_token,
            "send_id": said.send_id,
            "deeplink": said.deeplink,
            "media": json.dumps(said.media, separators=(",", ":")),
            "custom_payload": said.custom_payload,
        },
        "android": {"priority": "HIGH", "ttl": "3600s", "collapse_key": "shoes", "notification": {}},
    }


def test_the_access_token_is_asked_for_as_by_a_client_of_others(service: Endpoint, fcm: FcmProvider) -> None:
    send(fcm, [PUSH])
    given = keys.fcm(service.url)
    theirs = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # it has no types
        {
            name: getattr(given, name)
            for name in ("client_email", "private_key", "private_key_id", "token_uri")
        },
        scopes=["https://www.googleapis.com/auth/firebase.messaging"],
    )
    forms: list[dict[str, list[str]]] = []

    class _Answer:
        status = 200
        headers: dict[str, str] = {}  # noqa: RUF012 - never changed
        data = b'{"access_token": "x", "expires_in": 3600}'

    def transport(*_: Any, body: bytes, **__: Any) -> _Answer:
        forms.append(parse_qs(body.decode()))
        return _Answer()

    theirs.refresh(transport)
    (asked,) = [asked for asked in service.asked if asked.path == "/token"]
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    ours, others = parse_qs(asked.body.decode()), forms[0]
    assert ours["grant_type"] == others["grant_type"]
    public = load_pem_private_key(keys.rsa_pem().encode(), None).public_key()
    claims, audience = [], "https://oauth2.googleapis.com/token"
    for form in (ours, others):
        assertion = form["assertion"][0]
        assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "abc123"}
        claims.append(jwt.decode(assertion, public, ["RS256"], audience=audience))  # type: ignore[arg-type]  # RSA
    assert claims[0].keys() == claims[1].keys()
    for name in ("iss", "scope", "aud"):
        assert claims[0][name] == claims[1][name]
    assert claims[0]["exp"] - claims[0]["iat"] == claims[1]["exp"] - claims[1]["iat"] == 3600


def test_one_access_token_serves_until_five_minutes_before_its_end(
    service: Endpoint, fcm: FcmProvider, google: Google, watch: Watch
) -> None:
    began = watch.at
    for minutes in (0, 0, 54, 56, 57, 61):
        watch.at = began + minutes * 60_000
        send(fcm, [Push(1, TOKEN, message(expires_at=began + 3 * HOUR))])
        for _ in range(20):
            fcm.finished(0.02)
    assert [asked.headers["authorization"][-1] for asked in pushed(service)] == ["1", "1", "1", "1", "2", "2"]
    assert google.granted == 2


def test_pushes_wait_for_the_access_token_and_none_is_lost(
    service: Endpoint, fcm: FcmProvider, google: Google
) -> None:
    fcm.start([Push(key, TOKEN, message()) for key in range(50)])
    verdicts = send(fcm, [Push(50, TOKEN, message())] * 0)
    while len(verdicts) < 50:
        verdicts |= {push.key: verdict for push, verdict in fcm.finished(1)}
    assert {verdict.result for verdict in verdicts.values()} == {Result.SENT}
    assert (len(pushed(service)), google.granted) == (50, 1)


@pytest.mark.usefixtures("patient")
def test_a_service_account_that_google_refuses_holds_the_app_and_says_why(
    service: Endpoint, fcm: FcmProvider, google: Google
) -> None:
    google.refusal = Reply(400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}')
    verdict = send(fcm, [PUSH])[1]
    assert verdict.result is Result.HELD
    assert "invalid_grant: Invalid JWT Signature." in verdict.reason
    assert pushed(service) == []
    google.refusal = None
    assert send(fcm, [PUSH])[1].result is Result.SENT


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"access_token": 7}', b'{"access_token": "a\\r\\nx: y"}', b"\xff"]
)
def test_an_answer_that_is_no_access_token_is_not_sent_on(
    service: Endpoint, fcm: FcmProvider, google: Google, body: bytes
) -> None:
    google.refusal = Reply(200, body)
    assert send(fcm, [PUSH])[1].result is Result.HELD
    assert pushed(service) == []


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("status", [429, 500, 503])
def test_when_access_tokens_are_not_to_be_had_pushes_are_tried_again_later(
    fcm: FcmProvider, google: Google, status: int
) -> None:
    google.refusal = Reply(status, headers={"retry-after": "9"})
    verdict = send(fcm, [PUSH])[1]
    assert (verdict.result, verdict.cause, verdict.retry_after) == (Result.RETRY, Cause.UNAVAILABLE, 9)


@pytest.mark.parametrize("code", TABLE)
def test_each_documented_answer_has_its_verdict(fcm: FcmProvider, google: Google, code: str) -> None:
    google.push = lambda _: failure(400, code, message=f"About {TOKEN}")
    verdict = send(fcm, [PUSH])[1]
    assert (verdict.result, verdict.cause) == TABLE[code]
    assert code in verdict.reason
    assert TOKEN not in verdict.reason


@pytest.mark.parametrize(
    "reply",
    [
        failure(
            400, "INVALID_ARGUMENT", message="The registration token is not a valid FCM registration token"
        ),
        Reply(400, b'{"error": {"details": [{"fieldViolations": [{"field": "message.token"}]}]}}'),
    ],
)
def test_a_token_that_is_none_is_told_from_a_bad_payload(
    fcm: FcmProvider, google: Google, reply: Reply
) -> None:
    google.push = lambda _: reply
    verdict = send(fcm, [PUSH])[1]
    assert (verdict.result, verdict.cause) == (Result.GONE, Cause.INVALID_TOKEN)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, (Result.REFUSED, Cause.PAYLOAD)),
        (401, (Result.HELD, Cause.OTHER)),
        (403, (Result.HELD, Cause.OTHER)),
        (404, (Result.HELD, Cause.OTHER)),
        (413, (Result.REFUSED, Cause.PAYLOAD)),
        (429, (Result.RETRY, Cause.THROTTLED)),
        (500, (Result.RETRY, Cause.UNAVAILABLE)),
        (502, (Result.RETRY, Cause.UNAVAILABLE)),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"error": {"details": [{}]}}', b'{"error": 7}'])
def test_an_answer_without_a_code_is_judged_by_its_status(
    fcm: FcmProvider, google: Google, status: int, meaning: tuple[Result, Cause], body: bytes
) -> None:
    google.push = lambda _: Reply(status, body)
    verdict = send(fcm, [PUSH])[1]
    assert (verdict.result, verdict.cause) == meaning


def test_a_used_up_quota_pauses_as_long_as_google_says_or_a_minute(fcm: FcmProvider, google: Google) -> None:
    google.push = lambda _: failure(429, "QUOTA_EXCEEDED")
    assert send(fcm, [PUSH])[1].retry_after == 60
    google.push = lambda _: failure(429, "QUOTA_EXCEEDED")._replace(headers={"retry-after": "7"})
    assert send(fcm, [PUSH])[1].retry_after == 7


def test_an_access_token_that_stops_working_is_replaced_once(fcm: FcmProvider, google: Google) -> None:
    send(fcm, [PUSH])
    works = google.push
    google.push = lambda asked: works(asked) if asked.headers["authorization"].endswith("2") else Reply(401)
    verdicts = send(fcm, [Push(key, TOKEN, message()) for key in range(20)])
    assert {verdict.result for verdict in verdicts.values()} == {Result.RETRY}
    assert send(fcm, [PUSH])[1].result is Result.SENT
    assert google.granted == 2


def test_no_push_waits_longer_for_an_access_token_than_a_stop_may_take(
    service: Endpoint, fcm: FcmProvider, google: Google
) -> None:
    service.reply = lambda asked: google(asked)._replace(delay=2 if asked.path == "/token" else 0)
    began = time.monotonic()
    verdict = send(fcm, [PUSH])[1]
    assert time.monotonic() - began < 1
    assert (verdict.result, verdict.retry_after) == (Result.RETRY, 1.0)
    time.sleep(2)
    assert pushed(service) == []
    assert send(fcm, [PUSH])[1].result is Result.SENT
    assert google.granted == 1


def test_when_the_next_access_token_is_refused_as_well_the_app_is_held(
    fcm: FcmProvider, google: Google, watch: Watch
) -> None:
    send(fcm, [PUSH])
    google.push = lambda _: Reply(401)
    assert send(fcm, [PUSH])[1].result is Result.RETRY
    assert send(fcm, [PUSH])[1].result is Result.RETRY, "it may be an answer to the token before"
    watch.at += 2 * 60_000
    assert send(fcm, [PUSH])[1].result is Result.HELD
    assert google.granted == 2


@pytest.mark.parametrize("lives", [-5, 0, 1])
def test_an_access_token_that_is_said_to_be_over_is_used_all_the_same(
    fcm: FcmProvider, google: Google, lives: int
) -> None:
    google.lives = lives
    verdicts = send(fcm, [Push(key, TOKEN, message()) for key in range(20)])
    assert {verdict.result for verdict in verdicts.values()} == {Result.SENT}
    assert google.granted == 1


def test_a_token_of_the_projects_ios_app_that_cannot_be_reached_holds_nobody_else(
    fcm: FcmProvider, google: Google
) -> None:
    google.push = lambda _: failure(401, "THIRD_PARTY_AUTH_ERROR")
    verdict = send(fcm, [PUSH])[1]
    assert (verdict.result, verdict.cause) == (Result.REFUSED, Cause.INVALID_TOKEN)


def test_no_token_can_break_out_of_the_request(service: Endpoint, fcm: FcmProvider) -> None:
    strange = 'a"},"topic":"all\\\r\n\x00é'
    assert send(fcm, [Push(1, strange, message())])[1].result is Result.SENT
    sent = json.loads(pushed(service)[0].body)["message"]
    assert sent["token"] == strange
    assert "topic" not in sent


def test_a_background_push_shows_nothing(service: Endpoint, fcm: FcmProvider) -> None:
    send(fcm, [Push(1, TOKEN, message(is_background=True, is_urgent=False))])
    sent = json.loads(pushed(service)[0].body)["message"]
    assert "notification" not in sent
    assert sent["android"] == {"priority": "NORMAL", "ttl": "3600s"}
    assert (sent["data"]["title"], sent["data"]["body"]) == (message().title, message().body)


def test_the_time_to_live_is_what_is_left(service: Endpoint, fcm: FcmProvider, watch: Watch) -> None:
    said = message(expires_at=watch.at + 90_000)
    for _ in range(2):
        send(fcm, [Push(1, TOKEN, said)])
        watch.at += 30_000
    watch.at += 30_000
    assert send(fcm, [Push(1, TOKEN, said)])[1].cause is Cause.EXPIRED
    lives = [json.loads(asked.body)["message"]["android"]["ttl"] for asked in pushed(service)]
    assert lives == ["90s", "60s"]


def test_a_message_that_is_too_long_never_reaches_the_network(service: Endpoint, fcm: FcmProvider) -> None:
    made = message_of(message(body=""), 0)
    used = sum(
        len(k.encode()) + len(v.encode()) for k, v in [*made["notification"].items(), *made["data"].items()]
    )
    room = 4096 - used - len("body")
    verdicts = send(
        fcm, [Push(1, TOKEN, message(body="é" * (room // 2))), Push(2, TOKEN, message(body="x" * (room + 1)))]
    )
    assert verdicts[1].result is Result.SENT
    assert (verdicts[2].result, verdicts[2].cause) == (Result.REFUSED, Cause.PAYLOAD)
    assert len(pushed(service)) == 1


def test_versions_and_languages_that_take_turns_are_not_mixed_up(service: Endpoint, fcm: FcmProvider) -> None:
    said = [message(body=f"number {number}") for number in range(300)]
    send(fcm, [Push(key, f"token{key % 300}", said[key % 300]) for key in range(600)])
    sent = [json.loads(asked.body)["message"] for asked in pushed(service)]
    assert len(sent) == 600
    assert all(one["notification"]["body"] == f"number {one['token'].removeprefix('token')}" for one in sent)
