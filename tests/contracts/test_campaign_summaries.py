"""What a list of campaigns is made from, on every adapter of Records."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.memory_records import MemoryRecords
from openrate.errors import OpenrateError, StoreError
from openrate.model import App, Campaign, Platform, Rule, Sender
from openrate.ports.records import Records
from openrate.storage.records import SqlRecords

SHOWN = {
    "name": "Spring",
    "live": True,
    "labels": ["sale"],
    "push_time": "2026-03-10T09:00:00",
    "recurrence": {"repeat_unit": "DAILY", "repeat_frequency": 1},
}
LONG = {"messages": [{"body": "Hello"}], "custom_payload": "{}", "ours": [1]}
FIRST, SECOND, THIRD = (letter * 32 for letter in "abc")


@pytest.fixture(params=["memory", "sqlite"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    opened: Records = MemoryRecords() if request.param == "memory" else SqlRecords(tmp_path / "records.db")
    yield opened
    opened.close()


@pytest.fixture
def app(records: Records) -> App:
    return add_app(records, "Shop")


def add_app(records: Records, name: str) -> App:
    company = records.company("Acme") or records.create_company("Acme", Rule())
    keys = (f"{name}-live", f"{name}-dev", f"{name}-sdk")
    return records.create_app(company.id, name, Platform.IOS, Sender.EXTERNAL, *keys)


def add(records: Records, app: App, token: str, **changed: Any) -> Campaign:
    return records.create_campaign(
        app.id, token, SHOWN | LONG | changed, has_versions=True, dev_only=True, at=5, was_live=True
    )


def renamed(name: str) -> Any:
    return lambda c: msgspec.structs.replace(c, parameters=c.parameters | {"name": name})


def names(records: Records, app: App) -> list[str]:
    return [summary.parameters["name"] for summary in records.campaign_summaries(app.id)]


def test_a_summary_is_the_campaign_without_what_is_long_in_it(records: Records, app: App) -> None:
    made = add(records, app, FIRST)
    [summary] = records.campaign_summaries(app.id)
    assert summary == msgspec.structs.replace(made, parameters=SHOWN)
    assert list(summary.parameters) == list(SHOWN)


def test_summaries_are_of_one_app_newest_first_and_without_deleted_ones(records: Records, app: App) -> None:
    other = add_app(records, "News")
    for token, name in ((FIRST, "one"), (SECOND, "two"), (THIRD, "three")):
        add(records, app, token, name=name)
    add(records, other, "d" * 32, name="elsewhere")
    assert names(records, app) == ["three", "two", "one"]
    records.delete_campaign(app.id, SECOND, 9)
    assert names(records, app) == ["three", "one"]
    assert names(records, other) == ["elsewhere"]


def test_a_change_is_seen_at_once_and_told_by_a_number_that_grows(records: Records, app: App) -> None:
    other = add_app(records, "News")
    seen = [records.campaigns_changed(app.id)]

    def has_grown() -> bool:
        seen.append(records.campaigns_changed(app.id))
        return seen[-1] > seen[-2]

    add(records, app, FIRST)
    assert has_grown()
    records.update_campaign(app.id, FIRST, renamed("Summer"))
    assert has_grown()
    assert names(records, app) == ["Summer"]
    assert not has_grown()
    records.delete_campaign(app.id, FIRST, 9)
    assert has_grown()
    assert names(records, app) == []
    assert names(records, other) == []


def test_what_did_not_change_is_the_same_object(tmp_path: Path) -> None:
    records = SqlRecords(tmp_path / "records.db")
    app = add_app(records, "Shop")
    for token in (FIRST, SECOND):
        add(records, app, token)
    before = records.campaign_summaries(app.id)
    assert records.campaign_summaries(app.id) is before
    records.update_campaign(app.id, FIRST, renamed("Summer"))
    after = records.campaign_summaries(app.id)
    assert after[0] is before[0]
    assert (before[1].parameters["name"], after[1].parameters["name"]) == ("Spring", "Summer")
    records.close()


def test_what_is_written_before_anybody_asks_is_not_noted(tmp_path: Path) -> None:
    records = SqlRecords(tmp_path / "records.db")
    app = add_app(records, "Shop")
    summaries = records._summaries
    for number in range(3):
        add(records, app, f"{number:032x}")
    assert not summaries._outdated
    assert len(names(records, app)) == 3
    records.update_campaign(app.id, f"{0:032x}", renamed("Summer"))
    assert summaries._outdated == {app.id: {f"{0:032x}"}}
    assert names(records, app)[-1] == "Summer"
    records.close()


def test_many_changes_by_many_threads_end_in_what_is_stored(tmp_path: Path) -> None:
    records = SqlRecords(tmp_path / "records.db")
    app = add_app(records, "Shop")
    tokens = [f"{number:032x}" for number in range(8)]
    for token in tokens:
        add(records, app, token)

    def rename(number: int) -> None:
        token = tokens[number % len(tokens)]
        records.update_campaign(app.id, token, renamed(f"name {number}"))
        assert len(records.campaign_summaries(app.id)) == len(tokens)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rename, range(80)))
    stored = [campaign.parameters["name"] for campaign in records.campaigns(app.id, 0, 100)]
    assert names(records, app) == stored
    records.close()


def test_a_failed_write_or_read_leaves_nothing_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = SqlRecords(tmp_path / "records.db")
    app = add_app(records, "Shop")
    add(records, app, FIRST)
    assert names(records, app) == ["Spring"]
    with pytest.raises(OpenrateError):
        add(records, app, FIRST, name="Taken")
    records.update_campaign(app.id, FIRST, renamed("Summer"))
    with monkeypatch.context() as broken:

        def gone() -> None:
            raise StoreError("The database does not answer.")

        broken.setattr(records.database, "reading", gone)
        with pytest.raises(StoreError):
            records.campaign_summaries(app.id)
    assert names(records, app) == ["Summer"]
    records.close()
