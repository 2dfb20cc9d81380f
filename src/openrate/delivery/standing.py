"""How sending stands for some apps: what is being sent, and what their providers said lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from openrate.activity import Activity, Wait
from openrate.model import App, Campaign, Cause, FactType, Send, Sender
from openrate.ports.provider import Providers
from openrate.ports.records import Records
from openrate.ports.sends import Sends


class Queued(NamedTuple):
    """A send that is not finished. One of a stopped campaign goes on when that is live again.

    Of the parameters of the campaign there are those of ``ports.records.SummaryParameters``.
    """

    send: Send
    app: App
    campaign: Campaign

    @property
    def is_stopped(self) -> bool:
        """Whether its campaign is not live."""
        return not self.campaign.parameters["live"]


class Health(NamedTuple):
    """How the way to the devices of an app does.

    Attributes:
        lacks_credentials: our sender is to send for it and cannot.
        sent: pushes reported as sent in the last hour, by whoever sends for it.
        errors: pushes reported as failed in the last hour, by cause, the most frequent first.
        waits_because: why what is being sent waits now.
        last_wait: the last time that our sender had to wait since the server started.
    """

    app: App
    lacks_credentials: bool
    sent: int
    errors: Mapping[Cause, int]
    waits_because: str | None
    last_wait: Wait | None


def remaining(send: Send) -> int:
    """How many selected recipients of a send have come to no end yet."""
    return send.recipients - send.sent - send.errors - send.skipped


def queue(sends: Sends, records: Records, apps: Sequence[App]) -> list[Queued]:
    """What is being sent for these apps, by due time. Raises StoreError."""
    by_id = {app.id: app for app in apps if app.sender is Sender.OPENRATE}
    found = sends.open(list(by_id))
    tokens = {send.campaign_token for send in found}
    campaigns = {
        campaign.token: campaign
        for app_id in {send.app_id for send in found}
        for campaign in records.campaign_summaries(app_id)
        if campaign.token in tokens
    }
    return [
        Queued(send, by_id[send.app_id], campaigns[send.campaign_token])
        for send in found
        if send.campaign_token in campaigns
    ]


def health(
    apps: Sequence[App], queued: Sequence[Queued], providers: Providers, activity: Activity
) -> list[Health]:
    """How the providers of these apps do, given what ``queue`` said of them. Raises StoreError."""
    equipped = providers.apps()
    reasons: dict[int, str] = {}
    for each in queued:
        if each.send.reason is not None and not each.is_stopped:
            reasons.setdefault(each.app.id, each.send.reason)
    return [
        Health(
            app,
            app.sender is Sender.OPENRATE and app.id not in equipped,
            last_hour.facts.get(FactType.PUSH_SENT, 0),
            last_hour.errors,
            reasons.get(app.id),
            activity.last_wait(app.id),
        )
        for app in apps
        for last_hour in [activity.last_hour(app.id)]
    ]
