"""Who may pass: keys, scopes, worlds, and how often."""

from __future__ import annotations

from openrate import companies
from openrate.companies import Access
from openrate.config import Settings
from openrate.errors import AuthenticationInvalid
from openrate.model import App
from openrate.web.call import Call
from openrate.web.limits import Buckets, address_name, client_address
from openrate.web.services import Services

_INSTALLATION_RATE, _INSTALLATION_BURST = 10, 100
"""Requests per second of one device; an app that opens reports one fact or two."""
_ADDRESS_RATE, _ADDRESS_BURST = 500, 5_000
"""Requests per second of all devices behind one address; a mobile network puts thousands behind one."""


class Gate:
    """Checks keys and takes tokens from the buckets of those who hold them.

    Nothing here waits: the records keep apps and keys in memory.
    """

    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._trusted = settings.trusted_proxies
        self._by_key = Buckets(settings.rate_limit, 2 * settings.rate_limit)
        self._by_installation = Buckets(_INSTALLATION_RATE, _INSTALLATION_BURST)
        self._by_address = Buckets(_ADDRESS_RATE, _ADDRESS_BURST)

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self._services.clock.now()

    def limit_address(self, call: Call) -> None:
        """Count a request of a device against its address; raises TooManyRequests."""
        self._by_address.take(address_name(client_address(call, self._trusted)))

    def limit_installation(self, app_id: int, dev: bool, installation_id: str) -> None:
        """Count a request against the installation that made it; raises TooManyRequests."""
        self._by_installation.take((app_id, dev, installation_id))

    def access(self, call: Call, rest_key: str | None, *, write: bool) -> Access:
        """What a REST key opens at the app key in the path.

        Raises:
            AuthenticationInvalid: a key is missing, unknown, revoked or of another company.
            ApiMisuse: a ``read`` key on a call that changes something.
        """
        app = self._services.records.app_by_key(call.parts[2])
        call.app_id = None if app is None else app.id  # what is refused is told to the company too
        return companies.authorize(self._services.records, call.parts[2], rest_key, write=write)

    def server_access(self, call: Call, *, write: bool) -> Access:
        """What the REST key of a call for servers opens, counted against that key.

        Raises:
            AuthenticationInvalid: as ``access``, or the call is also authenticated as a device.
            ApiMisuse: a ``read`` key on a call that changes something.
            TooManyRequests: the key asks too often.
        """
        if b"authorization" in call.headers:
            raise AuthenticationInvalid
        access = self.access(call, call.text(b"x-authorization"), write=write)
        self._by_key.take(access.key_id)
        return access

    def app(self, call: Call) -> tuple[App, bool]:
        """The app and the world that the key in the path names, for a device.

        Raises:
            AuthenticationInvalid: no app has that key.
        """
        key = call.parts[2]
        app = self._services.records.app_by_key(key)
        if app is None:
            raise AuthenticationInvalid
        call.app_id = app.id
        return app, key == app.dev_key
