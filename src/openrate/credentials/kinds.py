"""What each provider asks for, and how much of it may be shown."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from openrate.model import Platform, ProviderName

FCM_URL = "https://fcm.googleapis.com"
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"

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
    token_uri: str = GOOGLE_TOKENS
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
