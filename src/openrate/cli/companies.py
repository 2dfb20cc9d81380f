"""openrate company."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from openrate.cli.asking import Data, Json, ask, asking
from openrate.cli.terminal import moment, print_json, print_table, progress_bar, seconds
from openrate.commands.requests import CreateKey, ListKeys, RevokeKey, SetCompany
from openrate.model import Scope, window

app = typer.Typer(
    help="Companies: their REST keys and windows.\n\nExample: openrate company key list Acme --data data",
    no_args_is_help=True,
    rich_markup_mode=None,
)
keys = typer.Typer(
    help="REST keys.\n\nExample: openrate company key list Acme --data data",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(keys, name="key")

Company = Annotated[str, typer.Argument(metavar="COMPANY", help="The company's name.")]


def _window(meaning: str) -> Any:
    return typer.Option(metavar="WINDOW", help=meaning)


@keys.command("create")
def create_key(
    company: Company,
    scope: Annotated[Scope, typer.Option(help="full, or read for tools that only read.")] = Scope.FULL,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a REST key, which is shown this once.

    Example: openrate company key create Acme --scope read --data data
    """
    made = ask(data, CreateKey(company, scope))
    if json:
        print_json(made)
        return
    print_table(["id", "scope", "rest_api_key"], [[made["id"], made["scope"], made["rest_api_key"]]])
    typer.echo("Keep the REST key now: it is not stored and is not shown again.", err=True)


@keys.command("list")
def list_keys(company: Company, data: Data = None, json: Json = False) -> None:
    """The REST keys of a company; not the keys themselves, which are not kept.

    Example: openrate company key list Acme --data data
    """
    found = ask(data, ListKeys(company))
    if json:
        print_json(found)
        return
    columns = ("id", "scope", "created", "revoked")
    rows = [[row["id"], row["scope"], moment(row["created"]), moment(row["revoked"])] for row in found]
    print_table(columns, rows)


@keys.command("revoke")
def revoke_key(
    company: Company,
    key: Annotated[int, typer.Argument(metavar="ID", help="Its number in openrate company key list.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a REST key void, for good and at once.

    Example: openrate company key revoke Acme 2 --data data
    """
    answer = ask(data, RevokeKey(company, key))
    if json:
        print_json(answer)
    else:
        typer.echo(f"Key {key} of {company} is void.")


@app.command("set")
def set_(  # noqa: PLR0913 - an option each
    company: Company,
    influence_window: Annotated[str | None, _window("An open this soon after is influenced; 1m up.")] = None,
    reengage_window: Annotated[
        str | None, _window("Who comes back this soon is re-engaged; 1h to 7d.")
    ] = None,
    inactive_after: Annotated[str | None, _window("Without an open for so long; 1d to 365d.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Set attribution windows, or show them.

    A window is a number and s, m, h or d. The past is counted anew under what is set; until the new numbers
    are ready the old ones answer, whole.

    Example: openrate company set Acme --influence-window 6h --data data
    """
    request = SetCompany(
        company, seconds(influence_window), seconds(reengage_window), seconds(inactive_after)
    )
    with asking(data) as line, progress_bar("Counting anew") as bar:
        rule = line.ask(request, bar)
    if json:
        print_json(rule)
        return
    names = ("influence_window", "reengage_window", "inactive_after")
    print_table(["company", *names], [[company, *(window(rule[name]) for name in names)]])
