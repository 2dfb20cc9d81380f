"""Firebase Cloud Messaging, HTTP v1.

Sources: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages (the message), .../rest/v1/ErrorCode and
firebase.google.com/docs/cloud-messaging/error-codes (the table), developers.google.com/identity/protocols/oauth2/
service-account (the access token).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from openrate import payloads
from openrate.credentials import FcmCredentials
from openrate.model import Cause, Message, Platform
from openrate.ports.clock import Clock, SystemClock
from openrate.ports.provider import Check, Push, Result, Verdict
from openrate.providers.access_token import AccessToken
from openrate.providers.http2 import Answer, Http2Client, Request
from openrate.providers.over_http import SENT, TRIAL_S, HttpProvider, ReadyMessages, too_long, tried, word

TABLE: dict[str, tuple[Result, Cause]] = {
    "UNREGISTERED": (Result.GONE, Cause.UNREGISTERED),
    "INVALID_ARGUMENT": (Result.REFUSED, Cause.PAYLOAD),
    # Also what every token gets when the service account is of another project: so none is retired.
    "SENDER_ID_MISMATCH": (Result.REFUSED, Cause.INVALID_TOKEN),
    "QUOTA_EXCEEDED": (Result.RETRY, Cause.THROTTLED),
    "UNAVAILABLE": (Result.RETRY, Cause.UNAVAILABLE),
    "INTERNAL": (Result.RETRY, Cause.UNAVAILABLE),
    # Of a token of the project's iOS app or web site, which a device can bring on purpose: nobody else is held for it.
    "THIRD_PARTY_AUTH_ERROR": (Result.REFUSED, Cause.INVALID_TOKEN),
    "UNSPECIFIED_ERROR": (Result.REFUSED, Cause.OTHER),
}
"""Every code that Google documents for FCM."""

_NOBODY = "nobody"
"""No registration token: the form alone says so, and Google answers INVALID_ARGUMENT about it."""

_BY_STATUS: dict[int, tuple[Result, Cause]] = {
    401: (Result.HELD, Cause.OTHER),
    403: (Result.HELD, Cause.OTHER),
    404: (Result.HELD, Cause.OTHER),
    408: (Result.RETRY, Cause.UNAVAILABLE),
    413: (Result.REFUSED, Cause.PAYLOAD),
    429: (Result.RETRY, Cause.THROTTLED),
}
"""For an answer without such a code: it is about the request and not about the message, thus about us."""
_QUOTA_PAUSE = 60.0
"""Seconds to wait when the quota is used up and the answer does not say how long (error-codes page)."""
_TURN = 0.05
_PATIENCE = 0.5
"""Seconds that pushes wait for an access token; a campaign that is stopped meanwhile has to stop within a second."""
_NO_TOKEN_YET = Verdict(Result.RETRY, Cause.UNAVAILABLE, "Google has not given an access token yet.", 1.0)
_encode = msgspec.json.Encoder().encode


class _Detail(msgspec.Struct):
    errorCode: str = ""  # noqa: N815 - Google's name
    fieldViolations: list[dict[str, str]] = []  # noqa: N815 - likewise


class _Error(msgspec.Struct):
    message: str = ""
    status: str = ""
    details: list[_Detail] = []


class _Failure(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


_decode = msgspec.json.Decoder(_Failure).decode


class _Ready(NamedTuple):
    before: bytes
    after: bytes


class FcmProvider(HttpProvider):
    """Sends to one app's devices.

    Pushes wait while there is no access token; when Google refuses one, they are held with the reason.

    Args:
        credentials: the app's.
        is_trial: Google only looks at the messages and delivers none; an access token is waited for.
        ca_file: certificates to trust instead of the system's.
        clock: the present.
    """

    def __init__(
        self,
        credentials: FcmCredentials,
        *,
        is_trial: bool = False,
        ca_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(Http2Client(ca_file=ca_file), clock or SystemClock())
        self._url = f"{credentials.base_url}/v1/projects/{credentials.project_id}/messages:send"
        self._access = AccessToken(credentials, ca_file)
        self._waiting: list[Push] = []
        self._waits_since = 0.0
        self._messages = ReadyMessages(_make_ready)
        self._before = b'{"validate_only":true,' if is_trial else b"{"
        self._patience = TRIAL_S if is_trial else _PATIENCE

    def start(self, pushes: Sequence[Push]) -> None:
        """Begin to send, or to get the access token that this needs."""
        if self._access.is_ready(self._clock.now()):
            super().start(pushes)
        elif pushes:
            if not self._waiting:
                self._waits_since = time.monotonic()
            self._waiting += pushes

    def finished(self, wait: float) -> list[tuple[Push, Verdict]]:
        """What came to an end since the last call; waits up to ``wait`` seconds when nothing has."""
        if self._access.is_asking:
            # The token comes on a connection of its own, so neither is waited for longer than this.
            wait = min(wait, _TURN)
        if not self._waiting:
            self._access.advance(0)
            return super().finished(wait)
        refusal = self._access.advance(wait)
        if refusal is None and not self._access.is_ready(self._clock.now()):
            if time.monotonic() - self._waits_since < self._patience:
                return super().finished(0)
            refusal = _NO_TOKEN_YET
        waiting, self._waiting = self._waiting, []
        if refusal is not None:
            self._ended += [(push, refusal) for push in waiting]
        else:
            self.start(waiting)
        return super().finished(0)

    def close(self) -> None:
        """Hang up."""
        self._access.close()
        super().close()

    def _request(self, push: Push, now: int) -> Request | Verdict:
        ready = self._messages.of(push.message, now)
        if isinstance(ready, Verdict):
            return ready
        body = self._before + ready.before + _encode(push.token) + ready.after
        return Request(self._url, self._access.headers, body)

    def _verdict(self, answer: Answer) -> Verdict:
        if answer.status == 200:  # noqa: PLR2004 - OK
            self._access.was_taken()
            return SENT
        error = _error(answer.body)
        code = next((detail.errorCode for detail in error.details if detail.errorCode), "")
        if answer.status == 401 and not code and self._access.was_refused(self._clock.now()):  # noqa: PLR2004 - UNAUTHENTICATED
            return Verdict(Result.RETRY, Cause.UNAVAILABLE, "Google wants a newer access token.")
        result, cause = _meaning(answer.status, code, error)
        said = f"Google answered {answer.status} {word(code or error.status)}".rstrip() + "."
        pause = answer.retry_after
        if pause is None and cause is Cause.THROTTLED:
            pause = _QUOTA_PAUSE
        return Verdict(result, cause, said, pause)


def check(credentials: FcmCredentials) -> Check:
    """Ask for an access token, and whether a message would be sent, of which Google sends none."""
    taken = f"Google takes these credentials for messages of the project {credentials.project_id}."
    with closing(FcmProvider(credentials, is_trial=True)) as provider:
        return tried(provider, _NOBODY, taken)


def _meaning(status: int, code: str, error: _Error) -> tuple[Result, Cause]:
    if code in {"", "INVALID_ARGUMENT"} and status == 400 and _is_about_token(error):  # noqa: PLR2004 - HTTP
        return Result.GONE, Cause.INVALID_TOKEN
    known = TABLE.get(code) or _BY_STATUS.get(status)
    if known is not None:
        return known
    return (Result.RETRY, Cause.UNAVAILABLE) if status >= 500 else (Result.REFUSED, Cause.PAYLOAD)  # noqa: PLR2004 - HTTP


def _is_about_token(error: _Error) -> bool:
    """A token with a wrong form gets the same code as a bad payload; only the words differ."""
    fields = [violation.get("field") for detail in error.details for violation in detail.fieldViolations]
    return "message.token" in fields or (not any(fields) and "registration token" in error.message)


def _error(body: bytes) -> _Error:
    try:
        return _decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Error()


def _make_ready(message: Message, seconds: int) -> _Ready | Verdict:
    made = payloads.fcm(message, seconds)
    if payloads.size_of_fcm(made) > payloads.MOST_BYTES[Platform.ANDROID]:
        return too_long(Platform.ANDROID)
    return _Ready(b'"message":{"token":', b"," + _encode(made).removeprefix(b"{") + b"}")
