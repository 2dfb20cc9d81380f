"""The calls of ``/v1`` about audiences: estimates, named lists, installations from elsewhere. All for servers."""

from __future__ import annotations

import asyncio
import re

import msgspec

from openrate import campaign_parameters, installation_import
from openrate.companies import Access
from openrate.errors import MalformedJsonBody, MalformedParameter, RouteNotFound
from openrate.installations import Installations
from openrate.model import Audience
from openrate.registration import Id
from openrate.times import format_time
from openrate.web.bodies import CAMPAIGN_BODY, SERVER_EVENTS_BODY, read_body
from openrate.web.call import Answer, Call, json_answer
from openrate.web.gate import Gate
from openrate.web.limits import Inflight
from openrate.web.routing import Route
from openrate.web.services import Services

AUDIENCE_BODY = 16 << 20
"""Bytes of a named list, decompressed."""
_SECONDS = 120.0
"""How long a body may take to arrive."""
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_JSON, _NDJSON = "application/json", installation_import.NDJSON

_encode = msgspec.json.Encoder().encode
_ids = msgspec.json.Decoder(list[Id])
_id_lines = msgspec.json.Decoder(Id)


class AudienceApi:
    """Estimates audiences, keeps named lists, takes installations from elsewhere."""

    def __init__(
        self, gate: Gate, services: Services, installations: Installations, inflight: Inflight
    ) -> None:
        self._gate = gate
        self._services = services
        self._installations = installations
        self._inflight = inflight

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("POST", "/v1/{key}/audience/estimate", self.estimate),
            Route("GET", "/v1/{key}/audiences", self.audiences),
            Route("POST", "/v1/{key}/audiences/{name}", self.put),
            Route("DELETE", "/v1/{key}/audiences/{name}", self.delete),
            Route("POST", "/v1/{key}/installations/import", self.take),
        ]

    async def estimate(self, call: Call) -> Answer:
        """How many a targeting selects now; changes nothing, so a key for reading is enough."""
        access = self._gate.server_access(call, write=False)
        given = campaign_parameters.read(await read_body(call, CAMPAIGN_BODY))
        targeting = campaign_parameters.checked({"targeting": given})["targeting"]
        estimate = await asyncio.to_thread(
            self._services.estimates.estimate, access.app, access.dev, targeting
        )
        return Answer(200, _encode(estimate))

    async def audiences(self, call: Call) -> Answer:
        """The named lists."""
        access = self._gate.server_access(call, write=False)
        found = await asyncio.to_thread(self._services.records.audiences, access.app.id, access.dev)
        return json_answer(200, {"audiences": list(map(_shown, found))})

    async def put(self, call: Call) -> Answer:
        """Make or replace a list: 200 when it is durable."""
        access = self._gate.server_access(call, write=True)
        name = call.parts[4]
        if not _NAME.fullmatch(name):
            raise MalformedParameter(
                "The name of the audience is not 1 to 64 characters of A-Za-z0-9_.:-, which are accepted."
            )
        media_type = call.media_type(_JSON, _NDJSON)
        with self._inflight.lease() as lease:
            body = await read_body(call, AUDIENCE_BODY, lease=lease, seconds=_SECONDS)
            made = await asyncio.to_thread(self._put, access, name, body, media_type)
        return json_answer(200, _shown(made))

    def _put(self, access: Access, name: str, body: bytes, media_type: str) -> Audience:
        ids = _read_ids(body, media_type)
        by = access.by(self._services.clock.now())
        return self._services.records.put_audience(access.app.id, access.dev, name, ids, by.at, by)

    async def delete(self, call: Call) -> Answer:
        """Remove a list."""
        access = self._gate.server_access(call, write=True)
        name = call.parts[4]
        if not _NAME.fullmatch(name) or not await asyncio.to_thread(self._remove, access, name):
            raise RouteNotFound("There is no audience of that name in this app.")
        return json_answer(200, {"name": name})

    def _remove(self, access: Access, name: str) -> bool:
        by = access.by(self._services.clock.now())
        return self._services.records.delete_audience(access.app.id, access.dev, name, by)

    async def take(self, call: Call) -> Answer:
        """Register installations from elsewhere; 200 when every accepted one is durable."""
        access = self._gate.server_access(call, write=True)
        media_type = call.media_type(_NDJSON, installation_import.CSV)
        with self._inflight.lease() as lease:
            body = await read_body(call, SERVER_EVENTS_BODY, lease=lease, seconds=_SECONDS)
            answer = await asyncio.to_thread(
                installation_import.take, self._installations, access.app, access.dev, body, media_type
            )
        return Answer(200, _encode(answer))


def _shown(audience: Audience) -> dict[str, object]:
    return {
        "name": audience.name,
        "installations": audience.size,
        "updated_at": format_time(audience.updated_at),
    }


def _read_ids(body: bytes, media_type: str) -> list[str]:
    """The ids in a body.

    Raises:
        MalformedJsonBody: it is not JSON.
        MalformedParameter: it is not an array of ids, or not one on each line.
    """
    try:
        return _ids.decode(body) if media_type == _JSON else _id_lines.decode_lines(body)
    except msgspec.ValidationError as error:
        place = re.search(r"\[([0-9]+)\]", str(error))
        wrong = f"The id at index {place[1]} is not accepted" if place else "The body is no array of ids"
        raise MalformedParameter(
            f"{wrong}: strings of 1 to 64 characters of A-Za-z0-9_.:- are accepted."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedJsonBody("The body is not JSON: send an array of ids, or one on each line.") from None
