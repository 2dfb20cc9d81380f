"""What people see: tables on stdout, progress and errors on stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from openrate.control import COMMAND_LINE
from openrate.errors import UsageError
from openrate.model import UNITS

_GAP = 2
"""Spaces between columns."""
_WINDOW = re.compile(r"([1-9][0-9]{0,8})\s*([smhd])\Z")


def out() -> Console:
    """The console for results; as wide as needed when nobody looks, so that nothing is cut in a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=240)


def print_json(answer: Any) -> None:
    """Print an answer for programs."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None
) -> None:
    """Print rows; columns of numbers stand to the right, None is left empty.

    Words stay whole, so that keys can be copied: where the table is too wide for the terminal, headings
    first break at their underscores, then each row becomes lines of name and value.
    """
    body = [[_cell(value) for value in row] for row in rows]
    numbers = [all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    console = out()
    headings = list(columns)
    if _least_width(headings, body) > console.width:
        headings = [name.replace("_", "_\n").replace(" ", "\n") for name in columns]
    if body and _least_width(headings, body) > console.width:
        _print_pairs(console, columns, body, title)
        return
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),  # and one that the box has between columns
    )
    for index, name in enumerate(headings):
        cells = [row[index] for row in body]
        justify: JustifyMethod = "right" if body and numbers[index] else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=_widest(cells) == _longest(cells))
    for row in body:
        table.add_row(*map(escape, row))
    console.print(table)


def _least_width(headings: Sequence[str], body: list[list[str]]) -> int:
    """How wide a table is at least, when no word in it is broken."""
    columns = zip(headings, *body, strict=True)
    widths = [max(_widest(heading.split("\n")), _longest(cells)) for heading, *cells in columns]
    return sum(widths) + _GAP * (len(widths) - 1)


def _longest(cells: Iterable[str]) -> int:
    """The length of the longest word. A rate is one, and so is what is set in."""
    words = [[cell] if cell.startswith(" ") or cell.endswith(" %") else cell.split() for cell in cells]
    return max((len(word) for some in words for word in some), default=0)


def _widest(cells: Iterable[str]) -> int:
    return max(map(len, cells), default=0)


def _print_pairs(console: Console, columns: Sequence[str], body: list[list[str]], title: str | None) -> None:
    width = max(map(len, columns))
    if title is not None:
        console.print(title, style="bold", markup=False)
    for row in body:
        for name, value in zip(columns, row, strict=True):
            console.print(f"  {name:{width}}  {value}", markup=False, highlight=False, soft_wrap=True)
        console.print()


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float) or str(value).endswith(" %")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def moment(at: str | None) -> str | None:
    """``2026-03-10T23:30:00.000Z`` as ``2026-03-10 23:30``."""
    return None if at is None else at[:16].replace("T", " ")


def facts(count: int) -> str:
    """``1 fact``, ``1,234 facts``."""
    return f"{count:,} fact{'' if count == 1 else 's'}"


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
    return int(match[1]) * UNITS[match[2]]


class Bar:
    """Shows progress and collects parts; see ``control.Talk``."""

    by = COMMAND_LINE

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

    by = COMMAND_LINE

    def progress(self, done: int, total: int) -> None:
        """Not shown."""

    def items(self, items: list[Any]) -> None:
        """Nothing that is asked quietly is answered in parts."""
