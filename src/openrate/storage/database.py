"""A SQL database opened safely: brought to this version or left as it was, its errors in our words.

What differs between engines is in this module and nowhere else.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from openrate.errors import OpenrateError, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreTooNew

_PATIENCE = 5.0
"""Seconds to wait for another process that is writing; ours never holds a transaction that long."""
_CHECKED_WHOLE = 64 << 20
"""Bytes up to which a file is read through when it is opened (0.1 s); damage in a larger one shows on use."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Transactions, one at a time for writing; safe to use from any thread."""

    def __init__(self, place: Path | str, *, patience: float = _PATIENCE) -> None:
        """Open a database, making it when there is none, and bring it to this version.

        Args:
            place: a file for SQLite, or a database URL.
            patience: seconds to wait for another process that is writing.

        Raises:
            StoreTooNew: a newer version made it.
            StoreDamaged: it cannot be read, or is no database of ours.
            StoreBusy: another process has it locked.
            StoreError: it cannot be opened or made.
        """
        url = _url(place)
        self._name = url.render_as_string(hide_password=True) if url.host else str(url.database)
        self._file = Path(str(url.database)).name
        self._lock = threading.Lock()
        is_sqlite = url.get_backend_name() == "sqlite"
        if is_sqlite:
            self._touch(Path(str(url.database)))
        self.engine = _sqlite(url, patience) if is_sqlite else create_engine(url, pool_pre_ping=True)
        self._writing = self.engine.execution_options(openrate_writes=True)
        try:
            with self._in_our_words(None):
                self._bring_to_this_version()
        except OpenrateError:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database.

        Raises:
            StoreError: the database does not answer.
        """
        with self._in_our_words(None), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, taken: str | None = None) -> Iterator[Connection]:
        """A transaction that is durable when it ends, and undone by an exception.

        Args:
            taken: the sentence for a name that is in use already.

        Raises:
            StoreFull: there is no room; nothing was changed.
            StoreError: the database does not answer; nothing was changed.
            OpenrateError: ``taken``.
        """
        with self._in_our_words(taken), self._lock, self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def _bring_to_this_version(self) -> None:
        steps = ScriptDirectory(str(_MIGRATIONS))
        with self.engine.connect() as connection:
            version = self._version(connection, steps)
            connection.rollback()
            if version == steps.get_current_head():
                return
            if connection.dialect.name == "sqlite":
                _run_outside_transactions(connection, "PRAGMA journal_mode = WAL")
        with self._writing.begin() as connection:
            upgrade(connection)

    def _version(self, connection: Connection, steps: ScriptDirectory) -> str | None:
        """The step the database is at; None for a new one.

        Raises:
            StoreDamaged: it cannot be read through, or holds something else.
            StoreTooNew: it is at a step that is not known here.
        """
        if connection.dialect.name == "sqlite" and not _is_whole(connection):
            raise StoreDamaged(self._damaged())
        tables = inspect(connection).get_table_names()
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise StoreDamaged(f"{self._name} holds the tables of another program: give another --data.")
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if version not in {step.revision for step in steps.walk_revisions()}:
            raise StoreTooNew(
                f"{self._name} was made by a newer version of Openrate (step {version}): "
                "install that version or a later one. The data was left as it was."
            )
        return str(version)

    def _touch(self, path: Path) -> None:
        """Make the file, for this user alone: it will hold the key that signs tokens."""
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreError(f"{path} cannot be opened: {error.strerror}.") from None

    @contextmanager
    def _in_our_words(self, taken: str | None) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise OpenrateError(taken or f"{self._name} refused a row that breaks its rules.") from error
        except DBAPIError as error:
            raise self._store_error(error.orig) from error
        except SQLAlchemyError as error:
            raise StoreBusy(f"{self._name} does not answer ({type(error).__name__}): try again.") from error

    def _store_error(self, error: BaseException | None) -> StoreError:
        match _sqlite_code(error), getattr(error, "sqlstate", None):
            case (sqlite3.SQLITE_FULL, _) | (_, "53100"):
                return StoreFull(f"There is no room left to store {self._file}: nothing of this was kept.")
            case (sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED, _):
                return StoreBusy(f"{self._file} is locked by another process: stop that first.")
            case (sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB, _):
                return StoreDamaged(self._damaged())
        return StoreError(f"{self._file} cannot be used: {error}.")

    def _damaged(self) -> str:
        return (
            f"{self._name} is damaged and was left as it is: restore the data folder from a backup, "
            "both files of it, or give another --data to start anew."
        )


def rows_of(result: CursorResult[Any]) -> Sequence[tuple[Any, ...]]:
    """All rows as the driver gives them, truths as 0 and 1: to make Row objects of them takes as long again."""
    cursor = result.cursor
    assert cursor is not None  # noqa: S101 - a SELECT has one
    return cursor.fetchall()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the steps that are missing, all or none of them, in the transaction of ``connection``."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, to)


def _url(place: Path | str) -> URL:
    if isinstance(place, str) and "://" in place:
        return make_url(place)
    return URL.create("sqlite", database=str(place))


def _sqlite(url: URL, patience: float) -> Engine:
    """An engine whose transactions are SQLite's own, durable at the commit, with foreign keys held."""
    engine = create_engine(url, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # Python's driver begins transactions late and not before a SELECT; we begin them ourselves.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # Without FULL, SQLite syncs its log only now and then, and a power cut takes back what was answered.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another one wrote in between.
        writes = connection.get_execution_options().get("openrate_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _run_outside_transactions(connection: Connection, statement: str) -> None:
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.execute(statement)


def _is_whole(connection: Connection) -> bool:
    """Whether a file of moderate size can be read through; a larger one is believed."""
    pages = int(connection.scalar(text("PRAGMA page_count")) or 0)
    size = int(connection.scalar(text("PRAGMA page_size")) or 0)
    if pages * size > _CHECKED_WHOLE:
        return True
    return bool(connection.scalar(text("PRAGMA quick_check(1)")) == "ok")


def _sqlite_code(error: BaseException | None) -> int | None:
    """The primary result code. A shared-memory file that cannot grow is a full disk as well."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return None
    return sqlite3.SQLITE_FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else code & 0xFF
