"""openrate campaign, openrate stats."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from openrate.cli import late
from openrate.cli.asking import Data, Json, ask
from openrate.cli.terminal import moment, out, percent, print_json, print_table
from openrate.commands.requests import ListCampaigns, ShowCampaign, ShowStats
from openrate.model import COUNTERS, window
from openrate.stats import open_rate

app = typer.Typer(
    help="Campaigns.\n\nExample: openrate campaign list --data data",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Token = Annotated[str, typer.Argument(metavar="TOKEN", help="The campaign token.")]


@app.command("list")
def list_(
    app_key: Annotated[
        str | None, typer.Option("--app", metavar="LIVE_KEY", help="Only of this app.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of each app.")] = 20,
    data: Data = None,
    json: Json = False,
) -> None:
    """The newest campaigns.

    Example: openrate campaign list --limit 5 --data data
    """
    found = ask(data, ListCampaigns(app_key, limit))
    if json:
        print_json(found)
        return
    columns = ("campaign_token", "name", "app", "platform", "state", "created")
    print_table(columns, [[*(row[name] for name in columns[:-1]), moment(row["created"])] for row in found])


@app.command()
def show(token: Token, data: Data = None, json: Json = False) -> None:
    """One campaign with its parameters.

    Example: openrate campaign show d9d5e5a52ca08110d4893af3254ec21b --data data
    """
    found = ask(data, ShowCampaign(token))
    if json:
        print_json(found)
        return
    parameters = found.pop("parameters")
    print_table(["", found["name"]], [[name, value] for name, value in found.items()])
    print_json(parameters)


def stats(token: Token, data: Data = None, json: Json = False) -> None:
    """The statistics of a campaign.

    A row per day, the open rates, and in a terminal a small plot of them.

    Example: openrate stats d9d5e5a52ca08110d4893af3254ec21b --data data
    """
    found = ask(data, ShowStats(token))
    if json:
        print_json(found)
        return
    print_stats(found)


def print_stats(found: dict[str, Any]) -> None:
    """The table of a campaign's rows, its versions under each, and the plot."""
    detail = found["detail"]
    if not detail:
        typer.echo("Nothing was sent for this campaign yet.")
        return
    rows = [line for day in detail for line in _lines(day)]
    if len(detail) > 1:
        rows.append(_line("total", _sum(detail)))
    print_table(["date", *COUNTERS, "open rate"], rows, title=f"{found['name']} ({found['app']})")
    rule = found["attribution_rule"]
    typer.echo(
        f"Influenced within {window(rule['influence_window'])}, re-engaged within "
        f"{window(rule['reengage_window'])} after {window(rule['inactive_after'])} without an open.\n"
        "Days are UTC."
    )
    if len(detail) > 1 and out().is_terminal:
        typer.echo(late.plot.open_rates(detail))


def _lines(day: dict[str, Any]) -> list[list[object]]:
    versions = day.get("versions", {})
    return [_line(day["date"], day), *(_line(f"  version {name}", row) for name, row in versions.items())]


def _line(name: str, row: dict[str, Any]) -> list[object]:
    return [name, *(row.get(counter) for counter in COUNTERS), percent(open_rate(row))]


def _sum(detail: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(day[name] for day in detail) for name in COUNTERS if name in detail[0]}
