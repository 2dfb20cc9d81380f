"""The page of one campaign: its numbers, its messages, its history, and what may be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from openrate import campaigns, stats
from openrate.commands.parts import Parts
from openrate.delivery.progress import progress
from openrate.model import App, Campaign, CampaignState, DayRow, Role, Send, Sender
from openrate.stats_csv import days_csv
from openrate.web.call import Answer
from openrate.web.campaign_changes import update_campaign
from openrate.web.pages.audit_lines import line
from openrate.web.pages.charts import DAY_S, Series, bars, chart
from openrate.web.pages.described import described, what_comes_next, why_nobody_got_it
from openrate.web.pages.door import Door
from openrate.web.pages.edit.times import remembered_zone
from openrate.web.pages.edit.warnings import what_is_past
from openrate.web.pages.edit.work import as_chosen, begins
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import NOTHING_NEW, Visit, base_url, csv_file, find_campaign, redirect
from openrate.web.pages.waits import on_a_page
from openrate.web.routing import Route

_LIVE, _STOPPED = (msgspec.json.encode({"live": live}) for live in (True, False))
_HISTORY = 50
"""Changes that are shown."""


class Step(NamedTuple):
    """A step of the funnel; ``share`` is of what was sent, from 0 to 1."""

    title: str
    meaning: str
    deliveries: int
    share: float


class CampaignPage:
    """One campaign, and the part of its page that is asked for again and again."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._door = door
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        page, action = self._door.page, self._door.action
        return [
            Route("GET", "/campaigns/{token}", page(self.show)),
            Route("GET", "/campaigns/{token}/part/numbers", page(self.numbers)),
            Route("GET", "/campaigns/{token}/days.csv", page(self.days_file)),
            Route("POST", "/campaigns/{token}/start", action(self.start, Role.EDITOR)),
            Route("POST", "/campaigns/{token}/stop", action(self.stop, Role.EDITOR)),
            Route("POST", "/campaigns/{token}/delete", action(self.delete, Role.EDITOR)),
        ]

    def show(self, visit: Visit) -> Answer:
        """The whole page."""
        app, campaign = find_campaign(self._parts.records, visit)
        parameters = campaign.parameters
        entries = self._parts.audit.entries(visit.company.id, subject=campaign.token, limit=_HISTORY + 1)
        content: dict[str, Any] = {
            "versions": _versions(parameters["messages"]),
            "history": [line(entry, {}) for entry in entries[:_HISTORY]],
            "described": described(parameters, remembered_zone(visit.call)),
            "is_history_longer": len(entries) > _HISTORY,
            "server": base_url(visit.call),
            "goes_out": _what_live_means(app, campaign, visit.now),
        }
        sends = self._parts.sends.under_way(campaign.id)
        content |= self._numbers(visit, app, campaign, sends)
        return self._renderer.page(visit, "campaign.html", **content)

    def numbers(self, visit: Visit) -> Answer:
        """What changes while things happen, unless it is as it was seen."""
        app, campaign = find_campaign(self._parts.records, visit)
        sends = self._parts.sends.under_way(campaign.id)
        if visit.query["seen"] == self._revision(visit, app, campaign, sends):
            return NOTHING_NEW
        content = self._numbers(visit, app, campaign, sends)
        return self._renderer.fragment(visit, "campaign_news.html", **content)

    def days_file(self, visit: Visit) -> Answer:
        """The days of the page as CSV."""
        _, campaign = find_campaign(self._parts.records, visit)
        rows = self._parts.log.rows(campaign.id)
        return csv_file(f"days-{campaign.token}.csv", days_csv(rows, has_versions=campaign.has_versions))

    def start(self, visit: Visit) -> Answer:
        """Make it live."""
        self._update(visit, _LIVE)
        return _back(visit, "The campaign is live.")

    def stop(self, visit: Visit) -> Answer:
        """Switch it off."""
        self._update(visit, _STOPPED)
        return _back(visit, "The campaign is stopped.")

    def delete(self, visit: Visit) -> Answer:
        """Delete it. What is known of it is kept; it is not shown any more."""
        app, campaign = find_campaign(self._parts.records, visit)
        self._parts.records.delete_campaign(app.id, campaign.token, visit.now, visit.by)
        return redirect("/campaigns", f"{campaign.parameters['name']} is deleted.")

    def _update(self, visit: Visit, body: bytes) -> None:
        app, campaign = find_campaign(self._parts.records, visit)
        update_campaign(self._parts.records, app, campaign.token, body, visit.by)

    def _instead_of_numbers(self, visit: Visit, app: App, campaign: Campaign, state: CampaignState) -> str:
        """What is said while there is no number."""
        if state is CampaignState.COMPLETED and app.sender is Sender.OPENRATE and not campaign.dev_only:
            return why_nobody_got_it(self._parts.sends.of(campaign.id))
        return what_comes_next(campaign, app, state, visit.now, remembered_zone(visit.call))

    def _revision(self, visit: Visit, app: App, campaign: Campaign, sends: Sequence[Send]) -> str:
        """Another text whenever the numbers may look different."""
        log = self._parts.log
        state = campaigns.state(campaign, app, visit.now)
        shown = hash((state, campaign.next_due_at, log.rule(app.id), *sends))
        return f"{log.changed(campaign.id)}-{shown & 0xFFFFFFFF:x}"

    def _numbers(self, visit: Visit, app: App, campaign: Campaign, sends: Sequence[Send]) -> dict[str, Any]:
        seen = self._revision(visit, app, campaign, sends)  # first: what comes meanwhile is seen next time
        state = campaigns.state(campaign, app, visit.now)
        rows = self._parts.log.rows(campaign.id)
        totals = stats.totals(rows)
        days = _days(rows, campaign)
        return {
            "app": app,
            "campaign": campaign,
            "state": state,
            "totals": totals,
            "rate": stats.open_rate(totals),
            "funnel": _funnel(totals),
            "days": days,
            "drawn": _chart(days, campaign),
            "comparison": stats.compare(rows) if campaign.has_versions else None,
            "sending": _sending(sends),
            "on_a_page": on_a_page,
            "what_comes_next": self._instead_of_numbers(visit, app, campaign, state) if not days else "",
            "is_over": state is CampaignState.COMPLETED,
            "seen": seen,
        }


def _back(visit: Visit, said: str) -> Answer:
    return redirect(f"/campaigns/{visit.call.parts[2]}", said)


def _versions(messages: Any) -> list[tuple[str | None, list[dict[str, Any]]]]:
    """The messages by version; None is the one of a plain campaign."""
    return (
        [(None, messages)]
        if isinstance(messages, list)
        else [(name, messages[name]) for name in stats.VERSIONS]
    )


def _funnel(totals: Mapping[str, int]) -> list[Step]:
    """From what was sent to what came of it."""
    sent = totals["sent"]
    steps = [
        ("sent", "Sent", "accepted by Apple, Google or the browser's push service"),
        ("sent_optins", "Opted in", "sent to somebody who allows notifications"),
        ("direct_open", "Direct opens", "the notification was tapped"),
        ("influenced_open", "Influenced opens", "not tapped, but the app was opened soon after"),
        ("reengaged", "Re-engaged", "was inactive, and came back"),
    ]
    return [
        Step(title, meaning, totals[name], totals[name] / sent if sent else 0.0)
        for name, title, meaning in steps
    ]


def _days(rows: Sequence[DayRow], campaign: Campaign) -> list[dict[str, Any]]:
    """The days, newest first, each with its versions."""
    names = stats.VERSIONS if campaign.has_versions else ()
    days = []
    for day, group in groupby(rows, key=lambda row: row.day):
        of_day = list(group)
        counted = {name: _counted(row for row in of_day if row.version == name) for name in names}
        days.append({"day": day, "date": stats.iso_date(day), **_counted(of_day), "versions": counted})
    return days[::-1]


def _counted(rows: Iterable[DayRow]) -> dict[str, Any]:
    totals = stats.totals(rows)
    return {**totals, "rate": stats.open_rate(totals)}


def _chart(days: Sequence[Mapping[str, Any]], campaign: Campaign) -> dict[str, Any]:
    """What was sent by day, and the open rate, of A/B campaigns one for each version."""
    ascending = days[::-1]
    rates = [Series("Open rate", "--a", _rates(ascending), scale="percent")]
    if campaign.has_versions:
        rates = [
            Series(
                f"Open rate of {name.upper()}",
                f"--{name}",
                _rates([day["versions"][name] for day in ascending]),
                scale="percent",
            )
            for name in stats.VERSIONS
        ]
    times = [day["day"] * DAY_S for day in ascending]
    return chart(DAY_S, times, bars("Sent", [day["sent"] for day in ascending]), *rates)


def _rates(counted: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """In percent; None where nothing was sent."""
    return [100 * each["rate"] if each["sent"] else None for each in counted]


def _sending(sends: Sequence[Send]) -> dict[str, Any] | None:
    """How far our sender is, while there is something to say about it."""
    if not sends:
        return None
    counted = progress(sends)
    done = counted["sent"] + counted["errors"] + counted["skipped"]
    return {**counted, "done": done, "share": done / counted["recipients"] if counted["recipients"] else 0.0}


def _what_live_means(app: App, campaign: Campaign, now: int) -> str:
    """What is asked about before it is made live: that it goes out then; empty when it does not."""
    if not begins(app, campaign):
        return ""
    chosen = as_chosen(campaign)
    if chosen.get("push_time") == "now":
        return "It goes out at once."
    return what_is_past(chosen, now)
