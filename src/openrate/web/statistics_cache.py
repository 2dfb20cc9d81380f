"""The statistics of campaigns as the bytes that are sent, made again only when they may have changed."""

from __future__ import annotations

import threading
from typing import NamedTuple

import msgspec

from openrate import stats
from openrate.model import Campaign, Rule
from openrate.ports.event_log import EventLog

_BYTES = 64 << 20
"""Bytes of answers that are kept; a month of an A/B campaign is 12 kB."""
_OVERHEAD = 500
"""Bytes that an answer takes beside its body, so that short ones are bounded too."""

_encode = msgspec.json.Encoder().encode


class Statistics(NamedTuple):
    """The answer about a campaign, and what it was made from.

    Attributes:
        changed: what ``EventLog.changed`` said.
        rule: the rule that made the rows.
        body: JSON.
        rule_header: the rule as ``X-Attribution-Rule`` has it.
    """

    changed: int
    rule: Rule
    body: bytes
    rule_header: bytes


class StatisticsCache:
    """Answers from memory while nothing has changed, which costs a look-up. Safe from any thread."""

    def __init__(self, log: EventLog, limit: int = _BYTES) -> None:
        self._log = log
        self._limit = limit
        self._kept: dict[int, Statistics] = {}
        self._size = 0
        self._lock = threading.Lock()

    def of(self, campaign: Campaign) -> Statistics:
        """The statistics of a campaign as they are now."""
        known = self._kept.get(campaign.id)
        if (
            known is not None
            and known.changed == self._log.changed(campaign.id)
            and known.rule == self._log.rule(campaign.app_id)
        ):
            return known
        made = self._make(campaign)
        self._keep(campaign.id, made)
        return made

    def _make(self, campaign: Campaign) -> Statistics:
        """Make the answer; once more, if the rule that is named with the rows changed while they were read."""
        while True:
            changed, rule = self._log.changed(campaign.id), self._log.rule(campaign.app_id)
            rows = self._log.rows(campaign.id)
            if rule == self._log.rule(campaign.app_id):
                body = _encode(stats.statistics(campaign.token, rows, has_versions=campaign.has_versions))
                return Statistics(changed, rule, body, _header(rule))

    def _keep(self, campaign_id: int, made: Statistics) -> None:
        """Keep an answer in the place of the last one; the oldest go when there are too many bytes."""
        with self._lock:
            self._drop(campaign_id)
            self._kept[campaign_id] = made
            self._size += len(made.body) + _OVERHEAD
            while self._size > self._limit:
                self._drop(next(iter(self._kept)))

    def _drop(self, campaign_id: int) -> None:
        dropped = self._kept.pop(campaign_id, None)
        if dropped is not None:
            self._size -= len(dropped.body) + _OVERHEAD


def _header(rule: Rule) -> bytes:
    """In seconds (``metrics.md``, "Deliveries")."""
    return (
        f"influence={rule.influence_window}; reengage={rule.reengage_window}; inactive={rule.inactive_after}"
    ).encode()
