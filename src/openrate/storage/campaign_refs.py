"""What was asked about campaigns lately, kept in memory: the statistics call asks with every request."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from openrate.model import CampaignRef

_MOST = 65_536
"""Campaigns remembered; about 250 bytes each, and one that was forgotten costs a look into the database."""

_Name = tuple[int, str]


class RememberedRefs:
    """The latest answers by (app id, token), the oldest forgotten first. Unknown tokens are not kept.

    What is read from the database is remembered only if nothing was deleted since the reading began:
    ``moment`` before, ``remember`` after.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._refs: dict[_Name, CampaignRef] = {}
        self._lock = threading.Lock()
        self.moment = 0

    def get(self, app_id: int, token: str) -> CampaignRef | None:
        """What is remembered of a campaign."""
        return self._refs.get((app_id, token))

    def remember(self, app_id: int, refs: Mapping[str, CampaignRef], moment: int) -> None:
        """Keep what was read, unless it may be out of date."""
        with self._lock:
            if moment != self.moment:
                return
            for token, ref in refs.items():
                self._refs[app_id, token] = ref
            self._forget_down_to(self._most)

    def forget(self, app_id: int, tokens: Iterable[str]) -> None:
        """Campaigns changed: what is known of them, and what is being read of any, is not true any more."""
        with self._lock:
            self.moment += 1
            for token in tokens:
                self._refs.pop((app_id, token), None)

    def __len__(self) -> int:
        return len(self._refs)

    def _forget_down_to(self, most: int) -> None:
        while len(self._refs) > most:
            del self._refs[next(iter(self._refs))]
