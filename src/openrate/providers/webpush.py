"""Web Push: RFC 8030 (the request), RFC 8291 (encryption), RFC 8292 (VAPID).

The table is RFC 8030's sections 5 and 8, with what the services document beside it: autopush
(mozilla-services.github.io/autopush-rs/errors.html) and WNS (learn.microsoft.com, "Push notification service request
and response headers", which has 406 for too many).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from openrate import payloads
from openrate.credentials import WebPushCredentials
from openrate.model import Cause, Message, Platform
from openrate.payloads import MOST_BYTES, occurrence
from openrate.ports.clock import Clock, SystemClock
from openrate.ports.provider import Check, Push, Result, Verdict
from openrate.providers.encryption import browser, encrypted
from openrate.providers.http2 import Answer, Http2Client, Request
from openrate.providers.over_http import SENT, HttpProvider, ReadyMessages, too_long
from openrate.providers.push_services import PushServices

TABLE: dict[int, tuple[Result, Cause]] = {
    400: (Result.REFUSED, Cause.OTHER),
    # Another VAPID key made the subscription. A device can bring one on purpose, so nobody else is held for it.
    401: (Result.REFUSED, Cause.INVALID_TOKEN),
    403: (Result.REFUSED, Cause.INVALID_TOKEN),
    404: (Result.GONE, Cause.UNREGISTERED),
    406: (Result.RETRY, Cause.THROTTLED),
    408: (Result.RETRY, Cause.UNAVAILABLE),
    410: (Result.GONE, Cause.UNREGISTERED),
    413: (Result.REFUSED, Cause.PAYLOAD),
    429: (Result.RETRY, Cause.THROTTLED),
}
_TOKEN_LIFE = 12 * 3600
"""Seconds; RFC 8292, section 2, allows 24 hours."""
_RENEW_MS = 6 * 3600 * 1000
_ORIGINS = 1024
"""Origins whose headers are remembered: a known service has many hosts, and names cost an attacker nothing."""
_NO_SERVICE = Verdict(
    Result.REFUSED, Cause.INVALID_TOKEN, "The subscription's endpoint is at no known push service."
)
_NO_SUBSCRIPTION = Verdict(
    Result.REFUSED, Cause.INVALID_TOKEN, "The push token is no subscription with an endpoint and keys."
)
_FORBIDDEN = Verdict(
    Result.REFUSED,
    Cause.INVALID_TOKEN,
    "The endpoint's host has an address that is not of the public internet.",
)


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Subscription(msgspec.Struct):
    endpoint: str
    keys: _Keys


_decode = msgspec.json.Decoder(_Subscription).decode


class _Ready(NamedTuple):
    text: bytes
    headers: list[str]


class WebPushProvider(HttpProvider):
    """Sends to one site's browsers, whichever service each of them has.

    Args:
        credentials: the app's.
        services: where it may send to.
        ca_file: certificates to trust instead of the system's.
        clock: the present.
    """

    def __init__(
        self,
        credentials: WebPushCredentials,
        services: PushServices,
        *,
        ca_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        client = Http2Client[Push](ca_file=ca_file, may_connect=services.may_connect)
        super().__init__(client, clock or SystemClock())
        self._services = services
        self._subject, self._public_key = credentials.subject, credentials.public_key
        self._key = load_pem_private_key(credentials.private_key.encode(), None)
        self._proofs: dict[str, tuple[int, str]] = {}
        self._messages = ReadyMessages(_make_ready)

    def _request(self, push: Push, now: int) -> Request | Verdict:
        ready = self._messages.of(push.message, now)
        if isinstance(ready, Verdict):
            return ready
        try:
            subscription = _decode(push.token)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return _NO_SUBSCRIPTION
        endpoint = self._services.endpoint(subscription.endpoint)
        if endpoint is None:
            return _NO_SERVICE
        reader = browser(subscription.keys.p256dh, subscription.keys.auth)
        if reader is None:
            return _NO_SUBSCRIPTION
        headers = [*ready.headers, self._proof(endpoint.origin, now)]
        return Request(endpoint.url, headers, encrypted(ready.text, reader))

    def _proof(self, origin: str, now: int) -> str:
        """The header that says who sends, made out to one push service."""
        made_at, header = self._proofs.get(origin, (0, ""))
        if not header or now - made_at >= _RENEW_MS:
            if len(self._proofs) >= _ORIGINS:
                self._proofs.clear()
            claims = {"aud": origin, "exp": now // 1000 + _TOKEN_LIFE, "sub": self._subject}
            token = jwt.encode(claims, self._key, "ES256")  # type: ignore[arg-type]  # P-256
            header = f"authorization: vapid t={token}, k={self._public_key}"
            self._proofs[origin] = (now, header)
        return header

    def _read(self, answer: Answer) -> Verdict:
        return _FORBIDDEN if answer.is_forbidden else super()._read(answer)

    def _verdict(self, answer: Answer) -> Verdict:
        if 200 <= answer.status < 300:  # noqa: PLR2004 - 201, and 202 when it was queued
            return SENT
        away = answer.status >= 500  # noqa: PLR2004 - theirs
        fallback = (Result.RETRY, Cause.UNAVAILABLE) if away else (Result.REFUSED, Cause.OTHER)
        result, cause = TABLE.get(answer.status, fallback)
        return Verdict(result, cause, f"The push service answered {answer.status}.", answer.retry_after)


def check(credentials: WebPushCredentials) -> Check:
    """Sign for a push service as for a push. There is nobody to ask: a service knows only its own subscriptions."""
    key = load_pem_private_key(credentials.private_key.encode(), None)
    token = jwt.encode({"sub": credentials.subject}, key, "ES256")  # type: ignore[arg-type]  # P-256
    jwt.decode(token, key.public_key(), ["ES256"])  # type: ignore[arg-type]  # the same
    return Check(
        True, "The key signs as push services ask for. Whether a browser gets a push, the first one shows."
    )


def _make_ready(message: Message, seconds: int) -> _Ready | Verdict:
    text = payloads.webpush(message)
    if len(text) > MOST_BYTES[Platform.WEB]:
        return too_long(Platform.WEB)
    headers = [
        f"ttl: {seconds}",
        f"urgency: {'high' if message.is_urgent else 'normal'}",
        f"topic: {occurrence(message)}",
        "content-encoding: aes128gcm",
        "content-type: application/octet-stream",
    ]
    return _Ready(text, headers)
