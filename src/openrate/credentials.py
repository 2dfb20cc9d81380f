"""What an app's provider asks for before it sends: read from files, sealed before they are stored.

Credentials are secrets. They are encrypted at rest with a key that lies outside the database, shown by their
public parts alone, and have no ``repr``, so that no log or traceback can hold them.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from openrate.errors import StoreError, UsageError
from openrate.model import App, By, Platform, ProviderName
from openrate.ports.provider import CredentialStore

FCM_URL = "https://fcm.googleapis.com"
_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_GOOGLE_TOKENS_BEFORE = "https://accounts.google.com/o/oauth2/token"
"""In the files of old service accounts."""
_LONGEST_FILE = 65_536
_SMALLEST_RSA = 2048
_TEN = re.compile(r"[A-Z0-9]{10}", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,254}", re.ASCII)
_PROJECT = re.compile(r"[a-z0-9][a-z0-9.:-]{0,99}", re.ASCII)
_URL = re.compile(r"https://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?", re.ASCII)
_SUBJECT = re.compile(r"(mailto:[^@\s]+@[^@\s]+|https://[^\s/]+[^\s]*)", re.ASCII)

PLATFORMS = {
    ProviderName.FCM: {Platform.ANDROID},
    ProviderName.APNS: {Platform.IOS},
    ProviderName.WEBPUSH: {Platform.WEB},
    ProviderName.STUB: set(Platform),
}
"""Where each provider's pushes can arrive."""


class _Secret(msgspec.Struct, frozen=True, kw_only=True, tag_field="provider"):
    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class FcmCredentials(_Secret, frozen=True, kw_only=True, tag="fcm"):
    """A service account of a Firebase project."""

    project_id: str
    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = _GOOGLE_TOKENS
    base_url: str = FCM_URL


class ApnsCredentials(_Secret, frozen=True, kw_only=True, tag="apns"):
    """A key for provider tokens. ``topic`` is the app's bundle id; without ``base_url`` the world chooses."""

    private_key: str
    key_id: str
    team_id: str
    topic: str
    base_url: str | None = None


class WebPushCredentials(_Secret, frozen=True, kw_only=True, tag="webpush"):
    """A VAPID key, and whom a push service may write to about it (``mailto:`` or ``https:``)."""

    private_key: str
    subject: str

    @property
    def public_key(self) -> str:
        """What browsers subscribe with: the point, uncompressed, base64url (RFC 8292, section 3.2)."""
        key = load_pem_private_key(self.private_key.encode(), None)
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


class StubCredentials(_Secret, frozen=True, kw_only=True, tag="stub", forbid_unknown_fields=True):
    """How the stub behaves; see ``providers/stub.py``. ``journal`` and ``down`` are paths."""

    journal: str | None = None
    latency_ms: float = 0
    down: str | None = None


Credentials = FcmCredentials | ApnsCredentials | WebPushCredentials | StubCredentials

_Read = TypeVar("_Read")
_decode_sealed = msgspec.json.Decoder(Credentials).decode


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
            is_plain = uri in {_GOOGLE_TOKENS, _GOOGLE_TOKENS_BEFORE} and url == FCM_URL
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


def public_parts(credentials: Credentials) -> dict[str, Any]:
    """What may be shown of credentials: everything but keys, and of VAPID the public key."""
    shown: dict[str, Any] = msgspec.to_builtins(credentials)
    for name in ("provider", "private_key", "private_key_id", "client_email"):
        shown.pop(name, None)
    if isinstance(credentials, WebPushCredentials):
        shown["public_key"] = credentials.public_key
    return shown


def provider_of(credentials: Credentials) -> ProviderName:
    """Whose credentials they are."""
    return ProviderName(msgspec.to_builtins(credentials)["provider"])


class Seal:
    """Encrypts credentials for the database, and opens them again.

    Args:
        key: 32 bytes as base64url, the form of ``OPENRATE_CREDENTIALS_KEY``.

    Raises:
        UsageError: the key has another form.
    """

    def __init__(self, key: str) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise UsageError(
                "The key for credentials is wrong: 32 bytes as base64url are accepted."
            ) from None

    def close(self, credentials: Credentials) -> bytes:
        """Encrypt."""
        return self._fernet.encrypt(msgspec.json.encode(credentials))

    def open(self, sealed: bytes) -> Credentials:
        """Decrypt.

        Raises:
            StoreError: they were encrypted with another key, or are damaged.
        """
        try:
            opened: Credentials = _decode_sealed(self._fernet.decrypt(sealed))
        except (InvalidToken, msgspec.MsgspecError):
            raise StoreError(
                "The credentials were sealed with another key: bring back credentials.key of this data folder "
                "or OPENRATE_CREDENTIALS_KEY, or set the credentials again."
            ) from None
        return opened


class Vault:
    """The credentials of apps: sealed on their way into the store, opened on their way out."""

    def __init__(self, store: CredentialStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def of(self, app_id: int) -> Credentials | None:
        """An app's credentials, if it has some; raises StoreError when they cannot be opened."""
        sealed = self._store.get(app_id)
        return None if sealed is None else self._seal.open(sealed)

    def sealed(self, app_id: int) -> bytes | None:
        """What tells an app's credentials from others, without opening them."""
        return self._store.get(app_id)

    def put(self, app: App, credentials: Credentials, by: By) -> None:
        """Keep credentials, instead of those before."""
        self._store.put(app, provider_of(credentials), self._seal.close(credentials), by)

    def remove(self, app: App, by: By) -> bool:
        """Forget them; False when there were none."""
        return self._store.remove(app, by)


def seal_of(key: str | None, path: Path) -> Seal:
    """The seal with ``key``, or with the one in the file ``path``, made at first use for this user alone.

    Raises:
        UsageError: the key has a wrong form.
        StoreError: the file cannot be read or made.
    """
    if key is not None:
        return Seal(key)
    try:
        with suppress(FileExistsError):
            _write_once(path, Fernet.generate_key())
        return Seal(path.read_text("ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"The key for credentials in {path} cannot be used: {error}.") from None


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; two processes that do so at once end with one of the two."""
    if path.exists():
        return
    part = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
        os.link(part, path)
    finally:
        os.close(handle)
        part.unlink()


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
    token_uri: str = _GOOGLE_TOKENS


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
