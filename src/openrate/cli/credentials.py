"""openrate app credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from openrate.cli.asking import Data, Json, ask
from openrate.cli.terminal import print_json, print_table
from openrate.commands.requests import RemoveCredentials, SetCredentials, ShowCredentials
from openrate.errors import UsageError
from openrate.model import ProviderName

app = typer.Typer(
    help="With what our sender sends for an app.\n\n"
    "Example: openrate app credentials show --app 51F0…9C --data data",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_LONGEST_FILE = 65_536
"""Bytes; a service account has 2,400."""

AppKey = Annotated[str, typer.Option("--app", metavar="LIVE_KEY", help="Which app.")]


@app.command("set")
def set_(  # noqa: PLR0913 - an option each
    app_key: AppKey,
    provider: Annotated[
        ProviderName,
        typer.Option(
            help="By whom: fcm for Android, apns for iOS, webpush for the web; stub sends nothing, for first steps."
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The service account (fcm), the .p8 key (apns), a VAPID key in PEM (webpush), settings (stub).",
        ),
    ] = None,
    key_id: Annotated[str | None, typer.Option(metavar="ID", help="apns: the key's id.")] = None,
    team_id: Annotated[str | None, typer.Option(metavar="ID", help="apns: the team's id.")] = None,
    topic: Annotated[str | None, typer.Option(metavar="BUNDLE", help="apns: the app's bundle id.")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="MAILTO", help="webpush: whom push services may write to.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="fcm, apns: send there instead, for proxies and tests.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Give an app its credentials; they are encrypted before they are stored and never shown again.

    The VAPID key of webpush is made here unless a file brings one.

    Example: openrate app credentials set --app 51F0…9C --provider fcm --file service-account.json --data data

    Example: openrate app credentials set --app 51F0…9C --provider apns --file AuthKey_ABCDE12345.p8
    --key-id ABCDE12345 --team-id TEAM567890 --topic com.example.shop --data data

    Example: openrate app credentials set --app 51F0…9C --provider webpush --subject mailto:push@example.com
    --data data

    Example: openrate app credentials set --app 51F0…9C --provider stub --data data
    """
    content = None if file is None else _read(file)
    request = SetCredentials(app_key, provider, content, key_id, team_id, topic, subject, base_url)
    _print(ask(data, request), json)


@app.command()
def show(app_key: AppKey, data: Data = None, json: Json = False) -> None:
    """What is known of an app's credentials: no secrets, and of webpush the public key for pages.

    Example: openrate app credentials show --app 51F0…9C --data data
    """
    _print(ask(data, ShowCredentials(app_key)), json)


@app.command()
def remove(app_key: AppKey, data: Data = None, json: Json = False) -> None:
    """Forget an app's credentials; what is to be sent for it waits.

    Example: openrate app credentials remove --app 51F0…9C --data data
    """
    removed = ask(data, RemoveCredentials(app_key))
    if json:
        print_json(removed)
    else:
        typer.echo(f"{removed['app']} has no credentials any more.")


def _print(answer: dict[str, Any], json: bool) -> None:
    if json:
        print_json(answer)
    else:
        print_table(["", answer["app"]], [[name, value] for name, value in answer.items() if name != "app"])


def _read(file: Path) -> str:
    """The text of a file, if it is as short as such files are."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST_FILE + 1)
        text = content.decode()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text: a JSON or PEM file is accepted.") from None
    if len(content) > _LONGEST_FILE:
        raise UsageError(f"{file} is too long: at most {_LONGEST_FILE} bytes are accepted.")
    return text
