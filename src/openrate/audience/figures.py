"""What the installations of an app are like, as numbers: a count for each language, region and segment."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from openrate.audience.columns import segments_of
from openrate.audience.values import folded, folded_language
from openrate.conditions import AsOf, Segment
from openrate.model import Audience
from openrate.ports.audience import OPTED_IN, WITH_PUSH_TOKEN, AudienceDay, ByMark, Portion
from openrate.ports.event_log import Opens

OTHERS = None
"""Stands for the values that are not kept apart."""
_MOST_NAMES = 500
"""Values that are kept apart; there are fewer languages and regions, but devices may say what they like."""
_MARKS = np.arange(OPTED_IN + WITH_PUSH_TOKEN + 1)
_OPTED_IN = _MARKS & OPTED_IN > 0
_WITH_PUSH_TOKEN = _MARKS & WITH_PUSH_TOKEN > 0

K = TypeVar("K")
Marks = NDArray[np.int64]
"""How many installations have each mark."""


class Count(NamedTuple):
    """How many installations: all, those opted in, those with a push token, those that are both (reachable)."""

    installations: int = 0
    opted_in: int = 0
    with_push_token: int = 0
    reachable: int = 0


class Figures(NamedTuple):
    """The installations of an app (or of several) in the live world, as they were counted.

    Attributes:
        as_of: when that began, in milliseconds since 1970; of several apps the earliest.
        total: all of them.
        languages: by the first part of the language, in small letters ("fr" of "fr-CA"), so that a targeting of
            that language selects those with a push token; "" where none is given, OTHERS for the rarest beyond
            500. The largest first.
        regions: likewise, in capital letters.
        segments: each of which is there.
        lists: the named lists, by name.
        registered: by UTC day (days since 1970), how many of them were registered then.
    """

    as_of: int
    total: Count
    languages: Mapping[str | None, Count]
    regions: Mapping[str | None, Count]
    segments: Mapping[Segment, Count]
    lists: Sequence[Audience]
    registered: Mapping[int, int]


class Day(NamedTuple):
    """A UTC day (days since 1970) of some apps.

    Attributes:
        installations: when they were counted last on that day or before; None: that was not yet.
        opted_in: how many of them, likewise.
        registered: how many that are there now were registered on that day.
    """

    day: int
    installations: int | None
    opted_in: int | None
    registered: int


class Counting:
    """Adds up the portions of one app."""

    def __init__(self, as_of: AsOf, opens: Opens) -> None:
        self._as_of = as_of
        self._opens = opens
        self._segments = np.zeros((len(Segment), len(_MARKS)), np.int64)
        self._languages = _Names(lambda text: folded_language(text).partition("-")[0])
        self._regions = _Names(lambda text: folded(text).upper())
        self._registered: Counter[int] = Counter()

    def add(self, portion: Portion) -> None:
        """Count the installations of one more portion."""
        segments = segments_of(self._opens.of(portion.installation_ids), self._as_of)
        pairs = segments.astype(np.int64) * len(_MARKS) + portion.marks
        self._segments += np.bincount(pairs, minlength=self._segments.size).reshape(self._segments.shape)
        self._languages.add(portion.languages)
        self._regions.add(portion.regions)
        self._registered.update(portion.days)

    def figures(self, lists: Sequence[Audience]) -> Figures:
        """What was counted."""
        return Figures(
            self._as_of.at,
            _count(self._segments.sum(axis=0)),
            self._languages.counts(),
            self._regions.counts(),
            {segment: _count(self._segments[segment]) for segment in Segment},
            lists,
            self._registered,
        )


class _Names:
    """Counts by name and mark, of which the rarest are thrown together when there are too many."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of
        self._by_name: defaultdict[str | None, Marks] = defaultdict(lambda: np.zeros(len(_MARKS), np.int64))

    def add(self, by_mark: ByMark) -> None:
        for (text, mark), count in by_mark.items():
            self._by_name[self._name_of(text)][mark] += count
        self._throw_together(2 * _MOST_NAMES)

    def counts(self) -> dict[str | None, Count]:
        self._throw_together(_MOST_NAMES)
        return _largest_first({name: _count(marks) for name, marks in self._by_name.items()})

    def _throw_together(self, most: int) -> None:
        """When there are more than ``most``. Whose turn comes late may be among the rest though it is not rare."""
        names = [name for name in self._by_name if name is not OTHERS]
        if len(names) <= most:
            return
        names.sort(key=lambda name: -self._by_name[name].sum())
        for name in names[_MOST_NAMES:]:
            self._by_name[OTHERS] += self._by_name.pop(name)


def together(figures: Sequence[Figures]) -> Figures | None:
    """The figures of several apps as one; None of none. Their lists of one name are added up."""
    if not figures:
        return None
    return Figures(
        min(each.as_of for each in figures),
        summed(each.total for each in figures),
        _largest_first(_sums(each.languages for each in figures)),
        _largest_first(_sums(each.regions for each in figures)),
        _sums(each.segments for each in figures),
        _lists_together([audience for each in figures for audience in each.lists]),
        sum((Counter(each.registered) for each in figures), Counter[int]()),
    )


def history(kept: Sequence[AudienceDay], registered: Mapping[int, int], first: int, last: int) -> list[Day]:
    """Every day from ``first`` to ``last``: a day on which an app was not counted has its count of the day before.

    Args:
        kept: of some apps, ascending by day (``ports.AudienceCounts.days`` since ``first``).
        registered: ``Figures.registered`` of the same apps.
        first: days since 1970.
        last: likewise.
    """
    known: dict[int, AudienceDay] = {}
    to_come = deque(kept)
    days = []
    for day in range(first, last + 1):
        while to_come and to_come[0].day <= day:
            counted = to_come.popleft()
            known[counted.app_id] = counted
        installations = sum(each.installations for each in known.values()) if known else None
        opted_in = sum(each.opted_in for each in known.values()) if known else None
        days.append(Day(day, installations, opted_in, registered.get(day, 0)))
    return days


def _count(marks: Marks) -> Count:
    chosen = (marks, marks[_OPTED_IN], marks[_WITH_PUSH_TOKEN], marks[_OPTED_IN & _WITH_PUSH_TOKEN])
    return Count(*(int(each.sum()) for each in chosen))


def summed(counts: Iterable[Count]) -> Count:
    """Of at least one, the sum of each number."""
    return Count(*map(sum, zip(*counts, strict=True)))


def _sums(of_apps: Iterable[Mapping[K, Count]]) -> dict[K, Count]:
    """By name, the sums of what several apps have under it."""
    found: dict[K, list[Count]] = {}
    for counts in of_apps:
        for name, count in counts.items():
            found.setdefault(name, []).append(count)
    return {name: summed(counts) for name, counts in found.items()}


def _largest_first(counts: dict[str | None, Count]) -> dict[str | None, Count]:
    """OTHERS last."""
    ordered = sorted(counts.items(), key=lambda item: (item[0] is OTHERS, -item[1].installations, item[0]))
    return dict(ordered)


def _lists_together(lists: Sequence[Audience]) -> list[Audience]:
    found: dict[str, Audience] = {}
    for each in sorted(lists, key=lambda audience: audience.name):
        before = found.get(each.name, Audience(each.name, 0, 0))
        updated_at = max(before.updated_at, each.updated_at)
        found[each.name] = Audience(each.name, before.size + each.size, updated_at)
    return list(found.values())
