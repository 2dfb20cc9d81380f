"""The list of campaigns: what is found, in what order, with what numbers, and when it must be drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openrate import stats
from openrate.model import App, Campaign, CampaignState, Fact, FactType, Platform, Rule, Sender
from openrate.overview import PAGE, Order, Overview, Wanted
from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb import DuckdbLog
from openrate.storage.records import SqlRecords

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_773_185_400_000
"""2026-03-10T23:30:00Z."""


class World:
    """A company with two apps, another company, and a clock to turn."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(folder / "records.db")
        self.log = DuckdbLog(folder / "facts.duckdb")
        self.at = NOW
        self.overview = Overview(self.records, self.log, self)
        self.company = self.records.create_company("Acme", Rule()).id
        self.shop, self.news = (self.app(self.company, name) for name in ("Shop", "News"))
        self.rival = self.app(self.records.create_company("Rival", Rule()).id, "Rival")
        self.made = 0

    def now(self) -> int:
        return self.at

    def app(self, company: int, name: str) -> App:
        keys = (f"{name}-live", f"{name}-dev", f"{name}-sdk")
        return self.records.create_app(company, name, Platform.IOS, Sender.EXTERNAL, *keys)

    def add(self, name: str, app: App | None = None, **changed: Any) -> Campaign:
        self.made += 1
        default: dict[str, Any] = {"live": True, "push_time": "2026-03-10T09:00:00", "messages": []}
        given = {key: value for key, value in (default | changed).items() if value is not None} | {
            "name": name
        }
        return self.records.create_campaign(
            (app or self.shop).id,
            f"{self.made:032x}",
            given,
            has_versions=isinstance(given["messages"], dict),
            dev_only=False,
            at=NOW,
            was_live=given["live"],
        )

    def put(self, *facts: Fact) -> None:
        self.log.append(1, False, FactColumns.of(facts)).result(timeout=10)
        self.log.settle()

    def names(self, **wanted: Any) -> list[str]:
        page = self.overview.page(self.company, Wanted(**wanted))
        assert page.total == len(page.lines)
        return [line.campaign.parameters["name"] for line in page.lines]

    def revision(self) -> str:
        return self.overview.revision(self.company)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    opened = World(tmp_path)
    yield opened
    opened.log.close()
    opened.records.close()


def sent(campaign: Campaign, name: str, at: int = NOW, **other: Any) -> Fact:
    return Fact(1, FactType.PUSH_SENT, name, at, campaign.id, f"day{at // DAY}", **other)


def app_open(name: str, at: int) -> Fact:
    return Fact(1, FactType.APP_OPEN, name, at)


def test_the_campaigns_of_all_apps_of_a_company_are_listed_newest_first(world: World) -> None:
    world.add("One")
    world.add("Two", world.news)
    world.add("Theirs", world.rival)
    world.add("Three")
    assert world.names() == ["Three", "Two", "One"]
    assert world.names(app_id=world.news.id) == ["Two"]
    assert world.names(app_id=world.rival.id) == []


def test_words_are_found_in_names_labels_and_tokens_whatever_their_case(world: World) -> None:
    world.add("Spring SALE", labels=["Straße"])
    world.add("Summer sale", labels=["spring-like"])
    token = world.add("Winter").token
    assert world.names(text=" sale  spring ") == ["Summer sale", "Spring SALE"]
    assert world.names(text="STRASSE") == ["Spring SALE"]
    assert world.names(text=token) == ["Winter"]
    assert world.names(text="autumn") == []


def test_a_word_is_not_found_across_two_labels(world: World) -> None:
    world.add("Spring", labels=["red", "blue"])
    assert world.names(text="redblue") == []


def test_all_chosen_labels_and_any_chosen_state_narrow_the_list(world: World) -> None:
    world.add("Done", labels=["a", "b"])
    world.add("To come", labels=["a"], push_time="2026-03-11T09:00:00")
    world.add("Draft", live=False, messages={"a": [], "b": []})
    assert world.names(labels=frozenset("a")) == ["To come", "Done"]
    assert world.names(labels=frozenset("ab")) == ["Done"]
    waiting = frozenset({CampaignState.SCHEDULED, CampaignState.DRAFT})
    assert world.names(states=waiting) == ["Draft", "To come"]
    assert world.names(has_versions=True) == ["Draft"]
    assert world.names(has_versions=False) == ["To come", "Done"]
    assert world.overview.labels(world.company) == {"a": 2, "b": 1}


def test_the_list_is_sorted_by_name_push_time_sent_and_open_rate(world: World) -> None:
    world.add("b", push_time="2026-01-02T09:00:00")
    much = world.add("C", push_time="2026-01-03T09:00:00")
    well = world.add("a", local_push_time="2026-01-01T09:00:00", push_time=None)
    world.put(*(sent(much, f"i{n}") for n in range(3)), sent(well, "i9"), app_open("i9", NOW + 1))

    def sorted_by(order: Order) -> list[str]:
        up, down = (world.names(order=order, descending=downwards) for downwards in (False, True))
        assert set(up) == set(down)
        return ["".join(up), "".join(down)]

    assert sorted_by(Order.NAME) == ["abC", "Cba"]
    assert sorted_by(Order.PUSH_TIME) == ["abC", "Cba"]
    assert sorted_by(Order.SENT) == ["baC", "Cab"]
    assert sorted_by(Order.OPEN_RATE) == ["Cba", "aCb"]
    assert sorted_by(Order.CREATED) == ["bCa", "aCb"]


def test_a_line_has_the_numbers_of_all_days_and_the_last_days_one_by_one(world: World) -> None:
    campaign = world.add("Daily", messages={"a": [], "b": []})
    facts = [sent(campaign, f"i{n}", NOW - n * DAY, version="ab"[n % 2]) for n in range(40)]
    world.put(*facts, sent(campaign, "j", NOW, version="b"), app_open("i0", NOW + HOUR))
    [line] = world.overview.page(world.company, Wanted()).lines
    assert (line.totals["sent"], line.totals["influenced_open"], line.open_rate) == (41, 1, 1 / 41)
    assert len(line.days) == 30
    assert line.days[-1] == stats.Day(NOW // DAY, 2, 0.5)
    assert line.days[0] == stats.Day(NOW // DAY - 29, 1, 0.0)
    assert (line.state, line.app, line.is_local) == (CampaignState.COMPLETED, world.shop, False)


def test_the_list_comes_in_pages_and_ends_with_the_last(world: World) -> None:
    for number in range(PAGE + 1):
        world.add(f"No. {number}")
    first, last, beyond = (world.overview.page(world.company, Wanted(page=page)) for page in (-3, 2, 9))
    assert [len(page.lines) for page in (first, last, beyond)] == [PAGE, 1, 1]
    assert [(page.number, page.pages, page.total) for page in (first, beyond)] == [(1, 2, 51), (2, 2, 51)]
    empty = world.overview.page(world.rival.company_id, Wanted())
    assert (empty.lines, empty.number, empty.pages, empty.total) == ([], 1, 1, 0)


def test_the_revision_changes_with_what_a_page_shows_and_with_nothing_else(world: World) -> None:
    campaign, theirs = world.add("Spring"), world.add("Theirs", world.rival)
    soon = world.add("Soon", push_time="2026-03-10T23:31:00")
    revisions = [world.revision()]

    def is_new() -> bool:
        revisions.append(world.revision())
        assert world.overview.page(world.company, Wanted()).revision == revisions[-1]
        return revisions[-1] not in revisions[:-1]

    assert not is_new()
    world.put(sent(campaign, "i1"))
    assert is_new()
    world.put(sent(theirs, "i1"), app_open("nobody", NOW))
    world.add("Theirs too", world.rival)
    assert not is_new()
    world.put(app_open("i1", NOW + 1))
    assert is_new()
    world.records.update_campaign(
        world.shop.id, soon.token, lambda c: msgspec.structs.replace(c, was_live=False)
    )
    assert is_new()
    world.at += 59_999
    assert not is_new()
    world.at += 1
    assert is_new()
    world.records.delete_campaign(world.shop.id, campaign.token, NOW)
    assert is_new()
    assert world.names() == ["Soon"]


def test_the_version_of_another_process_is_another(world: World) -> None:
    world.add("Spring")
    again = Overview(world.records, world.log, world)
    assert again.revision(world.company) != world.revision()


def test_an_app_that_is_given_another_sender_has_other_states(world: World) -> None:
    world.add("Spring")
    assert world.names(states=frozenset({CampaignState.COMPLETED})) == ["Spring"]
    world.records.set_app(world.shop, Sender.OPENRATE, None)
    assert world.names(states=frozenset({CampaignState.RUNNING})) == ["Spring"]
