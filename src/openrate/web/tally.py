"""Counts of requests and refusals for ``/metrics``. No label holds a key, a token or an id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from openrate.activity import Activity
from openrate.ports.event_log import EventLog
from openrate.web.call import Call

_BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0)
"""Upper bounds of the duration buckets, in seconds."""

_FIGURES = {
    "facts": "Facts stored.",
    "attributed_facts": "Facts stored that are in the rows.",
    "installations": "Installations ever reported about.",
    "sends": "Names of sends ever reported.",
    "orphan_opens": "Taps whose delivery nobody reported.",
    "hot_facts": "Recent facts kept in memory for attribution.",
    "hot_since_ms": "Facts since then are kept in memory, in milliseconds since 1970.",
}
"""What the figures of the event log are."""

_Key = tuple[str, str, int]


class Tally(Collector):
    """Counts in plain dictionaries; the Prometheus shapes are made when somebody asks for them.

    Counting a request costs a few dictionary accesses, a tenth of what a labelled Prometheus counter costs.
    """

    def __init__(self, log: EventLog, activity: Activity) -> None:
        self._log = log
        self._activity = activity
        self._requests: Counter[_Key] = Counter()
        self._durations: dict[str, list[float]] = {}
        self.accepted = 0

    def add(self, call: Call, status: int, seconds: float) -> None:
        """Count one request that was answered after so long."""
        self._requests[(call.route, call.method, status)] += 1
        row = self._durations.get(call.route)
        if row is None:
            row = self._durations[call.route] = [0.0] * (len(_BOUNDS) + 2)
        index = 0
        for bound in _BOUNDS:
            if seconds <= bound:
                break
            index += 1
        row[index] += 1
        row[-1] += seconds
        if call.refused is not None and call.app_id is not None:
            self._activity.request_refused(call.app_id, call.refused)

    def collect(self) -> Iterator[Any]:
        """What a scrape gets."""
        yield self._request_counts()
        yield self._request_durations()
        yield from self._fact_counts()
        yield from self._log_figures()

    def _request_counts(self) -> CounterMetricFamily:
        family = CounterMetricFamily(
            "openrate_requests", "Requests by route and status.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in list(self._requests.items()):
            family.add_metric([route, method, str(status)], count)
        return family

    def _request_durations(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "openrate_request_duration_seconds", "Time from the request to its answer.", labels=["route"]
        )
        for route, row in list(self._durations.items()):
            total, buckets = 0.0, []
            for bound, count in zip([*map(str, _BOUNDS), "+Inf"], row, strict=False):
                total += count
                buckets.append((bound, total))
            family.add_metric([route], buckets, sum_value=row[-1])
        return family

    def _fact_counts(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily("openrate_facts_accepted", "Facts taken over HTTP.", value=self.accepted)
        refused = CounterMetricFamily("openrate_facts_refused", "Facts refused, by code.", labels=["code"])
        for code, count in self._activity.refused_facts().items():
            refused.add_metric([code], count)
        yield refused

    def _log_figures(self) -> Iterator[GaugeMetricFamily]:
        counts = self._log.counts()
        for name, value in counts.items():
            metric = f"openrate_log_{name}"
            yield GaugeMetricFamily(metric, _FIGURES.get(name, f"{name} of the event log."), value=value)
        if "facts" in counts and "attributed_facts" in counts:
            behind = counts["facts"] - counts["attributed_facts"]
            yield GaugeMetricFamily(
                "openrate_log_behind", "Facts stored and not yet in the rows.", value=behind
            )
