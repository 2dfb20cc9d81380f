"""Our sender: its stores, and the providers that the credentials of each app name."""

from __future__ import annotations

import socket

from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.credentials import StubCredentials, Vault
from openrate.delivery import Delivery
from openrate.delivery.desk import Desk
from openrate.errors import OpenrateError
from openrate.model import App
from openrate.ports.provider import Provider
from openrate.providers.by_credentials import provider_for
from openrate.providers.courier import Courier, Errand


class _Providers:
    """Providers by the credentials in the vault; those that speak to a network have a process of their own."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        self._vault = vault
        self._settings = settings

    def provider(self, app: App, dev: bool) -> Provider:
        credentials = self._vault.of(app.id)
        if credentials is None:
            raise OpenrateError(f"{app.name} has no credentials: openrate app credentials set gives it some.")
        if isinstance(credentials, StubCredentials):
            return provider_for(credentials, dev)
        return Courier(Errand(credentials, dev, self._settings.push_services))

    def credentials(self, app: App) -> bytes | None:
        return self._vault.sealed(app.id)


def delivery(parts: Parts, settings: Settings) -> Delivery:
    """Sends what is due, from now on."""
    providers = _Providers(parts.vault, settings)
    return Delivery(Desk(parts.records, parts.sends, parts.log, parts.clock, providers, socket.gethostname()))
