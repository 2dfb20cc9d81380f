"""Commands about sending."""

from __future__ import annotations

import msgspec

from openrate import campaigns
from openrate.commands.parts import Parts
from openrate.commands.records import Answer, find_campaign
from openrate.commands.requests import SendCampaign, ShowProgress
from openrate.control import Talk
from openrate.delivery.progress import progress
from openrate.errors import OpenrateError
from openrate.model import Sender

_LIVE = msgspec.json.encode({"live": True})


def send(parts: Parts, request: SendCampaign, _talk: Talk) -> Answer:
    """Make a campaign live, as an update would; one that is live stays so."""
    app, campaign = find_campaign(parts, request.token)
    if app.sender is not Sender.OPENRATE:
        raise OpenrateError(
            f"{app.name} is sent for by its company (sender external): nothing is sent for it from here."
        )
    now = parts.clock.now()
    changed = parts.records.update_campaign(
        app.id, campaign.token, lambda known: campaigns.update(known, app, _LIVE, now)
    )
    if changed is None:
        raise OpenrateError(f"{campaign.parameters['name']} was deleted: create a new campaign to send it.")
    return _progress(parts, request.token)


def show_progress(parts: Parts, request: ShowProgress, _talk: Talk) -> Answer:
    """How far the sends of a campaign are."""
    return _progress(parts, request.token)


def _progress(parts: Parts, token: str) -> Answer:
    app, campaign = find_campaign(parts, token)
    return {
        "campaign_token": campaign.token,
        "name": campaign.parameters["name"],
        "state": campaigns.state(campaign, app, parts.clock.now()),
        **progress(parts.sends.of(campaign.id)),
    }
