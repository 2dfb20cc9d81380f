"""What the handlers work with."""

from __future__ import annotations

from openrate.audience import Estimates
from openrate.errors import RouteNotFound
from openrate.model import App, Campaign
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog
from openrate.ports.records import Records
from openrate.ports.sends import Sends
from openrate.web.statistics_cache import StatisticsCache


class Services:
    """The stores, the clock, the statistics that are kept as bytes, and estimates, which remember opens."""

    def __init__(self, records: Records, sends: Sends, log: EventLog, clock: Clock) -> None:
        self.records = records
        self.sends = sends
        self.log = log
        self.clock = clock
        self.statistics = StatisticsCache(log)
        self.estimates = Estimates(records, log, clock)

    def campaign(self, app: App, token: str) -> Campaign:
        """A campaign of an app, unless it is deleted; raises RouteNotFound."""
        campaign = self.records.campaign(app.id, token)
        if campaign is None or campaign.deleted_at is not None:
            raise no_campaign()
        return campaign


def no_campaign() -> RouteNotFound:
    """What is raised when the token in the path names no campaign of the app."""
    return RouteNotFound(
        "There is no such campaign in this app: check the token, and whose key is in the path."
    )
