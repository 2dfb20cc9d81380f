"""What is counted of the installations of an app, and kept of each day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

OPTED_IN, WITH_PUSH_TOKEN = 1, 2
"""What an installation's mark is the sum of."""

ByMark = Mapping[tuple[str, int], int]
"""How many installations have a value and a mark; the value is empty where there is none."""


class Portion(NamedTuple):
    """Some of the installations of an app, ascending by id.

    Attributes:
        marks: by position.
        languages: as they were given; ``regions`` likewise.
        days: how many were registered on a UTC day, by days since 1970.
    """

    installation_ids: list[str]
    marks: NDArray[np.uint8]
    languages: ByMark
    regions: ByMark
    days: Mapping[int, int]


class AudienceDay(NamedTuple):
    """How many installations an app had when they were counted last on a UTC day (days since 1970)."""

    app_id: int
    day: int
    installations: int
    opted_in: int


class AudienceCounts(Protocol):
    """The installations of the live world as numbers. Safe from any thread; every method may raise StoreError."""

    def portions(self, app_id: int) -> Iterator[Portion]:
        """The installations of an app, in portions of up to some thousand.

        Each is a transaction of its own: what changes meanwhile may be seen or not.
        """

    def totals(self, app_id: int) -> Iterator[tuple[int, int]]:
        """How many installations there are, and how many of them are opted in, for each of such portions."""

    def put_days(self, days: Sequence[AudienceDay]) -> None:
        """Keep these, each instead of what was kept of that app and day. One transaction."""

    def days(self, app_ids: Sequence[int], since: int) -> list[AudienceDay]:
        """What was kept of these apps since a day, ascending by day.

        Of an app of which nothing was kept on that day, the last one before it as well.
        """
