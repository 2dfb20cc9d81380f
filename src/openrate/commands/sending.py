"""Commands about sending."""

from __future__ import annotations

import msgspec

from openrate import campaigns
from openrate.commands.parts import Parts
from openrate.commands.records import Answer, app_of, find_campaign
from openrate.commands.requests import SendCampaign, SetApp, ShowProgress
from openrate.control import Talk
from openrate.delivery.progress import progress
from openrate.errors import OpenrateError, UsageError
from openrate.model import App, Sender, SendState

_FASTEST = 100_000_000
_LIVE = msgspec.json.encode({"live": True})


def set_app(parts: Parts, request: SetApp, _talk: Talk) -> Answer:
    """Change who sends for an app, and how fast. A new sender sends what is due from now on.

    To give an app the sender that it has completes what an interrupted command has begun.
    """
    app = app_of(parts, request.app)
    if request.send_rate is not None and not 0 <= request.send_rate <= _FASTEST:
        raise UsageError(
            f"--send-rate is {request.send_rate}: 1 to {_FASTEST:,} messages a minute, or 0 for no limit."
        )
    rate = app.send_rate if request.send_rate is None else request.send_rate or None
    sender = request.sender or app.sender
    parts.records.set_app(app.id, sender, rate)
    if request.sender is not None:
        _hand_over(parts, msgspec.structs.replace(app, sender=sender))
    return {"app": app.name, "sender": sender, "send_rate": rate}


def _hand_over(parts: Parts, app: App) -> None:
    """See that our sender sends what is still to come, or nothing any more, also of what it has begun."""
    now = parts.clock.now()
    under_way = [send for send in parts.sends.open() if send.app_id == app.id]
    if app.sender is not Sender.OPENRATE:
        for send in under_way:
            parts.sends.finish(send.id, SendState.CANCELLED, now, "The app was given to another sender.")
    begun = {send.campaign_token for send in under_way} if app.sender is Sender.OPENRATE else set()
    for token in parts.records.campaign_tokens(app.id).values():
        if token not in begun:
            parts.records.update_campaign(app.id, token, lambda known: campaigns.handed_over(known, app, now))


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
