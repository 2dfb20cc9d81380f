"""The access token that Google's APIs ask for: got with a service account's key, renewed before it ends.

Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST", and RFC 7523.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from openrate.credentials import FcmCredentials
from openrate.model import Cause
from openrate.ports.provider import Result, Verdict
from openrate.providers.http2 import Answer, Http2Client, Request
from openrate.providers.over_http import unanswered

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_AUDIENCE = "https://oauth2.googleapis.com/token"
"""Always this, says Google, wherever the request goes."""
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3600
"""Seconds that an assertion is good for, the most that Google takes."""
_RENEW = 5 * 60_000
"""Milliseconds before its end at which a token is renewed; until the new one is there the old one serves."""
_SHORTEST_LIFE = 60
"""Seconds for which any token is taken to be good, so that it is used before another is asked for."""
_UNDER_WAY = 60_000
"""Milliseconds after which no answer to a request with the token before can come any more."""
_LONGEST_SENTENCE = 200


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int = _LIFE


class _Refused(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class AccessToken:
    """One service account's token.

    ``headers`` are those of a request that it opens; ``is_asking`` says that a new one was asked for.
    """

    def __init__(self, credentials: FcmCredentials, ca_file: Path | None) -> None:
        self._credentials = credentials
        self._key = load_pem_private_key(credentials.private_key.encode(), None)
        self._client = Http2Client[int](ca_file=ca_file)
        self.is_asking = False
        self._is_proven = False
        self._has_worked = False
        self._got_at = 0
        self._renew_at = 0
        self._expires_at = 0
        self.headers: list[str] = []

    def is_ready(self, now: int) -> bool:
        """Whether there is a token to send with; asks for one when there is none, or will soon be none."""
        if not self.is_asking and now >= self._renew_at:
            self._client.start(now, self._request(now))
            self.is_asking = True
        return now < self._expires_at

    def advance(self, wait: float) -> Verdict | None:
        """Move on what was asked for; why there is no token, if that was answered."""
        refusal = None
        if self.is_asking:
            for asked_at, answer in self._client.finished(wait):
                self.is_asking = False
                refusal = self._take(asked_at, answer)
        return refusal

    def was_taken(self) -> None:
        """A push went out with this token."""
        self._is_proven = self._has_worked = True

    def was_refused(self, now: int) -> bool:
        """A push was refused because of the token: whether another may help, which is then asked for.

        It does not when no token has ever worked, or when the one after the last that worked was refused as well.
        """
        # Once for each token: the pushes under way with the one before are refused too.
        if self._is_proven:
            self._renew_at = self._expires_at = 0
            self._is_proven = False
            return True
        return self._has_worked and (self._expires_at == 0 or now - self._got_at < _UNDER_WAY)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _request(self, now: int) -> Request:
        given = self._credentials
        claims = {
            "iss": given.client_email,
            "scope": _SCOPE,
            "aud": _AUDIENCE,
            "iat": now // 1000,
            "exp": now // 1000 + _LIFE,
        }
        key_id = {"kid": given.private_key_id} if given.private_key_id else None
        assertion = jwt.encode(claims, self._key, "RS256", headers=key_id)  # type: ignore[arg-type]  # RSA
        form = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode()
        return Request(given.token_uri, ["content-type: application/x-www-form-urlencoded"], form)

    def _take(self, asked_at: int, answer: Answer) -> Verdict | None:
        if answer.status != 200:  # noqa: PLR2004 - OK
            return _refusal(answer)
        try:
            granted = msgspec.json.decode(answer.body, type=_Granted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Verdict(Result.HELD, Cause.OTHER, "The answer for an access token is not Google's form.")
        if not granted.access_token.isascii() or not granted.access_token.isprintable():
            return Verdict(Result.HELD, Cause.OTHER, "The access token cannot be sent in a header.")
        life = max(granted.expires_in, _SHORTEST_LIFE) * 1000
        self._got_at = asked_at
        self._expires_at = asked_at + life
        self._renew_at = self._expires_at - min(_RENEW, life // 2)
        self.headers = [f"authorization: Bearer {granted.access_token}", "content-type: application/json"]
        return None


def _refusal(answer: Answer) -> Verdict:
    if not answer.status:
        return unanswered(answer)
    if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004 - theirs, or too many
        said = f"Google gives no access token at the moment: it answered {answer.status}."
        return Verdict(Result.RETRY, Cause.UNAVAILABLE, said, answer.retry_after)
    said = f"Google refuses an access token: {answer.status} {_sentence(answer.body)}".rstrip(" .") + "."
    return Verdict(Result.HELD, Cause.OTHER, said)


def _sentence(body: bytes) -> str:
    """What Google says about an assertion; it quotes no keys, and no more than a line of it is believed."""
    try:
        refused = msgspec.json.decode(body, type=_Refused)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    said = f"{refused.error}: {refused.error_description}"[:_LONGEST_SENTENCE]
    return "".join(letter for letter in said if letter.isprintable())
