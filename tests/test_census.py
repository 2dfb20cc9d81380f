"""Counting the audiences of apps in the background, as pages ask for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.memory_log import MemoryLog
from openrate import companies
from openrate.audience import census
from openrate.audience.census import Census
from openrate.audience.figures import Count, Day, Figures
from openrate.conditions import Segment
from openrate.errors import StoreError
from openrate.model import DAY_MS, App, By, Fact, FactType, Installation, Platform, Sender
from openrate.ports.audience import AudienceDay, Portion
from openrate.ports.event_log import FactColumns
from openrate.storage.audience_counts import SqlAudienceCounts
from openrate.storage.records import SqlRecords

BY = By("ada@example.com", 0)
TODAY = 20_000


class Clock:
    def __init__(self) -> None:
        self.day = TODAY

    def now(self) -> int:
        return self.day * DAY_MS + 5


class World:
    """Two apps of one company, and a census that counts anew at once."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(folder / "records.db")
        self.log = MemoryLog()
        self.clock = Clock()
        self.counts = SqlAudienceCounts(self.records.database)
        self.shop, self.news = self.app("Shop"), self.app("News")
        self.census = Census(self.records, self.log, self.counts, self.clock)

    def app(self, name: str) -> App:
        return companies.create_app(self.records, "Acme", name, Platform.IOS, Sender.EXTERNAL, BY).app

    def add(self, name: str, app: App | None = None, *, opted_in: bool = True) -> None:
        app = app or self.shop
        made = Installation(app.id, name, False, Platform.IOS, None, 1, opted_in=opted_in)
        self.records.put_installation(made, self.clock.now())

    def total(self, app: App | None = None) -> Count | None:
        known = self.census.of([app or self.shop]).get((app or self.shop).id)
        return known.total if known else None


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(census, "_SHORTEST_S", 0.0)
    monkeypatch.setattr(census, "_REST", 0)
    made = World(tmp_path)
    with closing(made.records), closing(made.census):
        yield made


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def test_who_asks_gets_what_was_counted_and_later_what_has_changed(world: World) -> None:
    world.add("a")
    eventually(lambda: world.total() == Count(1, 1, 0, 0))
    world.add("b", opted_in=False)
    eventually(lambda: world.total() == Count(2, 1, 0, 0))
    eventually(lambda: world.total(world.news) == Count())


def test_segments_follow_from_the_facts_and_the_moment_is_told(world: World) -> None:
    world.add("a")
    opened = [Fact(world.shop.id, FactType.APP_OPEN, "a", world.clock.now() - 1)]
    world.log.append(world.shop.id, False, FactColumns.of(opened))
    eventually(lambda: world.total() is not None)
    figures = world.census.of([world.shop])[world.shop.id]
    assert figures.segments[Segment.NEW] == Count(1, 1, 0, 0)
    assert figures.as_of == world.clock.now()


def test_named_lists_are_there_with_their_sizes(world: World) -> None:
    made = world.records.put_audience(world.shop.id, False, "vip", ["a", "b"], 7)
    eventually(lambda: world.total() is not None)
    assert world.census.of([world.shop])[world.shop.id].lists == [made]


def test_what_is_counted_is_kept_by_day(world: World) -> None:
    world.add("a")
    eventually(lambda: world.total() == Count(1, 1, 0, 0))
    eventually(lambda: world.census.history([world.shop], 1) == [Day(TODAY, 1, 1, 1)])
    world.clock.day += 2
    world.add("b", opted_in=False)
    eventually(lambda: world.total() == Count(2, 1, 0, 0))
    days = [
        Day(TODAY - 1, None, None, 0),
        Day(TODAY, 1, 1, 1),
        Day(TODAY + 1, 1, 1, 0),
        Day(TODAY + 2, 2, 1, 1),
    ]
    eventually(lambda: world.census.history([world.shop], 4) == days)
    world.census.of([world.news])
    assert world.census.history([world.news], 1)[0].registered == 0


def test_who_sees_figures_sees_the_day_that_they_make(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days = world.counts.put_days

    def slowly(days: list[AudienceDay]) -> None:
        time.sleep(0.3)
        put_days(days)

    monkeypatch.setattr(world.counts, "put_days", slowly)
    world.add("a")
    eventually(lambda: world.total() == Count(1, 1, 0, 0))
    assert world.census.history([world.shop], 1) == [Day(TODAY, 1, 1, 1)]


def test_days_are_kept_though_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "_FIRST_DAYS_S", 0.0)
    monkeypatch.setattr(census, "_DAYS_EVERY_S", 0.01)
    world = World(tmp_path)
    with closing(world.records), closing(world.census):
        world.add("a")
        world.add("b", opted_in=False)
        apps = [world.shop.id, world.news.id]
        kept = [AudienceDay(world.shop.id, TODAY, 2, 1), AudienceDay(world.news.id, TODAY, 0, 0)]
        eventually(lambda: world.counts.days(apps, TODAY) == kept)


def test_a_day_on_which_nothing_changes_is_written_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[AudienceDay] = []
    monkeypatch.setattr(world.counts, "put_days", written.extend)
    counts_of = world.counts.portions
    counted: list[int] = []

    def portions(app_id: int) -> Iterator[Portion]:
        counted.append(app_id)
        return counts_of(app_id)

    monkeypatch.setattr(world.counts, "portions", portions)
    eventually(lambda: world.total() is not None and len(counted) > 3)
    assert written == [AudienceDay(world.shop.id, TODAY, 0, 0)]


def test_a_slow_count_keeps_nobody_waiting_and_does_not_outlive_the_census(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    under_way = threading.Event()

    def endless(_app_id: int) -> Iterator[Portion]:
        [portion] = SqlAudienceCounts(world.records.database).portions(world.shop.id)
        while True:
            under_way.set()
            time.sleep(0.005)
            yield portion

    world.add("a")
    monkeypatch.setattr(world.counts, "portions", endless)
    with closing(world.records):
        assert world.total() is None
        assert under_way.wait(10)
        began = time.monotonic()
        assert world.total() is None
        world.census.close()
        assert time.monotonic() - began < 1
        assert not world.census._thread.is_alive()


def test_an_app_is_not_counted_again_before_its_time(tmp_path: Path) -> None:
    world = World(tmp_path)
    with closing(world.records), closing(world.census):
        eventually(lambda: world.total() == Count())
        world.add("a")
        for _ in range(20):
            assert world.total() == Count()
            time.sleep(0.01)


def test_a_count_that_fails_is_told_in_the_log_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(_app_id: int) -> Iterator[Portion]:
        raise StoreError("The database does not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(world.counts, "portions", gone)
        eventually(lambda: world.total() is None and "Counting installations failed" in caplog.text)
    world.add("a")
    eventually(lambda: world.total() == Count(1, 1, 0, 0))


def test_many_who_ask_at_once_get_the_same_figures(world: World) -> None:
    for number in range(50):
        world.add(f"i{number}")
    eventually(lambda: world.total() == Count(50, 50, 0, 0))
    found: list[Figures] = []

    def ask() -> None:
        for _ in range(20):
            found.extend(world.census.of([world.shop, world.news]).values())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {figures.total for figures in found} == {Count(50, 50, 0, 0), Count()}
