"""The doors of ``/1.1``: who may pass, the body, and then ``campaigns_api`` (``http-api.md``, ``/1.1``)."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from openrate.companies import Access
from openrate.errors import AuthenticationInvalid
from openrate.web import campaigns_api
from openrate.web.bodies import CAMPAIGN_BODY, read_body
from openrate.web.call import Answer, Call, json_answer
from openrate.web.front import STATS_ROUTE
from openrate.web.gate import Gate
from openrate.web.routing import Route
from openrate.web.services import Services


class CampaignDoors:
    """Create, update, delete, list, get, stats."""

    def __init__(self, gate: Gate, services: Services) -> None:
        self._gate = gate
        self._services = services

    def routes(self) -> list[Route]:
        """Where the doors are."""
        campaigns = "/1.1/{key}/campaigns"
        return [
            Route("POST", f"{campaigns}/create", self.create),
            Route("POST", f"{campaigns}/update/{{token}}", self.update),
            Route("POST", f"{campaigns}/delete/{{token}}", self.delete),
            Route("GET", f"{campaigns}/list", self.list),
            Route("GET", f"{campaigns}/{{token}}", self.get),
            Route("GET", STATS_ROUTE, self.stats),
        ]

    async def create(self, call: Call) -> Answer:
        """201 and the new campaign's token."""
        access = self._access(call, write=True)
        body = await read_body(call, CAMPAIGN_BODY)
        return json_answer(*await asyncio.to_thread(campaigns_api.create, self._services, access, body))

    async def update(self, call: Call) -> Answer:
        """200 and the campaign's token."""
        access = self._access(call, write=True)
        body = await read_body(call, CAMPAIGN_BODY)
        token = call.parts[5]
        return json_answer(
            *await asyncio.to_thread(campaigns_api.update, self._services, access, token, body)
        )

    async def delete(self, call: Call) -> Answer:
        """200 and the campaign's token; whatever body comes along is not read."""
        access = self._access(call, write=True)
        return json_answer(
            *await asyncio.to_thread(campaigns_api.delete, self._services, access, call.parts[5])
        )

    async def list(self, call: Call) -> Answer:
        """200 and a page of campaigns."""
        access = self._access(call, write=False)
        query = dict(parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return json_answer(*await asyncio.to_thread(campaigns_api.list_, self._services, access, query))

    async def get(self, call: Call) -> Answer:
        """200 and the campaign."""
        access = self._access(call, write=False)
        return json_answer(*await asyncio.to_thread(campaigns_api.get, self._services, access, call.parts[4]))

    async def stats(self, call: Call) -> Answer:
        """200 and the statistics, with the rule that made them in a header."""
        access = self._access(call, write=False)
        return Answer(200, *campaigns_api.stats_body(self._services, access, call.parts[5]))

    def _access(self, call: Call, *, write: bool) -> Access:
        if call.header(b"authorization") is not None:
            raise AuthenticationInvalid
        access = self._gate.access(call, call.text(b"x-authorization"), write=write)
        self._gate.limit_key(access)
        return access
