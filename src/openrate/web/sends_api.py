"""How far a campaign's sends are: ``GET /v1/{key}/campaigns/{token}/progress``."""

from __future__ import annotations

import asyncio
from typing import Any

from openrate import campaigns
from openrate.companies import Access
from openrate.delivery.progress import progress
from openrate.errors import AuthenticationInvalid, RouteNotFound
from openrate.web.call import Answer, Call, json_answer
from openrate.web.gate import Gate
from openrate.web.routing import Route
from openrate.web.services import Services


class SendsApi:
    """Tells what became of sends so far."""

    def __init__(self, gate: Gate, services: Services) -> None:
        self._gate = gate
        self._services = services

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [Route("GET", "/v1/{key}/campaigns/{token}/progress", self.progress)]

    async def progress(self, call: Call) -> Answer:
        """200 and the counts of each occurrence, with the reason when it waits."""
        if b"authorization" in call.headers:
            raise AuthenticationInvalid
        access = self._gate.access(call, call.text(b"x-authorization"), write=False)
        self._gate.limit_key(access)
        return json_answer(200, await asyncio.to_thread(self._progress, access, call.parts[4]))

    def _progress(self, access: Access, token: str) -> dict[str, Any]:
        campaign = self._services.records.campaign(access.app.id, token)
        if campaign is None or campaign.deleted_at is not None:
            raise RouteNotFound(
                "There is no such campaign in this app: check the token, and whose key is in the path."
            )
        return {
            "campaign_token": token,
            "state": campaigns.state(campaign, access.app, self._gate.now()),
            **progress(self._services.sends.of(campaign.id)),
        }
