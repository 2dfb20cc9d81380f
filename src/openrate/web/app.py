"""The HTTP interface, put together: handlers, routes, front."""

from __future__ import annotations

from typing import TextIO

from openrate.commands.parts import Parts
from openrate.config import Settings
from openrate.web import description
from openrate.web.access_log import AccessLog
from openrate.web.audience_api import AudienceApi
from openrate.web.campaigns_api import CampaignsApi
from openrate.web.front import Front
from openrate.web.gate import Gate
from openrate.web.health import Health
from openrate.web.limits import Inflight
from openrate.web.pages import Pages
from openrate.web.routing import litestar
from openrate.web.sends_api import SendsApi
from openrate.web.services import Services
from openrate.web.tally import Tally
from openrate.web.v1_api import V1Api


def http_app(settings: Settings, parts: Parts, request_log: TextIO | None) -> Front:
    """The ASGI application; ``request_log`` gets a line of JSON per request, None keeps no log."""
    services = Services(parts.records, parts.sends, parts.log, parts.clock)
    tally = Tally(services.log, parts.activity)
    gate = Gate(settings, services)
    campaigns = CampaignsApi(gate, services)
    sends = SendsApi(gate, services)
    inflight = Inflight(settings.inflight_mb << 20)
    v1 = V1Api(gate, parts.installations, parts.ingest, inflight, tally)
    audience = AudienceApi(gate, services, parts.installations, inflight)
    health = Health(settings, services, tally)
    pages = Pages(settings, parts, services.estimates)
    inner = litestar(
        [
            *campaigns.routes(),
            *sends.routes(),
            *v1.routes(),
            *audience.routes(),
            *health.routes(),
            *description.routes(),
            *pages.routes(),
        ],
        pages.failed,
    )
    return Front(inner, campaigns.stats, v1.events, AccessLog(request_log), tally)
