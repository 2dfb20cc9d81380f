"""What operators ask: does it live, can it work, how is it doing."""

from __future__ import annotations

import asyncio
import errno
import hmac
import os
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from openrate.config import Settings
from openrate.errors import ApiMisuse, AuthenticationInvalid, Maintenance, StoreFull
from openrate.web.call import Answer, Call, json_answer
from openrate.web.limits import client_address, is_loopback
from openrate.web.routing import Route
from openrate.web.send_figures import SendFigures
from openrate.web.services import Services
from openrate.web.tally import Tally

_BELIEVED = 1.0
"""Seconds a finding is given again, so that asking often does not mean writing often."""
_FULL = "The disk of the data folder is full: facts are refused until there is room."


class Health:
    """The routes ``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, settings: Settings, services: Services, tally: Tally) -> None:
        self._settings = settings
        self._services = services
        self._registry = CollectorRegistry()
        self._registry.register(tally)
        self._registry.register(SendFigures(services.sends))
        self._lock = asyncio.Lock()
        self._found: tuple[float, str | None] = (-_BELIEVED, None)

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/healthz", self.alive),
            Route("GET", "/readyz", self.ready),
            Route("GET", "/metrics", self.metrics),
        ]

    async def alive(self, _call: Call) -> Answer:
        """200 while the process lives."""
        return json_answer(200, {"status": "alive"})

    async def ready(self, _call: Call) -> Answer:
        """200 when it can store and answer.

        Raises:
            Maintenance: it cannot, and why.
        """
        async with self._lock:
            at, reason = self._found
            if time.monotonic() - at >= _BELIEVED:
                reason = await asyncio.to_thread(self._reason)
                self._found = (time.monotonic(), reason)
        if reason is not None:
            raise Maintenance(reason)
        return json_answer(200, {"status": "ready"})

    async def metrics(self, call: Call) -> Answer:
        """The figures in the Prometheus text format, for this machine or with the token."""
        self._check_reader(call)
        body = await asyncio.to_thread(generate_latest, self._registry)
        return Answer(200, body, content_type=b"text/plain; version=0.0.4")

    def _check_reader(self, call: Call) -> None:
        token, given = self._settings.metrics_token, call.bearer()
        if token is not None and given is not None:
            if not hmac.compare_digest(token.encode(), given.encode()):
                raise AuthenticationInvalid
            return
        if not is_loopback(client_address(call, self._settings.trusted_proxies)) or self._relayed(call):
            raise ApiMisuse(
                "The metrics are for this machine only. To read them from elsewhere, "
                "set OPENRATE_METRICS_TOKEN and send it as Authorization: Bearer."
            )

    def _relayed(self, call: Call) -> bool:
        """Whether a proxy that is not trusted passed this on: then loopback is the proxy, not the reader."""
        return not self._settings.trusted_proxies and bool(
            call.headers.get(b"x-forwarded-for") or call.headers.get(b"forwarded")
        )

    def _reason(self) -> str | None:
        """Why the server cannot work, or None. Tries a write that reaches the disk, a query and a count."""
        try:
            _write_and_sync(self._settings.data / ".ready")
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                return _FULL
            return f"The data folder cannot be written: {error.strerror}."
        try:
            self._services.records.campaigns(0, 0, 1)  # companies are kept in memory, campaigns are not
            self._services.log.check()
        except StoreFull:
            return _FULL
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
            return f"The store does not answer ({type(error).__name__}); the server's log has more."
        return None


def _write_and_sync(path: Path) -> None:
    """Write a block and see it reach the disk; the file is removed again."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, b"\0" * 4096)
        os.fsync(handle)
    finally:
        os.close(handle)
        path.unlink()
