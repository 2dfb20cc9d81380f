"""Apple Push Notification service, by tokens (ES256) over HTTP/2.

Sources, all of developer.apple.com/documentation/usernotifications: "Sending notification requests to APNs" (headers
and hosts), "Generating a remote notification" (payload), "Establishing a token-based connection to APNs" (tokens),
"Handling notification responses from APNs" (the table).
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from openrate import payloads
from openrate.credentials import ApnsCredentials
from openrate.model import Cause, Message, Platform
from openrate.payloads import MOST_BYTES, occurrence
from openrate.ports.clock import Clock, SystemClock
from openrate.ports.provider import Check, Push, Result, Verdict
from openrate.providers.http2 import Answer, Http2Client, Request
from openrate.providers.over_http import SENT, HttpProvider, ReadyMessages, too_long, tried, word

_LIVE = "https://api.push.apple.com"
_SANDBOX = "https://api.sandbox.push.apple.com"
_TOKEN = re.compile(r"[0-9A-Fa-f]{2,200}", re.ASCII)
"""A device token in hex; Apple says not to rely on its length."""
_RENEW_AFTER = 40 * 60_000
_SOONEST = 20 * 60_000
"""Milliseconds. Apple refuses a token older than 60 minutes, and to take new ones oftener than every 20."""

TABLE: dict[str, tuple[Result, Cause]] = {
    "Unregistered": (Result.GONE, Cause.UNREGISTERED),
    "ExpiredToken": (Result.GONE, Cause.UNREGISTERED),
    # These two also come when the topic or the host is wrong: a mistake of ours must not retire every token.
    "BadDeviceToken": (Result.REFUSED, Cause.INVALID_TOKEN),
    "DeviceTokenNotForTopic": (Result.REFUSED, Cause.INVALID_TOKEN),
    "MissingDeviceToken": (Result.REFUSED, Cause.INVALID_TOKEN),
    "BadPath": (Result.REFUSED, Cause.INVALID_TOKEN),
    "PayloadTooLarge": (Result.REFUSED, Cause.PAYLOAD),
    "PayloadEmpty": (Result.REFUSED, Cause.PAYLOAD),
    "BadCollapseId": (Result.REFUSED, Cause.PAYLOAD),
    "BadExpirationDate": (Result.REFUSED, Cause.PAYLOAD),
    "BadMessageId": (Result.REFUSED, Cause.PAYLOAD),
    "BadPriority": (Result.REFUSED, Cause.PAYLOAD),
    "InvalidPushType": (Result.REFUSED, Cause.PAYLOAD),
    "DuplicateHeaders": (Result.REFUSED, Cause.OTHER),
    "MethodNotAllowed": (Result.REFUSED, Cause.OTHER),
    "BadTopic": (Result.HELD, Cause.OTHER),
    "MissingTopic": (Result.HELD, Cause.OTHER),
    "TopicDisallowed": (Result.HELD, Cause.OTHER),
    "BadCertificate": (Result.HELD, Cause.OTHER),
    "BadCertificateEnvironment": (Result.HELD, Cause.OTHER),
    "BadEnvironmentKeyIdInToken": (Result.HELD, Cause.OTHER),
    "UnrelatedKeyIdInToken": (Result.HELD, Cause.OTHER),
    "ExpiredProviderToken": (Result.HELD, Cause.OTHER),
    "InvalidProviderToken": (Result.HELD, Cause.OTHER),
    "MissingProviderToken": (Result.HELD, Cause.OTHER),
    "Forbidden": (Result.HELD, Cause.OTHER),
    "TooManyRequests": (Result.RETRY, Cause.THROTTLED),
    "TooManyProviderTokenUpdates": (Result.RETRY, Cause.THROTTLED),
    "IdleTimeout": (Result.RETRY, Cause.UNAVAILABLE),
    "InternalServerError": (Result.RETRY, Cause.UNAVAILABLE),
    "ServiceUnavailable": (Result.RETRY, Cause.UNAVAILABLE),
    "Shutdown": (Result.RETRY, Cause.UNAVAILABLE),
}
"""Every reason that Apple documents."""

_BY_STATUS: dict[int, tuple[Result, Cause]] = {
    403: (Result.HELD, Cause.OTHER),
    410: (Result.GONE, Cause.UNREGISTERED),
    413: (Result.REFUSED, Cause.PAYLOAD),
    429: (Result.RETRY, Cause.THROTTLED),
}
"""For a reason that is new or missing."""
_NOBODY = "0" * 64
"""The form of a device token, and no device's: Apple answers BadDeviceToken to a provider that it knows."""
_BAD_TOKEN = Verdict(Result.REFUSED, Cause.INVALID_TOKEN, "The device token is not in hexadecimal.")


class _Failure(msgspec.Struct):
    reason: str = ""


_decode = msgspec.json.Decoder(_Failure).decode


class _Ready(NamedTuple):
    headers: list[str]
    body: bytes


class _ProviderToken:
    """The token that proves who sends: signed anew every 40 minutes, all connections share it."""

    def __init__(self, credentials: ApnsCredentials) -> None:
        self._team, self._key_id = credentials.team_id, credentials.key_id
        self._key = load_pem_private_key(credentials.private_key.encode(), None)
        self._made_at = -_RENEW_AFTER
        self._text = ""

    def text(self, now: int) -> str:
        """The token to send at ``now``."""
        if now - self._made_at >= _RENEW_AFTER:
            self._sign(now)
        return self._text

    def renew(self, now: int) -> bool:
        """Sign a new one; False when the last is so young that Apple would not take another."""
        if now - self._made_at < _SOONEST:
            return False
        self._sign(now)
        return True

    def _sign(self, now: int) -> None:
        claims = {"iss": self._team, "iat": now // 1000}
        self._text = jwt.encode(claims, self._key, "ES256", headers={"kid": self._key_id})  # type: ignore[arg-type]  # P-256
        self._made_at = now


class ApnsProvider(HttpProvider):
    """Sends to one app's devices.

    Args:
        credentials: the app's.
        dev: whether these are development builds, whose tokens only Apple's sandbox knows.
        ca_file: certificates to trust instead of the system's.
        clock: the present.
    """

    def __init__(
        self,
        credentials: ApnsCredentials,
        *,
        dev: bool = False,
        ca_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(Http2Client(ca_file=ca_file), clock or SystemClock())
        self._url = (credentials.base_url or (_SANDBOX if dev else _LIVE)) + "/3/device/"
        self._topic = credentials.topic
        self._token = _ProviderToken(credentials)
        self._messages = ReadyMessages(self._make_ready)

    def _request(self, push: Push, now: int) -> Request | Verdict:
        ready = self._messages.of(push.message, now)
        if isinstance(ready, Verdict):
            return ready
        if not _TOKEN.fullmatch(push.token):
            return _BAD_TOKEN
        return Request(self._url + push.token, ready.headers, ready.body)

    def _make_ready(self, message: Message, _seconds: int) -> _Ready | Verdict:
        body = payloads.apns(message)
        if len(body) > MOST_BYTES[Platform.IOS]:
            return too_long(Platform.IOS)
        kind = "background" if message.is_background else "alert"
        # Apple refuses a background push of the highest priority.
        priority = 10 if message.is_urgent and not message.is_background else 5
        headers = [
            f"authorization: bearer {self._token.text(self._clock.now())}",
            f"apns-topic: {self._topic}",
            f"apns-push-type: {kind}",
            f"apns-priority: {priority}",
            f"apns-expiration: {message.expires_at // 1000}",
            f"apns-collapse-id: {occurrence(message)}",
            "content-type: application/json",
        ]
        return _Ready(headers, body)

    def _verdict(self, answer: Answer) -> Verdict:
        if answer.status == 200:  # noqa: PLR2004 - OK
            return SENT
        reason = _reason(answer.body)
        if reason == "ExpiredProviderToken" and self._token.renew(self._clock.now()):
            return Verdict(Result.RETRY, Cause.UNAVAILABLE, "Apple wants a newer provider token.")
        known = TABLE.get(reason) or _BY_STATUS.get(answer.status)
        result, cause = known or (
            (Result.RETRY, Cause.UNAVAILABLE) if answer.status >= 500 else (Result.REFUSED, Cause.OTHER)  # noqa: PLR2004 - HTTP
        )
        said = f"Apple answered {answer.status} {word(reason)}".rstrip() + "."
        return Verdict(result, cause, said, answer.retry_after)


def check(credentials: ApnsCredentials) -> Check:
    """Ask whether Apple takes the key, by a push to no device."""
    taken = (
        f"Apple takes this key of the team {credentials.team_id}. "
        f"Whether {credentials.topic} is the app's bundle id, the first push to a device shows."
    )
    with closing(ApnsProvider(credentials)) as provider:
        return tried(provider, _NOBODY, taken)


def _reason(body: bytes) -> str:
    try:
        return _decode(body).reason
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
