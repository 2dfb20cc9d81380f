"""The attributed facts once more, sorted by installation: what makes reading those of a few cheap.

The log is in order of arrival, so all facts of one installation are all over it. A *run* is a file with the
facts of one stretch of it, in order of installation, mapped into memory: finding an installation in it is a
binary search. Runs follow from the log and from nothing else. One that is missing is made again; what is not
in a run yet is at the end of the log, where DuckDB finds it without reading the rest.
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.storage.duckdb import file
from openrate.storage.duckdb.evaluate import Facts

logger = logging.getLogger(__name__)

RUN_FACTS = 1_000_000
"""Facts in a run: 17 MB, and 0.15 s to make one."""

_COLUMNS = {"at": np.int64, "installation": np.int32, "send": np.int32, "code": np.uint8}
"""In the order in which they stand in the file, so that each is aligned."""
_FACT_BYTES = sum(np.dtype(kind).itemsize for kind in _COLUMNS.values())


Stretch = tuple[int, int]
"""A part of the log: the seq before its first fact, and that of its last."""


class Runs:
    """The runs of one facts file, from its first fact without a gap.

    Made in one thread while others read: who reads names the last fact that it wants from runs (``upto`` of a
    moment ago), and finds later ones in the log.

    Args:
        folder: for the files of the runs, and for nothing else.
        identity: of the facts file; runs of another one are deleted.
        attributed: seq of the last fact that is attributed. Runs that reach further are deleted: they were made
            from facts that a backup brought back from before them does not have.
        run_facts: how many facts a run has.
    """

    def __init__(self, folder: Path, identity: int, attributed: int, run_facts: int = RUN_FACTS) -> None:
        self._folder = folder
        self._identity = identity
        self._run_facts = run_facts
        self._runs: list[_Run] = []
        # Of each run, when it has been read once, those it has facts about: the run of a number is always the same.
        self._sends: dict[int, NDArray[np.int32]] = {}
        self._making = threading.Lock()
        while self.upto + run_facts <= attributed and self._is_whole(self._next_path()):
            self._runs.append(_Run.of(self._next_path(), run_facts))
        kept = {self._path(number) for number in range(len(self._runs))}
        for path in set(folder.glob("*")) - kept:
            path.unlink()

    @property
    def upto(self) -> int:
        """Seq of the last fact that is in a run."""
        return len(self._runs) * self._run_facts

    def lacks(self, attributed: int) -> bool:
        """Whether there are enough facts for another run."""
        return self.upto + self._run_facts <= attributed

    def extend(self, cursor: duckdb.DuckDBPyConnection, attributed: int) -> bool:
        """Make the next run, if enough facts are attributed for it; False: they are not, or it cannot be written."""
        with self._making:
            if not self.lacks(attributed):
                return False
            upto = self.upto + self._run_facts
            facts = file.read_facts(
                cursor, "seq > ? and seq <= ?", self.upto, upto, order="order by installation"
            )
            path = self._next_path()
            try:
                self._write(path, facts)
            except OSError as error:
                logger.warning("Cannot write %s (%s): late facts take longer.", path, error.strerror)
                return False
            self._sends[len(self._runs)] = _distinct(facts.send)
            self._runs.append(_Run.of(path, self._run_facts))
            return True

    def _write(self, path: Path, facts: Facts) -> None:
        self._folder.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as out:
            for name in _COLUMNS:
                out.write(np.ascontiguousarray(getattr(facts, name)).data)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)

    def __iter__(self) -> Iterator[Facts]:
        """The runs, each in order of installation."""
        for number in range(len(self._runs)):
            facts = self._stretch(number, 0, self._run_facts)
            self._sends[number] = _distinct(facts.send)
            yield facts

    def drop(self) -> None:
        """Delete all runs."""
        with self._making:
            while self._runs:
                self._runs.pop()
                with suppress(FileNotFoundError):
                    self._next_path().unlink()

    def of(self, installations: NDArray[np.int32], upto: int) -> Facts:
        """The facts up to seq ``upto`` of some installations, ascending, renumbered by position in them."""
        runs = self._runs[: upto // self._run_facts]
        return Facts.together([_NONE, *(run.pick(installations) for run in runs)])

    def between(self, first: int, end: int, upto: int) -> Facts:
        """The facts up to seq ``upto`` of installations first … end, without the last, renumbered from 0."""
        pieces = [_NONE]
        for number, run in enumerate(self._runs[: upto // self._run_facts]):
            start, stop = np.searchsorted(run.facts.installation, np.array([first, end], np.int32)).tolist()
            facts = self._stretch(number, start, stop)
            pieces.append(facts._replace(installation=facts.installation - np.int32(first)))
        return Facts.together(pieces)

    def about(self, sends: NDArray[np.int32], upto: int) -> list[Stretch]:
        """The stretches of the log up to seq ``upto`` outside which there is no fact about these sends."""
        return self._stretches(lambda number, _: _have_common(self._sends.get(number, sends), sends), upto)

    def of_one(self, installation: int, upto: int) -> list[Stretch]:
        """The stretches of the log up to seq ``upto`` outside which there is no fact of this installation."""
        return self._stretches(lambda _, run: run.has(installation), upto)

    def _stretches(self, holds: Callable[[int, _Run], bool], upto: int) -> list[Stretch]:
        """Runs that hold something, those side by side as one, and what is behind the last run."""
        runs, size = self._runs[: upto // self._run_facts], self._run_facts
        found = [(at * size, (at + 1) * size) for at, run in enumerate(runs) if holds(at, run)]
        joined: list[Stretch] = []
        for first, last in [*found, (len(runs) * size, upto)]:
            if joined and joined[-1][1] == first:
                first = joined.pop()[0]  # noqa: PLW2901 - it begins where the one before did
            joined.append((first, last))
        return joined

    def _stretch(self, number: int, start: int, stop: int) -> Facts:
        """Part of a run, read and not mapped: that much would be slow page by page."""
        columns, offset = {}, 0
        with self._path(number).open("rb") as run:
            for name, kind in _COLUMNS.items():
                size = np.dtype(kind).itemsize
                run.seek(offset + start * size)
                columns[name] = np.fromfile(run, kind, stop - start)
                offset += self._run_facts * size
        return Facts(**columns)

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._identity:016x}-{number:06}.run"

    def _next_path(self) -> Path:
        return self._path(len(self._runs))

    def _is_whole(self, path: Path) -> bool:
        return path.is_file() and path.stat().st_size == self._run_facts * _FACT_BYTES


_NONE = Facts(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))


class _Run(NamedTuple):
    """A run in the memory map of its file."""

    pages: mmap.mmap
    facts: Facts

    @classmethod
    def of(cls, path: Path, count: int) -> _Run:
        """Map the file of a run of so many facts."""
        with path.open("rb") as file:
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        pages.madvise(mmap.MADV_RANDOM)
        columns, offset = {}, 0
        for name, kind in _COLUMNS.items():
            columns[name] = np.frombuffer(pages, kind, count, offset)
            offset += columns[name].nbytes
        return cls(pages, Facts(**columns))

    def pick(self, installations: NDArray[np.int32]) -> Facts:
        """The facts of some installations, ascending, renumbered by position in ``installations``."""
        first = np.searchsorted(self.facts.installation, installations)
        count = np.searchsorted(self.facts.installation, installations, side="right") - first
        local = np.repeat(np.arange(len(installations), dtype=np.int32), count)
        start = first - np.concatenate(([0], np.cumsum(count)[:-1]))
        picked = self.facts.where(np.arange(len(local)) + start[local])
        # Pages that were touched would count as memory of this process for good; the system keeps them anyway.
        self.pages.madvise(mmap.MADV_DONTNEED)
        return picked._replace(installation=local)

    def has(self, installation: int) -> bool:
        """Whether there is a fact of this installation."""
        place = np.searchsorted(self.facts.installation, np.int32(installation))
        return bool(place < len(self.facts.installation) and self.facts.installation[place] == installation)


def _distinct(sends: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.flatnonzero(np.bincount(sends)).astype(np.int32)


def _have_common(ascending: NDArray[np.int32], some: NDArray[np.int32]) -> bool:
    """Whether one of ``some`` is in the other array; ``np.isin`` takes ten times as long."""
    place = np.searchsorted(ascending, some).clip(max=len(ascending) - 1)
    return bool((ascending[place] == some).any())
