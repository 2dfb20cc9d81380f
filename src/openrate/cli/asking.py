"""How a command gets its answer: from the running server, or from the files."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import typer

from openrate.cli import late
from openrate.cli.terminal import Quiet
from openrate.config import Settings, settings_from
from openrate.control import Line, Talk, dial
from openrate.errors import StoreBusy
from openrate.folder import DataFolder, existing, held, made

_STARTING = 15.0
"""Seconds a server may take to start before a command gives up on it."""
_PAUSE = 0.1

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data folder; OPENRATE_DATA stands in for it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead.")]


class Asking(Protocol):
    """Answers requests, one after another."""

    def ask(self, request: msgspec.Struct, talk: Talk) -> Any:
        """The answer in plain JSON types; raises OpenrateError."""


def settings(data: Path | None, **given: object) -> Settings:
    """The settings of this process."""
    return settings_from(os.environ, data=data, **given)


def ask(data: Path | None, request: msgspec.Struct, *, create: bool = False) -> Any:
    """Answer a request that takes no time worth showing."""
    with asking(data, create=create) as line:
        return line.ask(request, Quiet())


@contextmanager
def asking(data: Path | None, *, create: bool = False) -> Iterator[Asking]:
    """The running server of the data folder, or its files.

    Args:
        data: the folder, if it was given.
        create: whether to make the folder when it is not there.

    Raises:
        StoreError: there is no data, or it cannot be used.
    """
    chosen = settings(data)
    folder = made(chosen.data) if create else existing(chosen.data)
    with ExitStack() as opened:
        yield _reached(opened, chosen, folder)


def is_server(line: Asking) -> bool:
    """Whether it is the running server that answers, which also sends what is due."""
    return isinstance(line, Line)


def _reached(opened: ExitStack, chosen: Settings, folder: DataFolder) -> Asking:
    """Whoever answers. A server that holds the folder and does not listen yet is starting: wait for it."""
    purpose = " ".join(["openrate", *sys.argv[1:3]])
    deadline = time.monotonic() + _STARTING
    while True:
        line = dial(folder.control)
        if line is not None:
            return opened.enter_context(closing(line))
        try:
            opened.enter_context(held(folder, purpose))
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return opened.enter_context(late.stores.alone(chosen, folder))
