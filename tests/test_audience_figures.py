"""What the installations of an app are like: the fast count against the obvious one."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.memory_log import MemoryOpens
from openrate import companies
from openrate.audience import NEW_MS, Seen, segment
from openrate.audience.figures import OTHERS, Count, Counting, Day, Figures, history, together
from openrate.conditions import AsOf, Segment
from openrate.model import DAY_MS, Audience, By, Fact, FactType, Installation, Platform, Sender
from openrate.ports.audience import AudienceDay, Portion
from openrate.storage.audience_counts import SqlAudienceCounts
from openrate.storage.records import SqlRecords

AS_OF = AsOf(20_000 * DAY_MS, 30 * 86_400)
_EDGES = [0, 1, DAY_MS, NEW_MS, NEW_MS - 1, 30 * DAY_MS, 30 * DAY_MS - 1, 40 * DAY_MS]
LANGUAGES = {None: "", "fr": "fr", "FR_ca": "fr", "fr-CA": "fr", "en-GB": "en", "4": "4", "zz top": "zz top"}
REGIONS = {None: "", "fr": "FR", "FR": "FR", "1": "1", "x 2": "X 2"}
"""What devices may say, and what it is counted as."""

V = TypeVar("V", bound=Hashable)


class Given(NamedTuple):
    """An installation; ``opens`` are so long before the moment of the count."""

    opted_in: bool
    has_token: bool
    language: str | None
    region: str | None
    day: int
    opens: list[int]

    @property
    def segment(self) -> Segment:
        opens = [AS_OF.at - back for back in self.opens]
        first = min(opens, default=None)
        return segment(Seen(first, first, max(opens, default=None)), AS_OF)

    def named(self, app_id: int, name: str) -> Installation:
        token = name if self.has_token else None
        return Installation(
            app_id,
            name,
            False,
            Platform.IOS,
            None,
            1,
            push_token=token,
            language=self.language,
            region=self.region,
            opted_in=self.opted_in,
        )


_installations = st.builds(
    Given,
    st.booleans(),
    st.booleans(),
    st.sampled_from(list(LANGUAGES)),
    st.sampled_from(list(REGIONS)),
    st.integers(0, 3),
    st.lists(st.sampled_from(_EDGES), max_size=3),
)


def obviously(installations: Sequence[Given]) -> Count:
    """Counted one by one."""
    return Count(
        len(installations),
        sum(each.opted_in for each in installations),
        sum(each.has_token for each in installations),
        sum(each.has_token and each.opted_in for each in installations),
    )


def obviously_by(installations: Sequence[Given], of: Callable[[Given], V]) -> dict[V, Count]:
    values = set(map(of, installations))
    return {value: obviously([each for each in installations if of(each) == value]) for value in values}


def counted(installations: Sequence[Given]) -> Figures:
    """By the database and the arrays."""
    with tempfile.TemporaryDirectory() as folder, closing(SqlRecords(Path(folder) / "r.db")) as records:
        by = By("ada@example.com", 0)
        app = companies.create_app(records, "Acme", "Shop", Platform.IOS, Sender.EXTERNAL, by).app
        facts = []
        for number, each in enumerate(installations):
            records.put_installation(each.named(app.id, f"i{number}"), each.day * DAY_MS)
            ats = [AS_OF.at - back for back in each.opens]
            facts += [Fact(app.id, FactType.APP_OPEN, f"i{number}", at) for at in ats]
        counting = Counting(AS_OF, MemoryOpens(facts))
        for portion in SqlAudienceCounts(records.database).portions(app.id):
            counting.add(portion)
        return counting.figures([])


@settings(max_examples=40, deadline=None)
@given(st.lists(_installations, max_size=12))
def test_every_count_is_what_counting_one_by_one_finds(installations: list[Given]) -> None:
    figures = counted(installations)
    assert figures.total == obviously(installations)
    assert figures.languages == obviously_by(installations, lambda each: LANGUAGES[each.language])
    assert figures.regions == obviously_by(installations, lambda each: REGIONS[each.region])
    none = dict.fromkeys(Segment, Count())
    assert figures.segments == none | obviously_by(installations, lambda each: each.segment)
    assert figures.registered == Counter(each.day for each in installations)


def portion(*languages: tuple[str, int]) -> Portion:
    """Installations with these languages, so many of each."""
    size = sum(count for _, count in languages)
    by_mark = {(language, 0): count for language, count in languages}
    return Portion(
        [f"i{n}" for n in range(size)], np.zeros(size, np.uint8), by_mark, {("", 0): size}, {0: size}
    )


def test_the_largest_come_first_and_what_there_is_too_much_of_is_counted_together() -> None:
    counting = Counting(AS_OF, MemoryOpens([]))
    for number in range(1200):
        counting.add(portion((f"x{number}", 1), ("fr", 3), ("en", 2)))
    languages = counting.figures([]).languages
    assert list(languages)[:2] == ["fr", "en"]
    assert (languages["fr"].installations, languages["en"].installations) == (3600, 2400)
    assert list(languages)[-1] is OTHERS
    assert len(languages) == 501
    assert sum(count.installations for count in languages.values()) == 1200 * 6


def test_of_several_apps_everything_is_added_up() -> None:
    def figures(as_of: int, language: str, count: Count, lists: list[Audience]) -> Figures:
        segments = dict.fromkeys(Segment, Count()) | {Segment.NEW: count}
        return Figures(
            as_of, count, {language: count, OTHERS: Count(9)}, {"": count}, segments, lists, {7: 2}
        )

    one = figures(50, "fr", Count(1, 2, 3, 4), [Audience("vip", 5, 100), Audience("a", 1, 1)])
    other = figures(40, "en", Count(10, 20, 30, 40), [Audience("vip", 6, 90)])
    whole = together([one, other])
    assert whole is not None
    assert (whole.as_of, whole.total) == (40, Count(11, 22, 33, 44))
    assert list(whole.languages.items()) == [
        ("en", Count(10, 20, 30, 40)),
        ("fr", Count(1, 2, 3, 4)),
        (OTHERS, Count(18)),
    ]
    assert whole.segments[Segment.NEW] == whole.regions[""] == Count(11, 22, 33, 44)
    assert whole.lists == [Audience("a", 1, 1), Audience("vip", 11, 100)]
    assert whole.registered == {7: 4}
    assert together([one]) == one._replace(lists=[Audience("a", 1, 1), Audience("vip", 5, 100)])
    assert together([]) is None


def test_a_day_without_a_count_has_that_of_the_day_before_and_none_before_the_first() -> None:
    kept = [AudienceDay(1, 11, 5, 4), AudienceDay(2, 13, 10, 1), AudienceDay(1, 14, 6, 4)]
    assert history(kept, {10: 2, 13: 1, 99: 7}, 10, 15) == [
        Day(10, None, None, 2),
        Day(11, 5, 4, 0),
        Day(12, 5, 4, 0),
        Day(13, 15, 5, 1),
        Day(14, 16, 5, 0),
        Day(15, 16, 5, 0),
    ]


def test_what_was_kept_before_the_first_day_counts_on_it() -> None:
    assert history([AudienceDay(1, 3, 5, 4)], {}, 10, 10) == [Day(10, 5, 4, 0)]
