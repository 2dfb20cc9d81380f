"""openrate app."""

from __future__ import annotations

from typing import Annotated

import typer

from openrate.cli import credentials
from openrate.cli.asking import Data, Json, ask
from openrate.cli.terminal import print_json, print_table
from openrate.commands.requests import CreateApp, ListApps, RotateTokens, SetApp
from openrate.model import Platform, Sender

app = typer.Typer(
    help="Apps and their keys.\n\nExample: openrate app list --data data",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.add_typer(credentials.app, name="credentials")

_KEYS = ("live_key", "dev_key", "sdk_key")


@app.command()
def create(  # noqa: PLR0913 - an option each
    company: Annotated[str, typer.Option(help="The company; one of that name is reused.")],
    name: Annotated[str, typer.Option(help="The app.")],
    platform: Annotated[Platform, typer.Option(help="What the app runs on.")],
    sender: Annotated[Sender, typer.Option(help="Who sends its pushes.")] = Sender.EXTERNAL,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make an app, and its company when there is none of that name.

    The REST key of a new company is shown this once; make more with: openrate company key create.

    Example: openrate app create --company Acme --name Shop --platform ios --data data
    """
    made = ask(data, CreateApp(company, name, platform, sender), create=True)
    if json:
        print_json(made)
        return
    keys = [[name, made[name]] for name in ("rest_api_key", *_KEYS) if made[name] is not None]
    print_table(["", made["company"] + ": " + made["app"]], keys)
    if made["rest_api_key"] is None:
        typer.echo(
            f"The REST keys of {company} open it too. They cannot be shown again; "
            "openrate company key create makes another.",
            err=True,
        )
    else:
        typer.echo("Keep the REST key now: it is not stored and is not shown again.", err=True)


@app.command("set")
def set_(
    app_key: Annotated[str, typer.Option("--app", metavar="LIVE_KEY", help="Which app.")],
    sender: Annotated[Sender | None, typer.Option(help="Who sends its pushes from now on.")] = None,
    send_rate: Annotated[
        int | None, typer.Option(help="Messages a minute our sender may send for it; 0: as many as it can.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change who sends for an app, and how fast.

    To give an app to an external sender ends what Openrate is sending for it. What comes due meanwhile is not
    sent, even if the app is given back later.

    Example: openrate app set --app 51F0…9C --send-rate 60000 --data data
    """
    changed = ask(data, SetApp(app_key, sender, send_rate))
    if json:
        print_json(changed)
        return
    print_table(["app", "sender", "send_rate"], [[changed["app"], changed["sender"], changed["send_rate"]]])


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """Every app with its keys, its sender and its send rate (messages a minute).

    Example: openrate app list --data data
    """
    apps = ask(data, ListApps())
    if json:
        print_json(apps)
        return
    columns = ("company", "app", "platform", "sender", "send_rate", *_KEYS)
    print_table(columns, [[row[name] for name in columns] for row in apps])


@app.command("rotate-tokens")
def rotate_tokens(data: Data = None, json: Json = False) -> None:
    """Sign installation tokens with a new key, for when the old one may be known to others.

    Tokens signed before stay good until this is run again: devices get new ones when they register anew.

    Example: openrate app rotate-tokens --data data
    """
    done = ask(data, RotateTokens())
    if json:
        print_json(done)
    else:
        typer.echo(
            "Installation tokens are signed with a new key. Run this again to void those of the old one."
        )
