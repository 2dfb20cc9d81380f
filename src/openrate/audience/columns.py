"""Moments and segments of many installations at once, as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openrate.audience.reference import NEW_MS
from openrate.conditions import AsOf, Segment
from openrate.model import DAY_MS
from openrate.ports.event_log import NEVER, OpenTimes
from openrate.times import parse_rfc3339, parse_times


def moments_in(texts: Sequence[str | None]) -> NDArray[np.int64]:
    """Dates with time and offset as milliseconds since 1970; NEVER for what is none."""
    if None not in texts and (together := parse_times(texts)) is not None:  # type: ignore[arg-type]  # there is no None
        return together
    read = {text: None if text is None else parse_rfc3339(text) for text in set(texts)}
    ats = (NEVER if (at := read[text]) is None else at for text in texts)
    return np.fromiter(ats, np.int64, len(texts))


def segments_of(times: OpenTimes, as_of: AsOf) -> NDArray[np.int8]:
    """The number of the segment that each is in, as ``segment`` says it of one."""
    first, last = times.first_open, times.last_open
    inactive_since = as_of.at - as_of.inactive_after * 1000
    # Of these the first that fits.
    fits = [
        (first == NEVER, Segment.IMPORTED),
        (first > as_of.at - NEW_MS, Segment.NEW),
        (first // DAY_MS == last // DAY_MS, Segment.ONE_TIME),
        (last <= inactive_since, Segment.DORMANT),
    ]
    conditions, numbers = zip(*fits, strict=True)
    return np.select(conditions, [np.int8(number) for number in numbers], np.int8(Segment.ENGAGED))
