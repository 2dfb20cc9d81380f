"""The provider that an app's credentials name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openrate.credentials import (
    ApnsCredentials,
    Credentials,
    FcmCredentials,
    StubCredentials,
    WebPushCredentials,
)
from openrate.ports.provider import Provider
from openrate.providers.apns import ApnsProvider
from openrate.providers.fcm import FcmProvider
from openrate.providers.push_services import PushServices
from openrate.providers.stub import StubProvider
from openrate.providers.webpush import WebPushProvider


def provider_for(credentials: Credentials, dev: bool, push_services: Sequence[str] = ()) -> Provider:
    """The way to the devices of an app in one world.

    Args:
        credentials: the app's.
        dev: whether the world is that of development builds.
        push_services: hosts that Web Push may call beside the known ones; ``*.`` for any name below.

    Raises:
        OpenrateError: this machine has no certificates to trust, or the stub's journal cannot be written.
    """
    match credentials:
        case FcmCredentials():
            return FcmProvider(credentials)
        case ApnsCredentials():
            return ApnsProvider(credentials, dev=dev)
        case WebPushCredentials():
            return WebPushProvider(credentials, PushServices(push_services))
        case StubCredentials(journal=journal, latency_ms=latency_ms, down=down):
            return StubProvider(_path(journal), latency_ms, _path(down))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
