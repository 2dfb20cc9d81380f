"""Taps that lie after the horizon of memory while their delivery lies before it."""

from __future__ import annotations

import tempfile
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace

from openrate.model import Fact, FactType
from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb import DuckdbLog
from openrate.storage.duckdb.attributed import Attributed

MINUTE = 60_000
DAY = 1440 * MINUTE
MIDNIGHT = 20_700 * DAY
"""Where the horizon lies once the first facts of ``TODAY`` are there: 3 days of reengage window, 2 of margin."""
TODAY = MIDNIGHT + 5 * DAY + 60 * MINUTE


def sent(minute: int, send: str, campaign: int = 1) -> Fact:
    """A delivery, minutes after midnight."""
    return Fact(1, FactType.PUSH_SENT, "i1", MIDNIGHT + minute * MINUTE, campaign, send)


def tap(minute: int, send: str | None = None) -> Fact:
    return Fact(1, FactType.PUSH_OPEN, "i1", MIDNIGHT + minute * MINUTE, 1, send)


TODAYS = [Fact(1, FactType.APP_OPEN, "i1", TODAY), sent(5 * 1440 + 70, "today", campaign=2)]
OTHERS = Fact(1, FactType.APP_OPEN, "i2", TODAY)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many installations were read from the file, each time."""
    counted: list[int] = []
    inner = Attributed._change_from_log

    def counting(attributed: Attributed, cursor: object, installations: list[int], upto: int) -> object:
        counted.append(len(installations))
        return inner(attributed, cursor, installations, upto)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Attributed, "_change_from_log", counting)
    return counted


def run(*steps: list[Fact]) -> None:
    """Append and count one step after the other; the rows must be the reference's."""
    with tempfile.TemporaryDirectory() as folder:
        log = DuckdbLog(Path(folder) / "facts.duckdb", run_facts=1000)
        try:
            for facts in steps:
                log.append(1, False, FactColumns.of(facts)).result(timeout=10)
                log.settle()
            assert log.counts()["hot_since_ms"] == MIDNIGHT
            assert log.verify() == []
        finally:
            log.close()


@pytest.mark.parametrize("name", [None, "before", "unheard"])
def test_a_tap_that_is_settled_is_not_looked_up_again(reads: list[int], name: str | None) -> None:
    run([sent(-30, "before"), tap(30, name)], [OTHERS], TODAYS[:1], TODAYS[1:])
    assert reads == []


def test_a_tap_without_a_delivery_is_looked_up(reads: list[int]) -> None:
    run([sent(-30, "before"), tap(-60)], [OTHERS], TODAYS)
    assert reads == [1]


LATE = [
    sent(10, "late"),
    sent(20, "later"),
    sent(40, "after the tap"),
    sent(-10, "late but before"),
    sent(-40, "before"),
    sent(15, "before"),
    tap(30, "before"),
    tap(25),
    tap(35, "late"),
    Fact(1, FactType.APP_OPEN, "i1", MIDNIGHT + 35 * MINUTE),
    Fact(1, FactType.PUSH_ERROR, "i1", MIDNIGHT + 5 * MINUTE, 1, "before"),
]
BETWEEN = [[], [sent(10, "between")], [sent(45, "between")]]
NAMES = [None, "before", "between", "unheard"]


def test_whatever_comes_late_around_a_settled_tap_comes_out_right() -> None:
    starts = [[sent(-30, "before"), tap(30, name), *between] for name in NAMES for between in BETWEEN]
    cases = [
        ([OTHERS, *start], TODAYS[:1], [first], [second], TODAYS[1:])
        for start in starts
        for first, second in permutations(LATE, 2)
    ]
    run(
        *(
            [
                replace(fact, installation_id=f"i{number}")
                for number, facts in enumerate(step)
                for fact in facts
            ]
            for step in zip(*cases, strict=True)
        )
    )
