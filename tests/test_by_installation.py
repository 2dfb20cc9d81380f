"""The runs beside the log: they follow from it, whatever happens to their files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openrate.model import DayRow, Fact, FactType
from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb import DuckdbLog

DAY = 86_400_000
START = 20_700 * DAY


def opened(folder: Path) -> DuckdbLog:
    """A log with runs of ten facts."""
    return DuckdbLog(folder / "facts.duckdb", run_facts=10)


def put(log: DuckdbLog, *facts: Fact) -> None:
    log.append(1, False, FactColumns.of(facts)).result(timeout=10)
    log.settle()


def fill(log: DuckdbLog, campaign: int, *, batches: int = 7) -> None:
    """Per batch five deliveries on one day and five opens weeks after it."""
    for batch in range(batches):
        names = [f"{campaign}-{batch}-{number}" for number in range(5)]
        at = START + campaign * DAY
        put(log, *(Fact(1, FactType.PUSH_SENT, name, at, campaign, "s") for name in names))
        put(log, *(Fact(1, FactType.APP_OPEN, name, at + 30 * DAY) for name in names))


def late_taps(campaign: int) -> list[Fact]:
    """Taps that come long after their deliveries have left the memory."""
    at = START + campaign * DAY + 60_000
    names = [f"{campaign}-{batch}-{number}" for batch in range(7) for number in range(5)]
    return [Fact(1, FactType.PUSH_OPEN, name, at, campaign) for name in names]


def runs(folder: Path) -> list[Path]:
    return sorted((folder / "facts.runs").iterdir())


def wait_for_runs(folder: Path, count: int) -> None:
    """Runs are made beside everything else, soon."""
    deadline = time.monotonic() + 10
    while (
        not (folder / "facts.runs").exists() or len([p for p in runs(folder) if p.suffix == ".run"]) < count
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_late_facts_find_the_older_ones_in_the_runs(tmp_path: Path) -> None:
    log = opened(tmp_path)
    fill(log, 1)
    wait_for_runs(tmp_path, 7)
    put(log, *late_taps(1))
    assert log.rows(1) == [DayRow(1, START // DAY + 1, None, 35, 35, 35, 0, 0, 0)]
    assert log.verify() == []
    log.close()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def of_another_file(path: Path) -> None:
    path.rename(path.with_name("00000000000000aa-000001.run"))


def left_half_written(path: Path) -> None:
    path.rename(path.with_suffix(".unfinished"))


@pytest.mark.parametrize("harm", [Path.unlink, cut, of_another_file, left_half_written])
def test_runs_that_are_missing_or_of_no_use_are_made_again(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    log = opened(tmp_path)
    fill(log, 1)
    wait_for_runs(tmp_path, 7)
    log.close()
    before = [path.read_bytes() for path in runs(tmp_path)]
    harm(runs(tmp_path)[1])
    log = opened(tmp_path)
    wait_for_runs(tmp_path, 7)
    assert [path.read_bytes() for path in runs(tmp_path)] == before
    put(log, *late_taps(1))
    assert log.verify() == []
    log.close()


def test_runs_made_after_a_backup_are_not_used_when_it_is_restored(tmp_path: Path) -> None:
    log = opened(tmp_path)
    fill(log, 1, batches=1)
    log.close()
    shutil.copy(tmp_path / "facts.duckdb", tmp_path / "backup")
    log = opened(tmp_path)
    fill(log, 2)
    wait_for_runs(tmp_path, 8)
    log.close()
    shutil.copy(tmp_path / "backup", tmp_path / "facts.duckdb")
    log = opened(tmp_path)
    fill(log, 3)
    put(log, *late_taps(3))
    assert log.rows(2) == []
    assert log.verify() == []
    log.close()


def test_a_run_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    log = opened(tmp_path)
    (tmp_path / "facts.runs").write_text("in the way")
    fill(log, 1)
    put(log, *late_taps(1))
    assert log.verify() == []
    log.close()


def test_a_rebuild_makes_damaged_runs_good(tmp_path: Path) -> None:
    log = opened(tmp_path)
    fill(log, 1)
    wait_for_runs(tmp_path, 7)
    log.close()
    for path in runs(tmp_path):
        path.write_bytes(bytes(path.stat().st_size))
    log = opened(tmp_path)
    log.rebuild()
    put(log, *late_taps(1))
    assert log.verify() == []
    log.close()
