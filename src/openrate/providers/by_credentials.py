"""The provider that an app's credentials name."""

from __future__ import annotations

from collections.abc import Sequence

from openrate.credentials import (
    ApnsCredentials,
    Credentials,
    FcmCredentials,
    StubCredentials,
    WebPushCredentials,
)
from openrate.errors import OpenrateError
from openrate.ports.provider import Check, Provider
from openrate.providers import apns, fcm, stub, webpush
from openrate.providers.apns import ApnsProvider
from openrate.providers.fcm import FcmProvider
from openrate.providers.push_services import PushServices
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
        case StubCredentials():
            return stub.stub_for(credentials)


def check_credentials(credentials: Credentials) -> Check:
    """Ask the provider whether it takes credentials, without a push to anybody. May wait ten seconds."""
    try:
        match credentials:
            case FcmCredentials():
                return fcm.check(credentials)
            case ApnsCredentials():
                return apns.check(credentials)
            case WebPushCredentials():
                return webpush.check(credentials)
            case StubCredentials():
                return stub.check(credentials)
    except OpenrateError as error:
        return Check(None, str(error))
