"""The facts file as such: opening it, its schema, its transactions, and what DuckDB's errors mean."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreTooNew
from openrate.storage.duckdb.evaluate import Facts

SCHEMA = 1
ROOM_TO_KEEP = 64 << 20
"""Bytes of free disk below which nothing is stored: DuckDB needs room to write what it has in memory."""

_CODE = "((type << 3) | (version << 1) | opted_in::utinyint)::utinyint"
FACT_COLUMNS = f"installation, at_ms, send, {_CODE} as code"


def connect(path: Path, memory_limit_mb: int) -> duckdb.DuckDBPyConnection:
    """Open the facts file, making it when there is none.

    Raises:
        StoreBusy, StoreTooNew, StoreDamaged: the file is left as it was.
    """
    new = not path.exists()
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_mb}MiB",
        "threads": 1,
        "temp_directory": str(path.with_suffix(".tmp")),
        "preserve_insertion_order": False,
        # A checkpoint stops commits for the longer the more there is to write: 0.3 s for 32 MiB, 1.1 s for 128 MiB.
        "checkpoint_threshold": "32MiB",
    }
    try:
        connection = duckdb.connect(str(path), config=settings)
        if new or not connection.execute("from duckdb_tables() where table_name = 'meta'").fetchall():
            schema = files("openrate.storage").joinpath("sql/duckdb/schema.sql").read_text("utf-8")
            connection.execute(f"begin; {schema} commit")
        version = meta(connection, "schema")
    except (duckdb.Error, IndexError) as error:
        raise unusable(path, error) from error
    if version > SCHEMA:
        connection.close()
        raise StoreTooNew(
            f"{path} was made by a newer version of Openrate (schema {version}, this one knows {SCHEMA}): "
            "start that version, or restore a backup made before the upgrade."
        )
    return connection


def unusable(path: Path, error: Exception) -> StoreError:
    """Why a file that could not be read cannot be used, and what to do."""
    text = str(error)
    if "could not set lock" in text.lower():
        return StoreBusy(f"{path} is in use by another process: stop that one first.")
    if "newer version of DuckDB" in text:
        return StoreTooNew(f"{path} was made by a newer version of DuckDB: start the Openrate that made it.")
    if is_full(error):
        return StoreFull(f"No room left to open {path}: free some disk space.")
    first = next(iter(text.splitlines()), "no reason given")
    return StoreDamaged(f"{path} cannot be read ({first}): restore it from a backup; it was left as it is.")


def is_full(error: BaseException) -> bool:
    """Whether this is the disk being full, or a quota or size limit reached."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    text = str(error).lower()
    return any(sign in text for sign in ("no space left", "disk full", "file too large", "quota exceeded"))


def has_room(path: Path) -> bool:
    """Whether there is room for more facts."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize >= ROOM_TO_KEEP


def meta(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    """A number kept beside the facts."""
    return int(cursor.execute("select value from meta where name = ?", [name]).fetchall()[0][0])


def identity(cursor: duckdb.DuckDBPyConnection) -> int:
    """A number that no other facts file has, given once."""
    cursor.execute(
        "insert into meta select 'identity', ? where not exists (from meta where name = 'identity')",
        [secrets.randbits(62)],
    )
    return meta(cursor, "identity")


def set_meta(cursor: duckdb.DuckDBPyConnection, name: str, value: int) -> None:
    """Change a number kept beside the facts; within the caller's transaction."""
    cursor.execute("update meta set value = ? where name = ?", [value, name])


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing; durable when it returns."""
    cursor.execute("begin")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # the first error says what happened
            cursor.execute("rollback")
        raise
    cursor.execute("commit")


def insert(cursor: duckdb.DuckDBPyConnection, table: str, **columns: NDArray[np.generic] | None) -> None:
    """Append columns to a table; None fills a column with null. Within the caller's transaction."""
    batch = {name: values for name, values in columns.items() if values is not None}
    names = ", ".join(name if name in batch else "null" for name in columns)
    # DuckDB finds ``batch`` by its name in this frame; to register it would double the time of a small commit.
    cursor.execute(f"insert into {table} ({', '.join(columns)}) select {names} from batch")  # noqa: S608 - names are ours


def read_facts(cursor: duckdb.DuckDBPyConnection, condition: str, *values: int, order: str = "") -> Facts:
    """The facts that meet an SQL condition, as columns."""
    query = f"select {FACT_COLUMNS} from fact where {condition} {order}"  # noqa: S608 - conditions are ours
    columns = cursor.execute(query, list(values)).fetchnumpy()
    return Facts(*(np.asarray(columns[name]) for name in ("installation", "at_ms", "send", "code")))
