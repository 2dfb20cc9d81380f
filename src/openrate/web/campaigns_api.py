"""What the doors of ``/1.1`` do behind the checks: a status and content for each call (``http-api.md``)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from openrate import campaigns
from openrate.companies import Access
from openrate.errors import ApiMisuse, RouteNotFound
from openrate.model import Campaign
from openrate.web.call import Headers
from openrate.web.services import Services

Reply = tuple[int, Any]
"""HTTP status and content."""


def create(services: Services, access: Access, body: bytes) -> Reply:
    """201 and the new campaign's token; what the Dev key creates is for development builds only."""
    now = services.clock.now()
    new = campaigns.create(body, now)
    token = secrets.token_hex(16)
    services.records.create_campaign(
        access.app.id,
        token,
        new.parameters,
        has_versions=new.has_versions,
        dev_only=access.dev,
        at=now,
        was_live=new.live,
    )
    return 201, {"campaign_token": token}


def update(services: Services, access: Access, token: str, body: bytes) -> Reply:
    """200 and the campaign's token."""
    now = services.clock.now()

    def change(campaign: Campaign) -> Campaign:
        return campaigns.update(campaign, access.app, body, now)

    if services.records.update_campaign(access.app.id, token, change) is None:
        raise _no_campaign()
    return 200, {"campaign_token": token}


def delete(services: Services, access: Access, token: str) -> Reply:
    """200 and the campaign's token."""
    deleted = services.records.delete_campaign(access.app.id, token, services.clock.now())
    if not deleted:
        raise _no_campaign()
    return 200, {"campaign_token": token}


def list_(services: Services, access: Access, query: Mapping[str, str]) -> Reply:
    """200 and a page of campaigns, newest first."""
    _check_live_key(access)
    page = campaigns.page(query)
    found = services.records.campaigns(
        access.app.id, page.offset, page.limit, live=page.live, from_api=page.from_api
    )
    return 200, [campaigns.listed(campaign) for campaign in found]


def get(services: Services, access: Access, token: str) -> Reply:
    """200 and the campaign."""
    _check_live_key(access)
    return 200, campaigns.shown(_campaign(services, access, token))


def stats_body(services: Services, access: Access, token: str) -> tuple[bytes, Headers]:
    """The statistics as JSON, and the header that says which rule made them."""
    _check_live_key(access)
    answer = services.statistics.of(_campaign(services, access, token))
    return answer.body, [(b"x-attribution-rule", answer.rule_header)]


def _check_live_key(access: Access) -> None:
    if access.dev:
        raise ApiMisuse("This call takes the Live key only: put it in the path in place of the Dev key.")


def _campaign(services: Services, access: Access, token: str) -> Campaign:
    """The campaign, unless it is deleted; raises RouteNotFound."""
    campaign = services.records.campaign(access.app.id, token)
    if campaign is None or campaign.deleted_at is not None:
        raise _no_campaign()
    return campaign


def _no_campaign() -> RouteNotFound:
    return RouteNotFound(
        "There is no such campaign in this app: check the token, and whose key is in the path."
    )
