"""How far a campaign's sends are: ``GET /v1/{key}/campaigns/{token}/progress``."""

from __future__ import annotations

import asyncio
from typing import Any

from openrate import campaigns
from openrate.companies import Access
from openrate.delivery.progress import progress
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
        access = self._gate.server_access(call, write=False)
        return json_answer(200, await asyncio.to_thread(self._progress, access, call.parts[4]))

    def _progress(self, access: Access, token: str) -> dict[str, Any]:
        campaign = self._services.campaign(access.app, token)
        return {
            "campaign_token": token,
            "state": campaigns.state(campaign, access.app, self._gate.now()),
            **progress(self._services.sends.of(campaign.id)),
        }
