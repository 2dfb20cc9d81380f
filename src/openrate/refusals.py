"""How many events were refused since the server started, and why: what is refused is not stored."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

_CAMPAIGNS = 10_000
"""Campaigns that are kept, those of which an event was refused last: about a kilobyte each."""


class Refusals:
    """Counts by code. Safe from any thread."""

    def __init__(self) -> None:
        self._by_app: dict[int, Counter[str]] = {}
        self._by_campaign: dict[int, Counter[str]] = {}
        self._lock = threading.Lock()

    def add(self, app_id: int, refused: Mapping[tuple[int, str], int]) -> None:
        """Count events that were reported to an app, by the campaign they name (0: none that is known) and code."""
        with self._lock:
            for (campaign_id, code), count in refused.items():
                self._by_app.setdefault(app_id, Counter())[code] += count
                if campaign_id:
                    counts = self._by_campaign.pop(campaign_id, Counter[str]())
                    counts[code] += count
                    self._by_campaign[campaign_id] = counts
            while len(self._by_campaign) > _CAMPAIGNS:
                del self._by_campaign[next(iter(self._by_campaign))]

    def of_all(self) -> dict[str, int]:
        """Of all apps."""
        with self._lock:
            return dict(sum(self._by_app.values(), Counter[str]()))

    def of_app(self, app_id: int) -> dict[str, int]:
        """Of an app, both worlds."""
        with self._lock:
            return dict(self._by_app.get(app_id, {}))

    def of_campaign(self, campaign_id: int) -> dict[str, int]:
        """Of a campaign: only events that named it."""
        with self._lock:
            return dict(self._by_campaign.get(campaign_id, {}))
