"""Commands about sending."""

from __future__ import annotations

import msgspec

from openrate import campaigns
from openrate.commands.parts import Parts
from openrate.commands.records import Answer, app_of, by, find_campaign, state_of
from openrate.commands.requests import SendCampaign, SetApp, ShowProgress
from openrate.control import Talk
from openrate.delivery.progress import progress
from openrate.errors import OpenrateError, UsageError
from openrate.model import App, Campaign, CampaignState, Sender, SendState
from openrate.ports.event_log import Progress
from openrate.times import format_time

_FASTEST = 100_000_000
_LIVE = msgspec.json.encode({"live": True})


def set_app(parts: Parts, request: SetApp, talk: Talk) -> Answer:
    """Change who sends for an app, and how fast. A new sender sends what is due from now on.

    To give an app the sender that it has completes what an interrupted command has begun.

    Raises:
        UnderWayError: somebody else does so just now.
        UsageError: the rate is out of its range.
    """
    if request.send_rate is not None and not 0 <= request.send_rate <= _FASTEST:
        raise UsageError(
            f"--send-rate is {request.send_rate}: 1 to {_FASTEST:,} messages a minute, or 0 for no limit."
        )
    with parts.at_work.alone(("app", app_of(parts, request.app).id), talk) as step:
        app = app_of(parts, request.app)
        rate = app.send_rate if request.send_rate is None else request.send_rate or None
        sender = request.sender or app.sender
        changes = request.sender is not None
        if changes and sender is Sender.OPENRATE:
            # First: our sender takes a campaign that it has and that is not due again for completed.
            _hand_over(parts, app, sender, step)
        parts.records.set_app(app, sender, rate, by(parts, talk))
        if changes and sender is Sender.EXTERNAL:
            _hand_over(parts, app, sender, step)
    return {"app": app.name, "sender": sender, "send_rate": rate}


def _hand_over(parts: Parts, app: App, sender: Sender, step: Progress) -> None:
    """See that our sender sends what is still to come, or nothing any more, also of what it has begun.

    What it has of an app that is not its own yet is left from a command that was interrupted, and of the past.
    """
    now, given = parts.clock.now(), msgspec.structs.replace(app, sender=sender)
    goes_on = app.sender is sender is Sender.OPENRATE
    begun = parts.sends.open([app.id])
    if not goes_on:
        for send in begun:
            parts.sends.finish(send.id, SendState.CANCELLED, now, "The app was given to another sender.")

    def change(known: Campaign) -> Campaign:
        kept = known if goes_on else msgspec.structs.replace(known, next_due_at=None)
        return campaigns.handed_over(kept, given, now)

    kept = {send.campaign_token for send in begun} if goes_on else set()
    tokens = [token for token in parts.records.campaign_tokens(app.id).values() if token not in kept]
    for done, token in enumerate(tokens):
        step(done, len(tokens))
        parts.records.update_campaign(app.id, token, change)


def send(parts: Parts, request: SendCampaign, talk: Talk) -> Answer:
    """Make a campaign live, as an update would; one that is live stays so.

    Raises:
        OpenrateError: nothing would be sent of it: not by us, not again, or not any more.
    """
    app, campaign = find_campaign(parts, request.token)
    name = campaign.parameters["name"]
    if app.sender is not Sender.OPENRATE:
        raise OpenrateError(
            f"{app.name} is sent for by its company (sender external), so nothing is sent for it from here: "
            f"openrate app set --app {app.live_key} --sender openrate changes that for what is to come."
        )
    if campaign.was_completed or state_of(parts, app, campaign) == CampaignState.COMPLETED:
        raise OpenrateError(f"{name} was completed already: create a new campaign to send again.")
    now = parts.clock.now()
    changed = parts.records.update_campaign(
        app.id, campaign.token, lambda known: campaigns.update(known, app, _LIVE, now), by(parts, talk)
    )
    if changed is None:
        raise OpenrateError(f"{name} was deleted: create a new campaign to send it.")
    return _progress(parts, request.token)


def show_progress(parts: Parts, request: ShowProgress, _talk: Talk) -> Answer:
    """How far the sends of a campaign are."""
    return _progress(parts, request.token)


def _progress(parts: Parts, token: str) -> Answer:
    app, campaign = find_campaign(parts, token)
    next_due_at = None if campaign.deleted_at is not None else campaign.next_due_at
    return {
        "campaign_token": campaign.token,
        "name": campaign.parameters["name"],
        "state": state_of(parts, app, campaign),
        "next_due_at": None if next_due_at is None else format_time(next_due_at),
        **progress(parts.sends.of(campaign.id)),
    }
