"""The statistics of campaigns as the bytes that are sent, made again only when they may have changed."""

from __future__ import annotations

import threading
from typing import NamedTuple

import msgspec

from openrate import stats
from openrate.model import CampaignRef, Rule
from openrate.ports import EventLog, Records

_CAMPAIGNS = 100_000
"""Campaigns that are remembered to exist; about 200 bytes each."""
_BYTES = 64 << 20
"""Bytes of answers that are kept."""

_encode = msgspec.json.Encoder().encode

Name = tuple[int, str]
"""A campaign by its app and its token."""


class Answer(NamedTuple):
    """The statistics of a campaign, and what they were made from."""

    changed: int
    rule: Rule
    body: bytes
    rule_header: bytes


class StatisticsCache:
    """Answers from memory while nothing has changed: three look-ups in dicts.

    Safe from any thread. That a campaign exists is believed until ``forget``, so every deletion has to come by.
    """

    def __init__(self, records: Records, log: EventLog) -> None:
        self._records = records
        self._log = log
        self._campaigns: dict[Name, CampaignRef] = {}
        self._answers: dict[int, Answer] = {}
        self._bytes = 0
        self._forgotten = 0
        self._lock = threading.Lock()

    def of(self, app_id: int, token: str) -> Answer | None:
        """The statistics of a campaign of that app; None when there is none, or it is deleted."""
        name = (app_id, token)
        campaign = self._campaigns.get(name) or self._find(name)
        if campaign is None:
            return None
        changed, rule = self._log.changed(campaign.id), self._log.rule(app_id)
        known = self._answers.get(campaign.id)
        if known is not None and known.changed == changed and known.rule == rule:
            return known
        return self._make(app_id, token, campaign)

    def forget(self, app_id: int, token: str) -> None:
        """The campaign was deleted."""
        with self._lock:
            self._forgotten += 1
            campaign = self._campaigns.pop((app_id, token), None)
            if campaign is not None:
                self._drop(campaign.id)

    def _find(self, name: Name) -> CampaignRef | None:
        forgotten = self._forgotten
        found = self._records.campaign(*name)
        if found is None or found.deleted_at is not None:
            return None
        campaign = CampaignRef(found.id, found.has_versions)
        with self._lock:
            # What was read before a deletion is good for this answer and no further.
            if forgotten == self._forgotten:
                self._campaigns[name] = campaign
                if len(self._campaigns) > _CAMPAIGNS:
                    del self._campaigns[next(iter(self._campaigns))]
        return campaign

    def _make(self, app_id: int, token: str, campaign: CampaignRef) -> Answer:
        """Make the answer from the rows, and see that the rule named with it is the one that made them."""
        while True:
            changed, rule = self._log.changed(campaign.id), self._log.rule(app_id)
            rows = self._log.rows(campaign.id)
            if rule == self._log.rule(app_id):
                break
        body = _encode(stats.statistics(token, rows, has_versions=campaign.has_versions))
        answer = Answer(changed, rule, body, _header(rule))
        self._keep(campaign.id, answer)
        return answer

    def _keep(self, campaign_id: int, answer: Answer) -> None:
        """Keep an answer in the place of the last one; the oldest go when there are too many bytes."""
        with self._lock:
            self._drop(campaign_id)
            self._answers[campaign_id] = answer
            self._bytes += len(answer.body)
            while self._bytes > _BYTES:
                self._drop(next(iter(self._answers)))

    def _drop(self, campaign_id: int) -> None:
        dropped = self._answers.pop(campaign_id, None)
        if dropped is not None:
            self._bytes -= len(dropped.body)


def _header(rule: Rule) -> bytes:
    """The rule as ``X-Attribution-Rule`` has it, in seconds (``metrics.md``, "Deliveries")."""
    return (
        f"influence={rule.influence_window}; reengage={rule.reengage_window}; inactive={rule.inactive_after}"
    ).encode()
