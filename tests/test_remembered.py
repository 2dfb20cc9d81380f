"""What the records remember: enough that hot routes never wait for the file, bounded, and never out of date."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from openrate.errors import StoreError
from openrate.model import App, Campaign, Platform, Rule, Sender
from openrate.storage.records import SqlRecords
from openrate.storage.remembered import Remembered

TOKEN = "a" * 32


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqlRecords]:
    opened = SqlRecords(tmp_path / "records.db")
    yield opened
    opened.close()


@pytest.fixture
def app(records: SqlRecords) -> App:
    company = records.create_company("Acme", Rule())
    return records.create_app(company.id, "Shop", Platform.IOS, Sender.EXTERNAL, "live", "dev", "sdk")


@pytest.fixture
def campaign(records: SqlRecords, app: App) -> Campaign:
    parameters = {"name": "Spring", "live": True}
    return records.create_campaign(
        app.id, TOKEN, parameters, has_versions=True, dev_only=False, at=5, was_live=True
    )


def test_the_oldest_is_forgotten_when_all_weigh_too_much() -> None:
    remembered: Remembered[str] = Remembered(10)
    for token in "abc":
        remembered.remember(1, token, token, remembered.moment, weight=4)
    assert [remembered.get(1, token) for token in "abc"] == [None, "b", "c"]
    remembered.remember(1, "d", "too large", remembered.moment, weight=11)
    assert len(remembered) == 0


def test_a_value_takes_the_place_of_the_one_before() -> None:
    remembered: Remembered[str] = Remembered(10)
    for value in ("one", "two", "three"):
        remembered.remember(1, "a", value, remembered.moment, weight=9)
    assert remembered.get(1, "a") == "three"
    assert remembered.get(2, "a") is None


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    remembered: Remembered[str] = Remembered(10)
    moment = remembered.moment
    remembered.forget(1, "a")
    remembered.remember(1, "a", "old", moment)
    assert remembered.get(1, "a") is None
    remembered.remember(1, "a", "new", remembered.moment)
    assert remembered.get(1, "a") == "new"


def test_unknown_tokens_cost_no_memory(records: SqlRecords, app: App, campaign: Campaign) -> None:
    unknown = [f"{number:032x}" for number in range(600)]
    assert set(records.campaign_refs(app.id, [*unknown, TOKEN])) == {TOKEN}
    assert [records.campaign(app.id, token) for token in unknown[:5]] == [None] * 5
    assert records.campaign(app.id, TOKEN) == campaign
    assert (len(records._refs), len(records._campaigns)) == (1, 1)


def test_what_is_asked_at_every_request_is_answered_without_the_file(
    records: SqlRecords, app: App, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = records.campaign_refs(app.id, [TOKEN])
    assert records.campaign(app.id, TOKEN) == campaign
    with monkeypatch.context() as patched:
        patched.setattr(records.database, "reading", None)
        patched.setattr(records.database, "writing", None)
        assert records.app_by_key("live") == app
        assert records.app_by_key("unknown") is None
        assert records.company_of(app).name == "Acme"
        assert records.keys(app.company_id) == []
        assert records.campaign(app.id, TOKEN) == campaign
        assert records.campaign_refs(app.id, [TOKEN]) == refs


def test_a_campaign_that_is_deleted_while_it_is_read_is_deleted_afterwards(
    records: SqlRecords, app: App, campaign: Campaign
) -> None:
    moment = records._campaigns.moment
    assert records.delete_campaign(app.id, TOKEN, 9)
    records._campaigns.remember(app.id, TOKEN, campaign, moment)
    found = records.campaign(app.id, TOKEN)
    assert found == msgspec.structs.replace(campaign, deleted_at=9)


def test_a_change_that_was_not_stored_is_not_remembered(
    records: SqlRecords, app: App, campaign: Campaign
) -> None:
    with records.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreError):
        records.set_rule(app.company_id, Rule(influence_window=60))
    with pytest.raises(StoreError):
        records.delete_campaign(app.id, TOKEN, 9)
    assert records.company_of(app).rule == Rule()
    assert records.campaign(app.id, TOKEN) == campaign


def test_who_reads_does_not_wait_for_who_writes(records: SqlRecords, app: App, campaign: Campaign) -> None:
    writing, done = threading.Event(), threading.Event()

    def change(known: Campaign) -> Campaign:
        writing.set()
        assert done.wait(10)
        return msgspec.structs.replace(known, parameters={"name": "Summer", "live": False})

    writer = threading.Thread(target=records.update_campaign, args=(app.id, TOKEN, change))
    writer.start()
    assert writing.wait(10)
    assert records.campaign(app.id, TOKEN) == campaign
    assert records.campaigns(app.id, 0, 10) == [campaign]
    done.set()
    writer.join()
    found = records.campaign(app.id, TOKEN)
    assert found is not None
    assert found.parameters["name"] == "Summer"
