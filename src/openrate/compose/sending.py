"""Our sender: its stores, and the providers that the credentials of each app name."""

from __future__ import annotations

import socket

from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.credentials import StubCredentials
from openrate.delivery import Delivery
from openrate.delivery.desk import Desk
from openrate.errors import OpenrateError
from openrate.model import App
from openrate.ports.provider import Provider
from openrate.providers.by_credentials import provider_for
from openrate.providers.courier import Courier, Errand


def delivery(parts: Parts, settings: Settings) -> Delivery:
    """Sends what is due, from now on."""

    def provider(app: App, dev: bool) -> Provider:
        credentials = parts.vault.of(app.id)
        if credentials is None:
            raise OpenrateError(f"{app.name} has no credentials: openrate app credentials set gives it some.")
        if isinstance(credentials, StubCredentials):
            return provider_for(credentials, dev)
        return Courier(Errand(credentials, dev, settings.push_services))

    return Delivery(Desk(parts.records, parts.sends, parts.log, parts.clock, provider, socket.gethostname()))
