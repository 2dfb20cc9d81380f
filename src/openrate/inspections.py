"""What was found in the facts of campaigns lately: looked at again when something is new, but not all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from openrate.model import Campaign, Rule
from openrate.ports.event_log import EventLog, Inspection

_BELIEVED = 20
"""How many times as long as a look took it is believed: so looking at one campaign takes a twentieth of a core."""
_KEPT = 64
"""Campaigns."""
_LOCKS = 16


class Look(NamedTuple):
    """What was found, and a text that is another whenever something else may have been found."""

    revision: str
    rule: Rule
    found: Inspection
    believed_until: float


class Inspections:
    """From memory while nothing is new; of several who ask at once, one looks. Safe from any thread.

    Args:
        log: the facts.
        clock: seconds, from whenever.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._kept: dict[int, Look] = {}
        self._keeping = threading.Lock()
        self._looking = [threading.Lock() for _ in range(_LOCKS)]

    def of(self, campaign: Campaign) -> Look:
        """What the facts of a campaign are like."""
        with self._looking[campaign.id % _LOCKS]:
            known = self._kept.get(campaign.id)
            if known is not None and known.revision == self.revision(campaign):
                return known
            look = self._look(campaign)
            self._keep(campaign.id, look)
            return look

    def is_known(self, campaign: Campaign) -> bool:
        """Whether ``of`` answers from memory."""
        known = self._kept.get(campaign.id)
        return known is not None and known.revision == self.revision(campaign)

    def revision(self, campaign: Campaign) -> str:
        """The revision that ``of`` would give, without looking: what was found is believed for a while."""
        known, rule = self._kept.get(campaign.id), self._log.rule(campaign.app_id)
        if known is not None and known.rule == rule and self._clock() < known.believed_until:
            return known.revision
        return self._revision(campaign, rule)

    def _look(self, campaign: Campaign) -> Look:
        began, rule = self._clock(), self._log.rule(campaign.app_id)
        revision = self._revision(campaign, rule)  # first: what comes meanwhile is found next time
        found = self._log.inspect(campaign.id)
        ended = self._clock()
        return Look(revision, rule, found, ended + _BELIEVED * (ended - began))

    def _keep(self, campaign_id: int, look: Look) -> None:
        with self._keeping:
            self._kept.pop(campaign_id, None)
            self._kept[campaign_id] = look
            while len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]

    def _revision(self, campaign: Campaign, rule: Rule) -> str:
        return f"{self._log.changed(campaign.id)}-{hash(rule) & 0xFFFFFFFF:x}"
