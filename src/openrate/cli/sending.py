"""openrate campaign send, openrate campaign progress."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from openrate.cli.asking import Data, Json, ask, asking
from openrate.cli.campaigns import Token
from openrate.cli.terminal import Bar, Quiet, moment, print_json, print_table, progress_bar
from openrate.commands.requests import SendCampaign, ShowProgress
from openrate.model import CampaignState

_LOOK_S = 0.5
_COLUMNS = ("send_id", "state", "recipients", "sent", "errors", "skipped", "finished_at", "reason")


def send(
    token: Token,
    watch: Annotated[bool, typer.Option("--watch", help="Show how far it is until it is done.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a campaign live: it is sent when it is due, by the server.

    Ctrl-C ends the watching and not the sending.

    Example: openrate campaign send d9d5e5a52ca08110d4893af3254ec21b --watch --data data
    """
    found = ask(data, SendCampaign(token))
    if watch:
        with asking(data) as line, progress_bar(found["name"], "recipients") as bar:
            while not _is_over(found):
                time.sleep(_LOOK_S)
                found = line.ask(ShowProgress(token), Quiet())
                _show(bar, found)
    _print(found, json=json)


def progress(token: Token, data: Data = None, json: Json = False) -> None:
    """How far the sends of a campaign are.

    Example: openrate campaign progress d9d5e5a52ca08110d4893af3254ec21b --data data
    """
    _print(ask(data, ShowProgress(token)), json=json)


def _is_over(found: dict[str, Any]) -> bool:
    return found["state"] in {CampaignState.COMPLETED, CampaignState.STOPPED}


def _show(bar: Bar, found: dict[str, Any]) -> None:
    bar.explain(found["name"] if found["reason"] is None else found["reason"])
    bar.progress(found["sent"] + found["errors"] + found["skipped"], found["recipients"])


def _print(found: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    rows = [
        [moment(row[name]) if name == "finished_at" else row[name] for name in _COLUMNS]
        for row in found["sends"]
    ]
    if rows:
        print_table(_COLUMNS, rows, title=f"{found['name']}: {found['state']}")
    else:
        typer.echo(f"{found['name']} is {found['state']}: nothing was sent for it yet.")
