"""How many events about a campaign were refused since the server started, and why: they are not stored.

What was refused of an app is in ``activity``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

_CAMPAIGNS = 10_000
"""Campaigns that are kept, those of which an event was refused last: about a kilobyte each."""


class Refusals:
    """Counts by code. Safe from any thread."""

    def __init__(self) -> None:
        self._by_campaign: dict[int, Counter[str]] = {}
        self._lock = threading.Lock()

    def add(self, refused: Mapping[tuple[int, str], int]) -> None:
        """Count events by the campaign they name (0: none that is known) and code."""
        with self._lock:
            for (campaign_id, code), count in refused.items():
                if campaign_id:
                    counts = self._by_campaign.pop(campaign_id, Counter[str]())
                    counts[code] += count
                    self._by_campaign[campaign_id] = counts
            while len(self._by_campaign) > _CAMPAIGNS:
                del self._by_campaign[next(iter(self._by_campaign))]

    def of_campaign(self, campaign_id: int) -> dict[str, int]:
        """Of a campaign: only events that named it."""
        with self._lock:
            return dict(self._by_campaign.get(campaign_id, {}))
