"""The ways to the devices: the provider that the credentials of each app name."""

from __future__ import annotations

from openrate.config import Settings
from openrate.credentials import StubCredentials, Vault
from openrate.errors import OpenrateError
from openrate.model import App
from openrate.ports.provider import GIVES_CREDENTIALS, Provider
from openrate.providers.by_credentials import provider_for
from openrate.providers.courier import Courier, Errand


class VaultProviders:
    """Providers by the credentials in the vault; those that speak to a network have a process of their own."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        self._vault = vault
        self._settings = settings

    def provider(self, app: App, dev: bool) -> Provider:
        """A new one; raises OpenrateError when the app has no credentials, or they do not work."""
        credentials = self._vault.of(app.id)
        if credentials is None:
            raise OpenrateError(f"{app.name} has no credentials: {GIVES_CREDENTIALS}")
        if isinstance(credentials, StubCredentials):
            return provider_for(credentials, dev)
        return Courier(Errand(credentials, dev, self._settings.push_services))

    def credentials(self, app: App) -> bytes | None:
        """What tells the credentials that an app has now from others."""
        return self._vault.sealed(app.id)

    def apps(self) -> set[int]:
        """The ids of all apps that have credentials."""
        return self._vault.apps()
