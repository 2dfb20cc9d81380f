"""What is being sent, for ``/metrics``: read from the sends themselves whenever somebody asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from openrate.delivery.standing import remaining
from openrate.ports.sends import Sends


class SendFigures(Collector):
    """Gauges of the sends that are not finished, those of stopped campaigns among them."""

    def __init__(self, sends: Sends) -> None:
        self._sends = sends

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What a scrape gets; raises StoreError."""
        sends = self._sends.open()
        waiting = sum(send.reason is not None for send in sends)
        yield GaugeMetricFamily("openrate_sends_open", "Sends that are not finished.", value=len(sends))
        yield GaugeMetricFamily("openrate_sends_waiting", "Open sends that say why they wait.", value=waiting)
        yield GaugeMetricFamily(
            "openrate_recipients_open",
            "Selected recipients whose push has not come to an end.",
            value=sum(map(remaining, sends)),
        )
