"""The calls of ``/v1``: installations and facts (``http-api.md``, ``/v1``)."""

from __future__ import annotations

import asyncio

import msgspec

from openrate.errors import AuthenticationInvalid, BodyTooLarge
from openrate.ingest import MOST_DEVICE_EVENTS, MOST_SERVER_EVENTS, Ingest, Reporter
from openrate.installations import Installations
from openrate.model import App
from openrate.registration import read_registration
from openrate.web.bodies import CAMPAIGN_BODY, DEVICE_EVENTS_BODY, SERVER_EVENTS_BODY, read_body
from openrate.web.call import Answer, Call, json_answer
from openrate.web.front import EVENTS_ROUTE
from openrate.web.gate import Gate
from openrate.web.limits import Inflight
from openrate.web.routing import Route
from openrate.web.tally import Tally

_MEDIA_TYPES = ("application/json", "application/x-ndjson")
_SERVER_SECONDS = 120.0
"""How long 64 MiB may take to arrive."""

_encode = msgspec.json.Encoder().encode


class V1Api:
    """Registers installations and takes facts."""

    def __init__(
        self, gate: Gate, installations: Installations, ingest: Ingest, inflight: Inflight, tally: Tally
    ) -> None:
        self._gate = gate
        self._installations = installations
        self._ingest = ingest
        self._inflight = inflight
        self._tally = tally

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("POST", "/v1/{key}/installations", self.register),
            Route("DELETE", "/v1/{key}/installations/{installation_id}", self.retire),
            Route("POST", EVENTS_ROUTE, self.events),
        ]

    async def register(self, call: Call) -> Answer:
        """Register or refresh an installation: 201 or 200."""
        rest_key, bearer = _credentials(call)
        if rest_key is None:
            self._gate.limit_address(call)
        app, dev = self._app(call, rest_key)
        wanted = read_registration(await read_body(call, CAMPAIGN_BODY))
        registered = await asyncio.to_thread(
            self._installations.register, app, dev, wanted, bearer=bearer, is_server=rest_key is not None
        )
        content = {
            "installation_id": registered.installation_id,
            "installation_token": registered.installation_token,
        }
        return json_answer(201 if registered.is_new else 200, content)

    async def retire(self, call: Call) -> Answer:
        """Remove an installation; a device may remove itself only."""
        rest_key, bearer = _credentials(call)
        app, dev = self._app(call, rest_key)
        wanted = call.parts[4]
        if rest_key is None and await self._speaker(call, app, dev, bearer) != wanted:
            raise AuthenticationInvalid
        await asyncio.to_thread(self._installations.retire, app, dev, wanted)
        return json_answer(200, {"installation_id": wanted})

    async def events(self, call: Call) -> Answer:
        """Take facts; 200 when every accepted one is durable."""
        received_at = self._gate.now()
        rest_key, bearer = _credentials(call)
        app, dev = self._app(call, rest_key)
        if rest_key is not None:
            reporter, limit, seconds = Reporter(None), SERVER_EVENTS_BODY, _SERVER_SECONDS
        else:
            speaker = await self._speaker(call, app, dev, bearer)
            reporter, limit, seconds = Reporter(speaker), DEVICE_EVENTS_BODY, 30.0
        media_type = call.media_type(*_MEDIA_TYPES)
        with self._inflight.lease() as lease:
            body = await read_body(call, limit, lease=lease, seconds=seconds)
            _check_density(body, media_type, reporter)
            answer = await self._ingest.take(
                app, dev, body, media_type, reporter, received_at, call.text(b"x-sent-at")
            )
        self._tally.accepted += answer.accepted
        return Answer(200, _encode(answer))

    def _app(self, call: Call, rest_key: str | None) -> tuple[App, bool]:
        """The app and the world of the key in the path; with a REST key, that one must open it."""
        if rest_key is None:
            return self._gate.app(call)
        access = self._gate.access(call, rest_key, write=True)
        return access.app, access.dev

    async def _speaker(self, call: Call, app: App, dev: bool, bearer: str | None) -> str:
        """The installation that is calling, within what one installation and one address may ask for."""
        self._gate.limit_address(call)
        if bearer is None:
            raise AuthenticationInvalid
        speaker = self._installations.remembered(app, dev, bearer)
        if speaker is None:
            speaker = await asyncio.to_thread(self._installations.speaker, app, dev, bearer)
        self._gate.limit_installation(app.id, dev, speaker)
        return speaker


def _credentials(call: Call) -> tuple[str | None, str | None]:
    """REST key and installation token, at most one of them."""
    rest_key, bearer = call.text(b"x-authorization"), call.bearer()
    if rest_key is not None and bearer is not None:
        raise AuthenticationInvalid
    return rest_key, bearer


def _check_density(body: bytes, media_type: str, reporter: Reporter) -> None:
    """Refuse what would unfold into millions of little events, before it does.

    Counting events exactly is ``Ingest``'s; this only keeps 64 MiB of ``{}`` from becoming gigabytes first.
    Four times as much as is accepted leaves room for braces in texts and for blank lines.

    Raises:
        BodyTooLarge: there are far too many.
    """
    most = MOST_SERVER_EVENTS if reporter.installation_id is None else MOST_DEVICE_EVENTS
    lines = body.count(b"\n") if media_type == "application/x-ndjson" else 0
    if max(lines, body.count(b"{")) > 4 * most:
        raise BodyTooLarge(f"A request takes at most {most} events: send them in several.")
