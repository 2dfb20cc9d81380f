"""What every part of sending works with."""

from __future__ import annotations

from typing import NamedTuple

from openrate.activity import Activity
from openrate.model import App, Campaign, Send, Sender
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog
from openrate.ports.provider import Providers
from openrate.ports.records import Records
from openrate.ports.sends import Sends


class Desk(NamedTuple):
    """The stores, the present, the providers, what happens, and the name of this worker, which its leases carry."""

    records: Records
    sends: Sends
    log: EventLog
    clock: Clock
    providers: Providers
    activity: Activity
    worker: str

    def live_campaign(self, app: App, send: Send) -> Campaign | None:
        """The campaign of a send, if that may go on: it is live, and of an app that we send for."""
        campaign = self.records.campaign(send.app_id, send.campaign_token)
        if campaign is None or campaign.deleted_at is not None or app.sender is not Sender.OPENRATE:
            return None
        return campaign if campaign.parameters["live"] else None
