"""Files of facts: NDJSON, CSV, Parquet, with the fields of ``POST /v1/{api_key}/events`` as columns.

DuckDB reads and writes CSV and Parquet, in this process and in bounded memory.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import duckdb
import msgspec
import numpy as np

from openrate.errors import OpenrateError, UsageError
from openrate.model import Format

FIELDS = (
    "type",
    "campaign_token",
    "installation_id",
    "at",
    "version",
    "opted_in",
    "cause",
    "send_id",
    "platform",
    "language",
)
BATCH = 10_000
"""Facts read at once, about 2 MB."""
_LIMITS: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "256MiB", "threads": 2}
_NO_PATTERN = re.compile(r"([*?\[])")
"""What DuckDB takes for a pattern in the name of a file to read, unless it stands in brackets."""
_TRUTH = {"true": True, "false": False}

Event = dict[str, Any]
Put = Callable[[list[Event]], None]


_SUFFIXES = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
}


class FactFile(Protocol):
    """A file of facts."""

    unit: str
    """What ``size`` and ``read`` count."""

    heading: int
    """Lines before the first fact."""

    def size(self) -> int:
        """How much there is to read; 0 when that is not known."""

    def read(self) -> Iterator[tuple[list[bytes], int]]:
        """Batches of facts as JSON lines, and how much has been read by then.

        A line is passed on as it is, readable or not: what refuses it names it by its number.
        """

    def writing(self) -> Iterator[Put]:
        """Write facts, batch by batch; see ``writing`` below."""


def fact_file(path: Path, form: Format | None = None) -> FactFile:
    """The file at a path; ``-`` is standard input or output, in NDJSON.

    Raises:
        UsageError: its format is not known, or does not go through a pipe.
    """
    if str(path) == "-":
        if form not in {None, Format.NDJSON}:
            raise UsageError("Only NDJSON goes through a pipe: name a file for CSV or Parquet.")
        return _Pipe()
    form = form or _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise UsageError(
            f"{path} does not say what it is: name it .ndjson, .csv or .parquet, or give --format."
        )
    return _Lines(path) if form is Format.NDJSON else _Table(path, form)


@contextmanager
def writing(file: FactFile) -> Iterator[Put]:
    """Write facts to a file, which is there whole at the end, or not at all."""
    yield from file.writing()


class _Pipe:
    unit = "bytes"
    heading = 0

    def size(self) -> int:
        return 0

    def read(self) -> Iterator[tuple[list[bytes], int]]:
        yield from _batches(sys.stdin.buffer)

    def writing(self) -> Iterator[Put]:
        yield _line_writer(sys.stdout.buffer)
        sys.stdout.buffer.flush()


class _Lines:
    unit = "bytes"
    heading = 0

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def read(self) -> Iterator[tuple[list[bytes], int]]:
        with _as_sentences(self._path, "read"), self._path.open("rb") as file:
            yield from _batches(file)

    def writing(self) -> Iterator[Put]:
        with _whole_or_not_at_all(self._path) as part, part.open("wb") as file:
            yield _line_writer(file)
            file.flush()
            os.fsync(file.fileno())


class _Table:
    unit = "facts"

    def __init__(self, path: Path, form: Format) -> None:
        self._path = path
        self._form = form
        self.heading = 1 if form is Format.CSV else 0

    def size(self) -> int:
        with _as_sentences(self._path, "read"), duckdb.connect(config=_LIMITS) as database:
            self._path.open("rb").close()  # the system says in plainer words than DuckDB that there is none
            counted = database.execute(f"select count(*) from {self._source()}").fetchall()  # noqa: S608 - quoted
        return int(counted[0][0])

    def read(self) -> Iterator[tuple[list[bytes], int]]:
        encode = msgspec.json.Encoder().encode
        done = 0
        with _as_sentences(self._path, "read"), duckdb.connect(config=_LIMITS) as database:
            database.execute(f"select {self._columns(database)} from {self._source()}")  # noqa: S608 - quoted
            names = [column[0] for column in database.description or ()]
            while rows := database.fetchmany(BATCH):
                done += len(rows)
                yield [encode(_event(names, row)) for row in rows], done

    def writing(self) -> Iterator[Put]:
        with _whole_or_not_at_all(self._path) as part, _database_beside(self._path) as database:
            columns = ", ".join(f'"{name}" {_column_type(name, self._form)}' for name in FIELDS)
            database.execute(f"create table facts ({columns})")
            yield lambda events: _insert(database, events)
            options = "format parquet" if self._form is Format.PARQUET else "format csv, header true"
            database.execute(f"copy facts to {_quoted(str(part))} ({options})")

    def _source(self) -> str:
        """The table function that reads the file. All of a CSV is text: ingestion says what is wrong in it."""
        name = _quoted(_NO_PATTERN.sub(r"[\1]", str(self._path)))
        if self._form is Format.PARQUET:
            return f"read_parquet({name})"
        return f"read_csv({name}, header = true, all_varchar = true)"

    def _columns(self, database: duckdb.DuckDBPyConnection) -> str:
        """The fields that the file has."""
        types = {
            name: kind for name, kind, *_ in database.execute(f"describe from {self._source()}").fetchall()
        }
        if "type" not in types and "installation_id" in types:
            raise OpenrateError(
                f"{self._path} has no column type, which each fact needs: "
                "if these are installations, POST /v1/{key}/installations/import takes them."
            )
        if missing := [name for name in ("type", "installation_id") if name not in types]:
            raise OpenrateError(f"{self._path} has no column {' and no column '.join(missing)}.")
        return ", ".join(_column(name, types[name]) for name in FIELDS if name in types)


def _column(name: str, kind: str) -> str:
    """A column as text or truth. A time becomes RFC 3339; one without an offset is taken as UTC."""
    if kind.startswith("TIMESTAMP"):
        return f"""strftime(make_timestamp(epoch_us("{name}")), '%Y-%m-%dT%H:%M:%S.%gZ') as "{name}\""""
    return f'"{name}"'


def _column_type(name: str, form: Format) -> str:
    """Parquet has times, in UTC and without an offset, so that ``at::date`` is the UTC date everywhere."""
    if name == "at" and form is Format.PARQUET:
        return "timestamp"
    return "boolean" if name == "opted_in" else "varchar"


def _event(names: list[str], row: tuple[Any, ...]) -> Event:
    """A row as an event: what is empty is absent."""
    event = {name: value for name, value in zip(names, row, strict=True) if value not in {None, ""}}
    if isinstance(event.get("opted_in"), str):
        event["opted_in"] = _TRUTH.get(event["opted_in"].lower(), event["opted_in"])
    return event


def _batches(file: BinaryIO) -> Iterator[tuple[list[bytes], int]]:
    done = 0
    while lines := list(islice(file, BATCH)):
        done += sum(map(len, lines))
        yield [line.rstrip(b"\r\n") for line in lines], done


def _line_writer(file: BinaryIO) -> Put:
    encode = msgspec.json.Encoder().encode_lines

    def put(events: list[Event]) -> None:
        file.write(encode(events))

    return put


def _insert(database: duckdb.DuckDBPyConnection, events: list[Event]) -> None:
    columns = {name: np.array([event.get(name) for event in events], object) for name in FIELDS}
    database.register("batch", columns)
    database.execute("insert into facts select * from batch")
    database.unregister("batch")


@contextmanager
def _database_beside(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database on disk, gone afterwards: the facts to be written would not fit into bounded memory."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with duckdb.connect(str(beside), config=_LIMITS) as database:
            yield database
    finally:
        for left in (beside, beside.with_name(beside.name + ".wal")):
            left.unlink(missing_ok=True)


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """Where to write what is to be at ``path`` in the end."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _as_sentences(path, "written"):
            yield part
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _as_sentences(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OpenrateError(f"{path} cannot be {done}: {error.strerror}.") from None
    except duckdb.Error as error:
        raise OpenrateError(f"{path} cannot be {done}: {str(error).partition(chr(10))[0]}") from None


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
