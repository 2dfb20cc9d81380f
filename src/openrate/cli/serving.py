"""openrate serve, openrate demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openrate.cli import late
from openrate.cli.asking import Data, settings
from openrate.folder import DataFolder, held


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 if not given.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="8000 if not given; 0 takes a free one.")
    ] = None,
) -> None:
    """Serve HTTP until SIGTERM or Ctrl-C. TLS is a proxy's work.

    Every setting can be given as OPENRATE_<NAME>, and as OPENRATE_<NAME>_FILE for one kept in a file.

    Example: openrate serve --data data --port 8000
    """
    late.server.serve(settings(data, host=host, port=port))


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Leave the data there, to look at the pages; an older demo's is replaced."
        ),
    ] = None,
) -> None:
    """See all of it work in a few seconds.

    Starts a server on a free port, reports facts over HTTP, shows and checks the numbers, and ends.

    Example: openrate demo --keep demo
    """
    late.demo.run(keep, lambda data: held(DataFolder(data), "openrate demo", "--keep"))
