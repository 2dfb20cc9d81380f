"""The calls of ``/1.1``: campaigns and their statistics (``http-api.md``, ``/1.1``)."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from openrate import campaigns
from openrate.companies import Access
from openrate.errors import ApiMisuse
from openrate.web.bodies import CAMPAIGN_BODY, read_body
from openrate.web.call import Answer, Call, json_answer
from openrate.web.campaign_changes import create_campaign, update_campaign
from openrate.web.front import STATS_ROUTE
from openrate.web.gate import Gate
from openrate.web.routing import Route
from openrate.web.services import Services, no_campaign


class CampaignsApi:
    """Create, update, delete, list, get, stats."""

    def __init__(self, gate: Gate, services: Services) -> None:
        self._gate = gate
        self._services = services

    def routes(self) -> list[Route]:
        """Which handler answers where."""
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
        """201 and the new campaign's token; what the Dev key creates is for development builds only."""
        access = self._gate.server_access(call, write=True)
        body = await read_body(call, CAMPAIGN_BODY)
        token = await asyncio.to_thread(self._create, access, body)
        return json_answer(201, {"campaign_token": token})

    async def update(self, call: Call) -> Answer:
        """200 and the campaign's token."""
        access = self._gate.server_access(call, write=True)
        body = await read_body(call, CAMPAIGN_BODY)
        token = call.parts[5]
        await asyncio.to_thread(self._update, access, token, body)
        return json_answer(200, {"campaign_token": token})

    async def delete(self, call: Call) -> Answer:
        """200 and the campaign's token; whatever body comes along is not read."""
        access = self._gate.server_access(call, write=True)
        token = call.parts[5]
        await asyncio.to_thread(self._delete, access, token)
        return json_answer(200, {"campaign_token": token})

    async def list(self, call: Call) -> Answer:
        """200 and a page of campaigns, newest first."""
        access = self._gate.server_access(call, write=False)
        _check_live_key(access)
        query = dict(parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        page = campaigns.page(query)
        found = await asyncio.to_thread(
            self._services.records.campaigns,
            access.app.id,
            page.offset,
            page.limit,
            live=page.live,
            from_api=page.from_api,
        )
        return json_answer(200, [campaigns.listed(campaign) for campaign in found])

    async def get(self, call: Call) -> Answer:
        """200 and the campaign."""
        access = self._gate.server_access(call, write=False)
        _check_live_key(access)
        campaign = await asyncio.to_thread(self._services.campaign, access.app, call.parts[4])
        return json_answer(200, campaigns.shown(campaign))

    async def stats(self, call: Call) -> Answer:
        """200 and the statistics, with the rule that made them in a header.

        Not in a thread, which would cost more than the answer: what was asked for lately is in memory.
        """
        access = self._gate.server_access(call, write=False)
        _check_live_key(access)
        answer = self._services.statistics.of(self._services.campaign(access.app, call.parts[5]))
        return Answer(200, answer.body, [(b"x-attribution-rule", answer.rule_header)])

    def _create(self, access: Access, body: bytes) -> str:
        by = access.by(self._gate.now())
        return create_campaign(self._services.records, access.app, access.dev, body, by, from_api=True).token

    def _update(self, access: Access, token: str, body: bytes) -> None:
        update_campaign(self._services.records, access.app, token, body, access.by(self._gate.now()))

    def _delete(self, access: Access, token: str) -> None:
        now = self._gate.now()
        if not self._services.records.delete_campaign(access.app.id, token, now, access.by(now)):
            raise no_campaign()


def _check_live_key(access: Access) -> None:
    if access.dev:
        raise ApiMisuse("This call takes the Live key only: put it in the path in place of the Dev key.")
