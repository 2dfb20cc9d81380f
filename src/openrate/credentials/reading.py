"""Credentials as an operator gives them, most of them in a file of the provider's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from openrate.credentials.kinds import (
    FCM_URL,
    GOOGLE_TOKENS,
    PLATFORMS,
    ApnsCredentials,
    Credentials,
    FcmCredentials,
    StubCredentials,
    WebPushCredentials,
)
from openrate.errors import UsageError
from openrate.model import Platform, ProviderName

_GOOGLE_TOKENS_BEFORE = "https://accounts.google.com/o/oauth2/token"
"""In the files of old service accounts."""
_LONGEST_FILE = 65_536
_SMALLEST_RSA = 2048
_TEN = re.compile(r"[A-Z0-9]{10}", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,254}", re.ASCII)
_PROJECT = re.compile(r"[a-z0-9][a-z0-9.:-]{0,99}", re.ASCII)
_URL = re.compile(r"https://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", re.ASCII)
_SUBJECT = re.compile(r"(mailto:[^@\s]+@[^@\s]+|https://[^\s/]+[^\s]*)", re.ASCII)

_Read = TypeVar("_Read")


class Given(Protocol):
    """What an operator gives; ``file`` is the text of the file."""

    @property
    def file(self) -> str | None:
        """A service account, a .p8 key, a VAPID key or the stub's settings."""

    @property
    def key_id(self) -> str | None:
        """Of APNs."""

    @property
    def team_id(self) -> str | None:
        """Of APNs."""

    @property
    def topic(self) -> str | None:
        """Of APNs: the bundle id."""

    @property
    def subject(self) -> str | None:
        """Of Web Push: whom to write to."""

    @property
    def base_url(self) -> str | None:
        """Where to send instead of the provider's own address."""


def read_credentials(provider: ProviderName, platform: Platform, given: Given) -> Credentials:
    """Make credentials of what an operator gave.

    Raises:
        UsageError: they cannot work; says which part is wrong and what is accepted.
    """
    if platform not in PLATFORMS[provider]:
        fitting = " or ".join(name for name, platforms in PLATFORMS.items() if platform in platforms)
        raise UsageError(f"{provider} does not reach an app on {platform}: {fitting} is accepted.")
    if given.file is not None and len(given.file) > _LONGEST_FILE:
        raise UsageError(f"The file is too long: at most {_LONGEST_FILE} characters are accepted.")
    _check_options(provider, given)
    if given.base_url is not None:
        _match(_URL, "--base-url", given.base_url, "an https address without user, query or fragment")
    return _READERS[provider](given)


def check_reach(credentials: Credentials) -> None:
    """Refuse what makes the server call an address, or use a file, that somebody chose who only uses a page.

    Raises:
        UsageError: an operator has to set these on the command line.
    """
    match credentials:
        case FcmCredentials(token_uri=uri, base_url=url):
            is_plain = uri in {GOOGLE_TOKENS, _GOOGLE_TOKENS_BEFORE} and url == FCM_URL
        case ApnsCredentials(base_url=url):
            is_plain = url is None
        case StubCredentials():
            is_plain = credentials == StubCredentials()
        case _:
            is_plain = True
    if not is_plain:
        raise UsageError(
            "These credentials name an address or a file of their own: "
            "openrate app credentials set takes them, on the server."
        )


def _check_options(provider: ProviderName, given: Given) -> None:
    """Refuse what this provider does not know, so that nobody believes it had an effect."""
    for name in ("key_id", "team_id", "topic", "subject", "base_url"):
        if getattr(given, name) is not None and name not in _OPTIONS[provider]:
            raise UsageError(f"--{name.replace('_', '-')} means nothing to {provider}: leave it out.")


_OPTIONS = {
    ProviderName.FCM: {"base_url"},
    ProviderName.APNS: {"key_id", "team_id", "topic", "base_url"},
    ProviderName.WEBPUSH: {"subject"},
    ProviderName.STUB: set[str](),
}


class _ServiceAccount(msgspec.Struct):
    """The file that Google's console gives."""

    type: str
    project_id: str
    private_key: str
    client_email: str
    private_key_id: str = ""
    token_uri: str = GOOGLE_TOKENS


def _read_fcm(given: Given) -> FcmCredentials:
    account = _decode(_file(given, "the service account's JSON file"), _ServiceAccount, "a service account's")
    if account.type != "service_account":
        raise UsageError(f"type in the file is {account.type!r}: service_account is accepted.")
    _match(_PROJECT, "project_id in the file", account.project_id, "the id of a Google Cloud project")
    _match(_URL, "token_uri in the file", account.token_uri, "an https address")
    key = _private_key(account.private_key, "private_key in the file")
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _SMALLEST_RSA:
        raise UsageError(f"private_key in the file is no RSA key of {_SMALLEST_RSA} bits or more.")
    return FcmCredentials(
        project_id=account.project_id,
        client_email=account.client_email,
        private_key=account.private_key,
        private_key_id=account.private_key_id,
        token_uri=account.token_uri,
        base_url=_base_url(given) or FCM_URL,
    )


def _read_apns(given: Given) -> ApnsCredentials:
    pem = _file(given, "the .p8 file from Apple")
    _check_p256(pem, "the .p8 file")
    return ApnsCredentials(
        private_key=pem,
        key_id=_match(_TEN, "--key-id", given.key_id, "the 10 letters and digits that Apple gave the key"),
        team_id=_match(_TEN, "--team-id", given.team_id, "the 10 letters and digits of the team"),
        topic=_match(_TOPIC, "--topic", given.topic, "the app's bundle id"),
        base_url=_base_url(given),
    )


def _read_webpush(given: Given) -> WebPushCredentials:
    subject = _match(_SUBJECT, "--subject", given.subject, "mailto: with an address, or an https address")
    pem = given.file
    if pem is None:
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    _check_p256(pem, "the VAPID key")
    return WebPushCredentials(private_key=pem, subject=subject)


def _read_stub(given: Given) -> StubCredentials:
    if given.file is None:
        return StubCredentials()
    return _decode(given.file, StubCredentials, "the stub's")


_READERS: dict[ProviderName, Callable[[Given], Credentials]] = {
    ProviderName.FCM: _read_fcm,
    ProviderName.APNS: _read_apns,
    ProviderName.WEBPUSH: _read_webpush,
    ProviderName.STUB: _read_stub,
}


def _file(given: Given, what: str) -> str:
    if given.file is None:
        raise UsageError(f"--file is missing: give {what}.")
    return given.file


def _base_url(given: Given) -> str | None:
    return None if given.base_url is None else given.base_url.rstrip("/")


def _decode(text: str, kind: type[_Read], whose: str) -> _Read:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        # Only of a field's type, never of its value: msgspec names no values.
        raise UsageError(f"The file is not {whose}: {error}.") from None


def _match(pattern: re.Pattern[str], name: str, value: str | None, accepted: str) -> str:
    if value is None:
        raise UsageError(f"{name} is missing: give {accepted}.")
    if not pattern.fullmatch(value):
        raise UsageError(f"{name} is wrong: {accepted} is accepted.")
    return value


def _private_key(pem: str, what: str) -> object:
    try:
        return load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What cryptography says about a key can quote it.
        raise UsageError(f"{what} is no private key in PEM form without a password.") from None


def _check_p256(pem: str, what: str) -> None:
    key = _private_key(pem, what)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UsageError(f"{what} is no key on the curve P-256.")
