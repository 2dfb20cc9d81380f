"""A database of records becomes one of this version, or is left as it was."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from openrate.audience import version_key
from openrate.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreTooNew
from openrate.model import Company, Rule
from openrate.storage import migrations
from openrate.storage.database import Database, upgrade
from openrate.storage.records import SqlRecords
from openrate.storage.tables import METADATA

STEPS = ScriptDirectory(str(Path(migrations.__file__).parent))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def made(path: Path, *names: str) -> list[Company]:
    """A database with companies in it, closed again."""
    with closing(SqlRecords(path)) as records:
        return [records.create_company(name, Rule()) for name in names]


def companies(path: Path) -> list[Company]:
    with closing(SqlRecords(path)) as records:
        return records.companies()


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """The file through SQLite alone, as another program has it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@contextmanager
def left_as_it_was(path: Path) -> Iterator[None]:
    """The bytes of the file are the same afterwards, and nothing lies beside it."""
    before = hashlib.sha256(path.read_bytes()).digest()
    beside = set(path.parent.iterdir())
    yield
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert set(path.parent.iterdir()) == beside


def fill_up(database: Database, pages: int) -> None:
    """Let the file grow by so many pages and no more, like a disk that is nearly full."""

    @event.listens_for(database.engine, "begin")
    def _limit(connection: Any) -> None:
        size = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {size + pages}")


def test_the_tables_are_the_sum_of_their_migrations(path: Path) -> None:
    database = Database(path)
    with database.reading() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
    database.close()


def test_a_new_database_is_at_the_newest_step(path: Path) -> None:
    made(path)
    with plain(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (STEPS.get_current_head(),)
        ]


def test_migrations_are_one_line_without_branches() -> None:
    assert len(STEPS.get_heads()) == 1
    assert len(STEPS.get_bases()) == 1


def test_what_was_stored_is_there_after_opening_it_again(path: Path) -> None:
    stored = made(path, "Acme", "Rival")
    assert companies(path) == stored


def test_opening_it_again_changes_nothing(path: Path) -> None:
    made(path, "Acme")
    with left_as_it_was(path):
        companies(path)


def test_installations_from_before_versions_were_compared_get_their_key(path: Path) -> None:
    versions = ["2.10", "new", None] * 800
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as first_version:
        upgrade(first_version, "0001")
    engine.dispose()
    with plain(path) as connection:
        connection.execute("INSERT INTO companies VALUES (1, 'Acme', 1, 1, 1)")
        connection.execute("INSERT INTO apps VALUES (1, 1, 'Shop', 'ios', 'external', 'l', 'd', 's')")
        connection.executemany(
            "INSERT INTO installations (app_id, dev, installation_id, platform, token_version, opted_in,"
            " created_at, updated_at, app_version) VALUES (1, ?, ?, 'ios', 1, 1, 5, 5, ?)",
            [(dev, f"i{number}", version) for dev in (0, 1) for number, version in enumerate(versions)],
        )
    SqlRecords(path).close()
    with plain(path) as connection:
        keys = connection.execute(
            "SELECT app_version, app_version_key, count(*) FROM installations GROUP BY 1, 2"
        )
        assert set(keys) == {("2.10", version_key("2.10"), 1600), ("new", None, 1600), (None, None, 1600)}


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.touch()
    assert companies(path) == []


def test_only_its_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        records = SqlRecords(path)
        records.create_company("Acme", Rule())
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        records.close()
    finally:
        os.umask(before)
    assert modes == {0o600}


def test_a_write_is_synced_before_it_is_answered(path: Path) -> None:
    database = Database(path)
    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    database.close()


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    made(path, "Acme")
    with plain(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with left_as_it_was(path), pytest.raises(StoreTooNew, match="newer version"):
        SqlRecords(path)


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    with plain(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with left_as_it_was(path), pytest.raises(StoreDamaged):
        SqlRecords(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"these are my notes, not a database\n" * 200)
    with left_as_it_was(path), pytest.raises(StoreDamaged, match=r"records\.db"):
        SqlRecords(path)


def test_a_database_that_was_cut_short_is_refused(path: Path) -> None:
    made(path, *(f"company {number}" for number in range(20)))
    os.truncate(path, path.stat().st_size // 2)
    with left_as_it_was(path), pytest.raises(StoreDamaged):
        SqlRecords(path)


def test_a_database_with_a_page_of_rubbish_is_refused(path: Path) -> None:
    made(path, *(f"company {number}" for number in range(20)))
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in range(1, pages):
            file.seek(page * 4096)
            file.write(b"\xee" * 4096)
    with left_as_it_was(path), pytest.raises(StoreDamaged):
        SqlRecords(path)


def test_a_migration_that_fails_leaves_no_trace(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.Operations.create_index", fail)
        with pytest.raises(RuntimeError):
            SqlRecords(path)
    with plain(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert companies(path) == []


def test_a_database_that_another_process_writes_is_busy_and_can_be_read(path: Path) -> None:
    [acme] = made(path, "Acme")
    database = Database(path, patience=0.05)
    with plain(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with database.reading() as reader:
            assert reader.exec_driver_sql("SELECT name FROM companies").scalar_one() == acme.name
        with pytest.raises(StoreBusy, match="locked"), database.writing():
            pass
        connection.execute("ROLLBACK")
    with database.writing():
        pass
    database.close()


def test_a_new_database_that_another_process_has_locked_is_busy(path: Path) -> None:
    with plain(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy):
            Database(path, patience=0.05)
    assert companies(path) == []


def test_a_full_disk_changes_nothing_and_later_writes_work(path: Path) -> None:
    with closing(SqlRecords(path)) as records:
        acme = records.create_company("Acme", Rule())
        fill_up(records.database, pages=0)
        with pytest.raises(StoreFull, match="no room"):
            records.create_company("x" * 100_000, Rule())
        assert records.companies() == [acme]
    with closing(SqlRecords(path)) as records:
        assert records.companies() == [acme]
        records.create_company("Rival", Rule())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_refused(path: Path) -> None:
    made(path)
    path.chmod(0o400)
    with pytest.raises(StoreError, match="cannot be opened"):
        SqlRecords(path)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        SqlRecords(tmp_path)


def test_what_was_answered_survives_a_process_that_just_stops(path: Path) -> None:
    records = SqlRecords(path)
    acme = records.create_company("Acme", Rule())
    copied = path.with_name("copy.db")
    for end in ("", "-wal"):  # what a killed process leaves: the file and its log
        copied.with_name(copied.name + end).write_bytes(path.with_name(path.name + end).read_bytes())
    records.close()
    assert companies(copied) == [acme]


def test_installations_and_members_lie_in_the_order_of_their_keys(path: Path) -> None:
    """Alembic does not compare this; without it, selecting an audience takes five times as long."""
    made(path)
    with plain(path) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'")
        assert {name for (name,) in rows} == {"installations", "audience_members"}
