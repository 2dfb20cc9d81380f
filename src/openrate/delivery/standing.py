"""How sending stands for some apps: what is being sent, and what their providers said lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from openrate.activity import Activity, Wait
from openrate.model import App, Campaign, Cause, FactType, Send
from openrate.ports.provider import Providers
from openrate.ports.records import Records
from openrate.ports.sends import Sends


class Queued(NamedTuple):
    """A send that is not finished. One of a stopped campaign goes on when that is live again."""

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
        has_credentials: whether our sender could send for it.
        sent: pushes reported as sent in the last hour, by whoever sends for it.
        errors: pushes reported as failed in the last hour, by cause, the most frequent first.
        waits_because: why what is being sent waits now.
        last_wait: the last time that our sender had to wait since the server started.
    """

    app: App
    has_credentials: bool
    sent: int
    errors: Mapping[Cause, int]
    waits_because: str | None
    last_wait: Wait | None


def remaining(send: Send) -> int:
    """How many selected recipients of a send have come to no end yet."""
    return send.recipients - send.sent - send.errors - send.skipped


def queue(sends: Sends, records: Records, apps: Sequence[App]) -> list[Queued]:
    """What is being sent for these apps, by due time. Raises StoreError."""
    by_id = {app.id: app for app in apps}
    return [
        Queued(send, by_id[send.app_id], campaign)
        for send in sends.open()
        if send.app_id in by_id
        and (campaign := records.campaign(send.app_id, send.campaign_token)) is not None
    ]


def health(
    apps: Sequence[App], queued: Sequence[Queued], providers: Providers, activity: Activity
) -> list[Health]:
    """How the providers of these apps do, given what ``queue`` said of them. Raises StoreError."""
    return [_health(app, queued, providers, activity) for app in apps]


def _health(app: App, queued: Sequence[Queued], providers: Providers, activity: Activity) -> Health:
    last_hour = activity.of([app.id]).last_hour
    reasons = (each.send.reason for each in queued if each.app.id == app.id and not each.is_stopped)
    return Health(
        app,
        providers.credentials(app) is not None,
        last_hour.facts.get(FactType.PUSH_SENT, 0),
        last_hour.errors,
        next((reason for reason in reasons if reason is not None), None),
        activity.last_wait(app.id),
    )
