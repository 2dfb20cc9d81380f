"""openrate user."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from openrate.cli.asking import Data, Json, ask
from openrate.cli.terminal import moment, print_json, print_table
from openrate.commands.requests import CreateUser, ListUsers, RemoveUser, SetUser
from openrate.model import Role

app = typer.Typer(
    help="People who sign in to the pages.\n\nExample: openrate user list --data data",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_LONGEST_LINE = 1_000

Email = Annotated[str, typer.Option(metavar="ADDRESS", help="With what the person signs in.")]


@app.command()
def create(
    company: Annotated[str, typer.Option(help="Whose campaigns and numbers the person sees.")],
    email: Email,
    role: Annotated[
        Role, typer.Option(help="manager: everything; editor: campaigns; viewer: numbers only.")
    ] = Role.MANAGER,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a person who signs in to the pages. The password is asked for, or read from a pipe: a line.

    The first of a company is its manager, who invites the others on the pages.

    Example: openrate user create --company Acme --email ada@example.com --data data
    """
    _print([ask(data, CreateUser(company, email, _password(), role))], json)


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """Everybody who may sign in, by company.

    Example: openrate user list --data data
    """
    _print(ask(data, ListUsers()), json)


@app.command("set")
def set_(
    email: Email,
    role: Annotated[Role | None, typer.Option(help="What the person may do from now on.")] = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a new password, or read it from a pipe.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change a person's role or password; a new password signs them out everywhere.

    Example: openrate user set --email ada@example.com --password --data data
    """
    _print([ask(data, SetUser(email, role, _password() if password else None))], json)


@app.command()
def remove(email: Email, data: Data = None, json: Json = False) -> None:
    """Forget a person and end their sessions. What they did stays in the audit log.

    Example: openrate user remove --email ada@example.com --data data
    """
    removed = ask(data, RemoveUser(email))
    if json:
        print_json(removed)
    else:
        typer.echo(f"{removed['email']} cannot sign in any more.")


def _password() -> str:
    """Asked for twice and not shown, or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")


def _print(rows: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(rows if len(rows) != 1 else rows[0])
        return
    columns = ("company", "email", "role", "created")
    print_table(columns, [[*(row[name] for name in columns[:3]), moment(row["created"])] for row in rows])
