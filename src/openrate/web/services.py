"""What the handlers work with."""

from __future__ import annotations

from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog
from openrate.ports.records import Records
from openrate.ports.sends import Sends
from openrate.web.statistics_cache import StatisticsCache


class Services:
    """The stores, the clock, and the statistics that are kept as bytes."""

    def __init__(self, records: Records, sends: Sends, log: EventLog, clock: Clock) -> None:
        self.records = records
        self.sends = sends
        self.log = log
        self.clock = clock
        self.statistics = StatisticsCache(log)
