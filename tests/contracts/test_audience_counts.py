"""Installations as numbers: what every store of them promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openrate import companies
from openrate.model import DAY_MS, App, By, Installation, Platform, Sender
from openrate.ports.audience import OPTED_IN, WITH_PUSH_TOKEN, AudienceCounts, AudienceDay
from openrate.storage import audience_counts
from openrate.storage.audience_counts import SqlAudienceCounts
from openrate.storage.records import SqlRecords

BOTH = OPTED_IN + WITH_PUSH_TOKEN


class World:
    """A store, and an app with installations."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(folder / "records.db")
        self.counts: AudienceCounts = SqlAudienceCounts(self.records.database)
        self.shop, self.news = self.app("Shop"), self.app("News")

    def app(self, name: str) -> App:
        by = By("ada@example.com", 0)
        return companies.create_app(self.records, "Acme", name, Platform.IOS, Sender.EXTERNAL, by).app

    def add(
        self, name: str, at: int = 0, *, app: App | None = None, dev: bool = False, **given: object
    ) -> None:
        app_id = (app or self.shop).id
        made = Installation(app_id, name, dev, Platform.IOS, None, 1, **given)  # type: ignore[arg-type]  # its fields
        self.records.put_installation(made, at)

    def marks(self) -> dict[str, int]:
        """The marks of the shop's installations, in the order in which they came."""
        found: dict[str, int] = {}
        for portion in self.counts.portions(self.shop.id):
            found |= dict(zip(portion.installation_ids, portion.marks.tolist(), strict=True))
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with closing(made.records):
        yield made


def test_every_live_installation_of_the_app_comes_once_with_its_mark(world: World) -> None:
    world.add("b", push_token="t1", opted_in=True)  # noqa: S106 - no password
    world.add("a", push_token="t2", opted_in=False)  # noqa: S106 - no password
    world.add("d", opted_in=True)
    world.add("c", opted_in=False)
    world.add("dev", dev=True)
    world.add("elsewhere", app=world.news)
    assert list(world.marks().items()) == [("a", WITH_PUSH_TOKEN), ("b", BOTH), ("c", 0), ("d", OPTED_IN)]


def test_values_are_counted_as_they_were_given_by_mark_and_days_in_utc(world: World) -> None:
    world.add("a", 5 * DAY_MS, language="fr-CA", region="ca", opted_in=False)
    world.add("b", 6 * DAY_MS - 1, language="fr-CA", region="CA", opted_in=False)
    world.add("c", 6 * DAY_MS, language="fr-CA")
    world.add("d", 6 * DAY_MS, language="l 7", region="é3")
    [portion] = world.counts.portions(world.shop.id)
    assert portion.languages == {("fr-CA", 0): 2, ("fr-CA", OPTED_IN): 1, ("l 7", OPTED_IN): 1}
    assert portion.regions == {("ca", 0): 1, ("CA", 0): 1, ("", OPTED_IN): 1, ("é3", OPTED_IN): 1}
    assert portion.days == {5: 2, 6: 2}


@pytest.mark.parametrize("size", [0, 1, 3, 4, 6, 7])
def test_portions_add_up_whatever_their_number(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(audience_counts, "PORTION", 3)
    monkeypatch.setattr(audience_counts, "_PORTION", audience_counts._portions())
    monkeypatch.setattr(audience_counts, "_TOTALS", audience_counts._totals())
    for number in range(size):
        world.add(f"i{number}", opted_in=number % 2 == 0)
    portions = list(world.counts.portions(world.shop.id))
    assert [name for portion in portions for name in portion.installation_ids] == [
        f"i{number}" for number in range(size)
    ]
    assert all(0 < len(portion.installation_ids) <= 3 for portion in portions)
    languages: Counter[tuple[str, int]] = Counter()
    for portion in portions:
        languages.update(portion.languages)
    assert languages.total() == size
    totals = list(world.counts.totals(world.shop.id))
    assert tuple(map(sum, zip(*totals, strict=True))) == ((size, (size + 1) // 2) if size else ())


def test_the_last_count_of_a_day_is_kept(world: World) -> None:
    shop, news = world.shop.id, world.news.id
    world.counts.put_days([AudienceDay(shop, 10, 5, 4), AudienceDay(news, 10, 1, 1)])
    world.counts.put_days([AudienceDay(shop, 10, 7, 6)])
    world.counts.put_days([AudienceDay(shop, 11, 8, 6)])
    world.counts.put_days([])
    kept = [AudienceDay(shop, 10, 7, 6), AudienceDay(news, 10, 1, 1), AudienceDay(shop, 11, 8, 6)]
    assert world.counts.days([shop, news], 0) == kept
    assert world.counts.days([news], 0) == kept[1:2]
    assert world.counts.days([], 0) == []


def test_days_since_a_day_begin_with_the_last_one_kept_before_it(world: World) -> None:
    shop, news = world.shop.id, world.news.id
    days = [AudienceDay(shop, day, day, day) for day in (3, 5, 9, 10)] + [AudienceDay(news, 8, 1, 1)]
    world.counts.put_days(days)
    found = world.counts.days([shop, news], 7)
    assert [(day.app_id, day.day) for day in found] == [(shop, 5), (news, 8), (shop, 9), (shop, 10)]
    assert [day.day for day in world.counts.days([shop], 9)] == [9, 10]
    assert [day.day for day in world.counts.days([shop], 99)] == [10]
