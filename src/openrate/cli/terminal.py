"""What people see: tables on stdout, progress and errors on stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from openrate.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WINDOW = re.compile(r"([1-9][0-9]{0,8})\s*([smhd])\Z")


def out() -> Console:
    """The console for results; as wide as needed when nobody looks, so that nothing is cut in a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=240)


def print_json(answer: Any) -> None:
    """Print an answer for programs."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    """Print rows; columns of numbers stand to the right, None is left empty."""
    body = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD)
    for index, name in enumerate(columns):
        numbers = body and all(isinstance(row[index], int | float | None) for row in body)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in body:
        table.add_row(*(_cell(value) for value in row))
    out().print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)


def percent(rate: float) -> str:
    """A rate for people."""
    return f"{100 * rate:.1f} %"


def seconds(window: str | None) -> int | None:
    """``3h`` as 10800.

    Raises:
        UsageError: it is not a number and a unit.
    """
    if window is None:
        return None
    match = _WINDOW.match(window.strip().lower())
    if match is None:
        raise UsageError(
            f"{window} is not a window: give a number and s, m, h or d, for instance 90m, 3h or 30d."
        )
    return int(match[1]) * _UNITS[match[2]]


def window(length: int) -> str:
    """10800 as ``3h``."""
    unit = next(name for name in "dhms" if length % _UNITS[name] == 0)
    return f"{length // _UNITS[unit]}{unit}"


class Bar:
    """Shows progress and collects parts; see ``control.Talk``."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total)

    def items(self, items: list[Any]) -> None:
        """Nothing that shows a bar is answered in parts."""


@contextmanager
def progress_bar(what: str, unit: str = "facts") -> Iterator[Bar]:
    """A bar on stderr, gone when the work is done; nothing when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} " + unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield Bar(bar, bar.add_task(what, total=0))


class Quiet:
    """Shows nothing; see ``control.Talk``."""

    def progress(self, done: int, total: int) -> None:
        """Not shown."""

    def items(self, items: list[Any]) -> None:
        """Nothing that is asked quietly is answered in parts."""
