"""A named list is the one before or the new one, whatever happens while it is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from openrate.audience import read_targeting
from openrate.conditions import AsOf, Selection
from openrate.errors import StoreFull
from openrate.model import Audience, By, Installation, Platform, Rule, Sender
from openrate.ports.event_log import Opens
from openrate.storage import audience_lists
from openrate.storage.audit import SqlAuditLog
from openrate.storage.records import SqlRecords
from openrate.storage.tables import audience_members, audiences

APP = 1
OLD, NEW = ["a", "b", "c"], ["c", "d", "e", "f", "g"]
Between = Callable[[Callable[[], None]], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
def records(path: Path) -> Iterator[SqlRecords]:
    """An app with the installations a to g, and OLD as the list vip."""
    records = SqlRecords(path)
    company = records.create_company("Acme", Rule())
    records.create_app(company.id, "Shop", Platform.IOS, Sender.OPENRATE, "l", "d", "s")
    records.put_installations([device(name) for name in "abcdefg"], 5)
    records.put_audience(APP, False, "vip", OLD, 5)
    yield records
    records.close()


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Has something happen in the pauses that follow, when a list is written or removed two ids at a time."""
    monkeypatch.setattr(audience_lists, "PART", 2)

    def happens(what: Callable[[], None]) -> None:
        monkeypatch.setattr(audience_lists, "sleep", lambda _seconds: what())

    return happens


def device(name: str) -> Installation:
    return Installation(APP, name, False, Platform.IOS, None, 1, f"token of {name}")


def no_opens() -> Opens:
    raise AssertionError("nothing here is about facts")


def selected(records: SqlRecords, name: str = "vip") -> list[str]:
    selection = Selection(APP, False, read_targeting({"audiences": [name]}), AsOf(5, 1))
    return [each for part in records.select(selection, no_opens) for each in part.installation_ids]


def rows(records: SqlRecords) -> tuple[int, int]:
    """How many lists and members are stored, current or not."""
    with records.database.reading() as connection:
        lists, members = (
            connection.scalar(select(func.count()).select_from(table))
            for table in (audiences, audience_members)
        )
    return lists or 0, members or 0


def test_who_reads_while_a_list_is_replaced_sees_the_old_one_and_then_the_new_one(
    records: SqlRecords, between: Between
) -> None:
    seen: list[tuple[list[str], list[Audience]]] = []
    between(lambda: seen.append((selected(records), records.audiences(APP, False))))
    assert records.put_audience(APP, False, "vip", [*NEW, "c"], 6) == Audience("vip", 5, 6)
    old, new = (OLD, [Audience("vip", 3, 5)]), (NEW, [Audience("vip", 5, 6)])
    assert seen == [old] * 3 + [new] * 2
    assert rows(records) == (1, 5)


def test_others_write_while_a_list_is_written_and_while_it_is_removed(
    records: SqlRecords, between: Between
) -> None:
    between(lambda: records.put_installations([device("h")], 6))
    records.put_audience(APP, False, "vip", NEW, 6)
    assert records.installation(APP, False, "h") == device("h")
    between(lambda: records.put_installations([device("i")], 6))
    assert records.delete_audience(APP, False, "vip")
    assert records.installation(APP, False, "i") == device("i")
    assert rows(records) == (0, 0)


def test_a_list_that_cannot_be_stored_leaves_the_one_before(records: SqlRecords, between: Between) -> None:
    failures = [StoreFull("There is no room left.")]

    def fail() -> None:
        if failures:
            raise failures.pop()

    between(fail)
    with pytest.raises(StoreFull):
        records.put_audience(APP, False, "vip", NEW, 6)
    assert selected(records) == OLD
    assert rows(records) == (1, 3)


@pytest.mark.parametrize("pauses", [1, 3, 4])
def test_what_a_crash_leaves_behind_is_removed_when_a_list_is_next_changed(
    records: SqlRecords, between: Between, path: Path, tmp_path: Path, pauses: int
) -> None:
    copies: list[Path] = []

    def crash() -> None:
        copies.append(tmp_path / f"crashed{len(copies)}")
        copies[-1].mkdir()
        for file in path.parent.glob("records.db*"):
            shutil.copy(file, copies[-1])

    between(crash)
    records.put_audience(APP, False, "vip", NEW, 6)
    between(lambda: None)
    crashed = SqlRecords(copies[pauses - 1] / path.name)
    assert selected(crashed) == (OLD if pauses < 4 else NEW)
    lists, members = rows(crashed)
    assert (lists, members > 5) == (2, pauses > 1)
    crashed.put_audience(APP, False, "other", ["a"], 7)
    assert selected(crashed) == (OLD if pauses < 4 else NEW)
    assert rows(crashed) == (2, len(selected(crashed)) + 1)
    crashed.close()


def test_two_who_replace_a_list_at_once_do_not_spoil_it(records: SqlRecords, between: Between) -> None:
    """The other one begins later and ends earlier; who ends last has the list."""

    def other() -> None:
        between(lambda: None)
        records.put_audience(APP, False, "vip", ["g"], 7)
        records.delete_audience(APP, False, "another")
        assert selected(records) == ["g"]

    between(other)
    assert records.put_audience(APP, False, "vip", NEW, 6) == Audience("vip", 5, 6)
    assert selected(records) == NEW
    assert rows(records) == (1, 5)


def test_who_changed_a_list_is_in_the_audit_log_once_it_is_whole(
    records: SqlRecords, between: Between
) -> None:
    log, by = SqlAuditLog(records.database), By("REST key 3", 6)
    seen: list[int] = []
    between(lambda: seen.append(len(log.entries(1))))
    records.put_audience(APP, False, "vip", NEW, 6, by)
    records.put_audience(APP, True, "vip", ["t"], 6, by)
    records.put_audience(APP, False, "vip", NEW, 6, by)
    assert records.delete_audience(APP, False, "vip", by)
    assert not records.delete_audience(APP, False, "vip", by)
    assert [(each.by, each.action.value, each.subject, each.details) for each in log.entries(1)] == [
        ("REST key 3", "named list removed", "vip of Shop", {"installations": (5, None)}),
        ("REST key 3", "named list put", "vip of Shop", {"installations": (5, 5)}),
        ("REST key 3", "named list put", "vip of Shop (development builds)", {"installations": (None, 1)}),
        ("REST key 3", "named list put", "vip of Shop", {"installations": (3, 5)}),
    ]
    assert seen[0] == 0
