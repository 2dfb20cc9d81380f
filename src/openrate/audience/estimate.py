"""How many a targeting would reach, before anything is sent."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from openrate.audience.columns import segments_of
from openrate.audience.targeting import read_targeting
from openrate.conditions import AsOf, Segment, Selection
from openrate.model import App
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog, Opens
from openrate.ports.records import Records

REMEMBERED_MS = 60_000
"""How old the opens of an estimate may be: reading them anew takes a second for ten million facts."""


class Estimate(msgspec.Struct, frozen=True):
    """Installations with a push token that a targeting selects.

    Attributes:
        installations: how many.
        opted_in: how many of them see notifications.
        segments: how many of them are in each segment, all of which are named.
        unknown_audiences: named lists that there are not, which nobody is in.
    """

    installations: int
    opted_in: int
    segments: dict[str, int]
    unknown_audiences: list[str]


class Estimates:
    """Makes estimates, one at a time: each goes through all installations. Safe from any thread."""

    def __init__(self, records: Records, log: EventLog, clock: Clock) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: tuple[tuple[int, bool], int, Opens] | None = None

    def estimate(self, app: App, dev: bool, targeting: Mapping[str, Any]) -> Estimate:
        """The audience of a ``targeting`` that passed the check of ``campaign_parameters``, as of now."""
        condition = read_targeting(targeting)
        as_of = AsOf(self._clock.now(), self._records.company_of(app).rule.inactive_after)
        known = {audience.name for audience in self._records.audiences(app.id, dev)}
        opted_in, segments = 0, np.zeros(len(Segment), np.int64)
        with self._lock:
            opens = self._opens(app.id, dev, as_of.at)
            for part in self._records.select(Selection(app.id, dev, condition, as_of), lambda: opens):
                opted_in += int(part.opted_in.sum())
                numbers = segments_of(opens.of(part.installation_ids), as_of)
                segments += np.bincount(numbers, minlength=len(Segment))
        return Estimate(
            int(segments.sum()),
            opted_in,
            {segment.name: int(segments[segment]) for segment in Segment},
            [name for name in dict.fromkeys(targeting.get("audiences") or ()) if name not in known],
        )

    def _opens(self, app_id: int, dev: bool, now: int) -> Opens:
        """Those of the last estimate, if it was about the same app and not long ago."""
        wanted = (app_id, dev)
        if self._remembered is not None:
            remembered, at, opens = self._remembered
            if remembered == wanted and 0 <= now - at < REMEMBERED_MS:
                return opens
        self._remembered = None  # not two in memory
        opens = self._log.opens(app_id, dev)
        self._remembered = wanted, now, opens
        return opens
