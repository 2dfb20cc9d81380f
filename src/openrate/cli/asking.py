"""How a command gets its answer: from the running server, or from the files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from openrate import compose
from openrate.cli.terminal import Quiet
from openrate.config import Settings, settings_from

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data folder; OPENRATE_DATA stands in for it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead.")]


def settings(data: Path | None, **given: object) -> Settings:
    """The settings of this process."""
    return settings_from(os.environ, data=data, **given)


def ask(data: Path | None, request: msgspec.Struct, *, create: bool = False) -> Any:
    """Answer a request that takes no time worth showing."""
    with asking(data, create=create) as line:
        return line.ask(request, Quiet())


@contextmanager
def asking(data: Path | None, *, create: bool = False) -> Iterator[compose.Asking]:
    """Something to ask one request after another; ``create`` makes the data folder when it is not there."""
    with compose.asking(settings(data), " ".join(["openrate", *sys.argv[1:3]]), create=create) as line:
        yield line
