"""The command line: nouns with verbs, ``--json`` beside every table, errors in one sentence."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from openrate import __version__
from openrate.cli import apps, campaigns, companies, facts, people, sending, serving
from openrate.errors import OpenrateError, UsageError

__all__ = ["app", "main"]

_PRIVATE = 0o077
"""What is written (the stores, the sockets, exports) is for the user who runs this alone."""
_STOPPED = 130
"""Exit code after Ctrl-C; typer catches that itself and says nothing."""

app = typer.Typer(
    name="openrate",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Push campaigns whose numbers can be trusted."""


campaigns.app.command()(sending.send)
campaigns.app.command()(sending.progress)
app.add_typer(apps.app, name="app")
app.add_typer(companies.app, name="company")
app.add_typer(people.app, name="user")
app.add_typer(campaigns.app, name="campaign")
for command, name in (
    (serving.serve, "serve"),
    (campaigns.stats, "stats"),
    (facts.verify, "verify"),
    (facts.rebuild, "rebuild"),
    (facts.import_, "import"),
    (facts.export, "export"),
    (serving.demo, "demo"),
):
    app.command(name)(command)


def main() -> None:
    """Run a command: exit code 0, 1 for what went wrong, 2 for wrong use, 3 for rows that differ, 130 for Ctrl-C."""
    os.umask(_PRIVATE)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack the letters of a name
    try:
        code = app(standalone_mode=False)
        if code == _STOPPED:
            _say("Stopped.", code)
    except OpenrateError as error:
        code = _say(str(error), 2 if isinstance(error, UsageError) else 1)
    except typer.TyperException as error:
        code = _say(error.format_message().replace("Value error, ", ""), error.exit_code)
    except (typer.Abort, KeyboardInterrupt) as stopped:
        code = _say(str(stopped) or "Stopped.", _STOPPED)
    sys.exit(code)


def _say(sentence: str, code: int) -> int:
    is_help = sentence.startswith("Usage:")  # what a noun without a verb gets
    sys.stderr.write(f"{sentence}\n" if is_help else f"openrate: {sentence}\n")
    return code
