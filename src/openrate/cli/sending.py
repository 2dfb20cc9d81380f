"""openrate campaign send, openrate campaign progress."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from openrate.cli.asking import Asking, Data, Json, ask, asking, is_server
from openrate.cli.campaigns import Token
from openrate.cli.terminal import Quiet, moment, print_json, print_table
from openrate.cli.watch import Watch, is_over, status
from openrate.commands.requests import SendCampaign, ShowProgress
from openrate.errors import OpenrateError
from openrate.model import CampaignState

_LOOK_S = 0.5
_COLUMNS = ("send_id", "state", "recipients", "sent", "errors", "skipped", "finished_at")


def send(
    token: Token,
    watch: Annotated[bool, typer.Option("--watch", help="Show how far it is until it is done.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a campaign live: openrate serve sends it when it is due.

    Ctrl-C ends the watching and not the sending.

    Example: openrate campaign send d9d5e5a52ca08110d4893af3254ec21b --watch --data data
    """
    with asking(data) as line:
        found = line.ask(SendCampaign(token), Quiet())
        served = is_server(line)
        if watch and served:
            found = _watch(line, found)
    if watch and not served:
        raise OpenrateError(
            f"{found['name']} is live, but no server runs, so there is nothing to watch: "
            "start openrate serve, which sends it when it is due."
        )
    _print(found, json=json)
    if not served:
        typer.echo("No server runs: it is sent only while openrate serve runs.", err=True)


def progress(token: Token, data: Data = None, json: Json = False) -> None:
    """How far the sends of a campaign are.

    Example: openrate campaign progress d9d5e5a52ca08110d4893af3254ec21b --data data
    """
    _print(ask(data, ShowProgress(token)), json=json)


def _watch(line: Asking, found: dict[str, Any]) -> dict[str, Any]:
    """Show how far a campaign is until it is over; returns how it ended."""
    try:
        with Watch(found) as shown:
            shown.show(found)
            while not is_over(found):
                time.sleep(_LOOK_S)
                found = line.ask(ShowProgress(found["campaign_token"]), Quiet())
                shown.show(found)
    except KeyboardInterrupt:
        raise typer.Abort(
            "The watching has ended and the sending goes on: "
            f"openrate campaign progress {found['campaign_token']} shows how far it is."
        ) from None
    return found


def _print(found: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    if not found["sends"]:
        typer.echo(f"{found['name']} is {found['state']}: nothing was sent for it yet.")
        if found["state"] == CampaignState.SCHEDULED:
            typer.echo(status(found))
        return
    rows = [
        [moment(row[name]) if name == "finished_at" else row[name] for name in _COLUMNS]
        for row in found["sends"]
    ]
    print_table(_COLUMNS, rows, title=f"{found['name']}: {found['state']}")
    for row in found["sends"]:
        if row["reason"] is not None:
            typer.echo(f"{row['send_id']}: {row['reason']}")
