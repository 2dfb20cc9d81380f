"""Why the numbers of a campaign are what they are: its facts, hour by hour, and those of one installation."""

from __future__ import annotations

from itertools import groupby, islice
from typing import Any

from openrate import stats
from openrate.commands.parts import Parts
from openrate.explanation import Explained, explain
from openrate.inspections import Inspections
from openrate.model import App, Campaign
from openrate.ports.event_log import LATE_MS, Inspection
from openrate.stats_csv import hours_csv
from openrate.web.call import Answer
from openrate.web.pages.charts import HOUR_S, Series, chart
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import NOTHING_NEW, Visit, csv_file, find_campaign
from openrate.web.routing import Route

_LONGEST_ID = 64
"""Characters of an installation's id."""
_AT_ONCE = 50_000
"""Deliveries whose facts are looked at before the page is there: some 50 ms."""
_MOST_FACTS = 2_000
"""Of one installation: more cannot be read by anybody."""


class WhyPage:
    """A page of its own, and a part of the page of the campaign that comes after it."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._door = door
        self._renderer = renderer
        self._inspections = Inspections(parts.log)

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/campaigns/{token}/why", self._door.page(self.page)),
            Route("GET", "/campaigns/{token}/part/why", self._door.page(self.part)),
            Route("GET", "/campaigns/{token}/hours.csv", self._door.page(self.hours_file)),
        ]

    def page(self, visit: Visit) -> Answer:
        """The whole page."""
        app, campaign = find_campaign(self._parts.records, visit)
        asked = visit.query["installation"][:_LONGEST_ID]
        explained, is_more = self._explained(app, campaign, asked)
        content: dict[str, Any] = {"app": app, "campaign": campaign, "asked": asked, "most": _MOST_FACTS}
        content |= {"explained": explained, "is_more": is_more, "waits": self._waits(visit, campaign)}
        if not content["waits"]:
            content |= self._content(app, campaign)
        return self._renderer.page(visit, "why.html", **content)

    def part(self, visit: Visit) -> Answer:
        """What stands on the page of the campaign, unless it is as it was seen."""
        app, campaign = find_campaign(self._parts.records, visit)
        if visit.query["seen"] == self._inspections.revision(campaign):
            return NOTHING_NEW
        return self._renderer.fragment(visit, "why_facts.html", **self._content(app, campaign))

    def hours_file(self, visit: Visit) -> Answer:
        """The hours of the page as CSV."""
        _, campaign = find_campaign(self._parts.records, visit)
        found = self._inspections.of(campaign).found
        text = hours_csv(found.began_at or 0, found.hours, has_versions=campaign.has_versions)
        return csv_file(f"hours-{campaign.token}.csv", text)

    def _waits(self, visit: Visit, campaign: Campaign) -> bool:
        """Whether looking at the facts takes longer than a page may, and nobody asks for it all the same."""
        totals = self._parts.log.totals(campaign.id)
        is_large = totals["sent"] + totals["errors"] > _AT_ONCE
        return is_large and visit.query["all"] != "yes" and not self._inspections.is_known(campaign)

    def _content(self, app: App, campaign: Campaign) -> dict[str, Any]:
        looked = self._inspections.of(campaign)
        found = looked.found
        return {
            "app": app,
            "campaign": campaign,
            "rule": self._parts.log.rule(app.id),
            "found": found,
            "late_hours": LATE_MS // (HOUR_S * 1000),
            "refused": self._parts.ingest.refusals.of_campaign(campaign.id),
            "failed": sum(found.errors.values()),
            "hours": _hours(found),
            "drawn": _chart(found, campaign),
            "seen": looked.revision,
        }

    def _explained(self, app: App, campaign: Campaign, asked: str) -> tuple[list[Explained], bool]:
        """The facts of an installation, each with what it counts as; and whether there are too many to say."""
        if not asked:
            return [], False
        facts = list(islice(self._parts.log.facts(app.id, installation_id=asked), _MOST_FACTS + 1))
        if len(facts) > _MOST_FACTS:
            return [], True
        return explain(facts, campaign.id, self._parts.log.rule(app.id)), False


def _hours(found: Inspection) -> list[dict[str, Any]]:
    """The hours in which something happened, both versions of one together."""
    began = (found.began_at or 0) // 1000
    return [
        {
            "at": 1000 * (began + hour * HOUR_S),
            **{name: sum(getattr(r, name) for r in rows) for name in _COUNTED},
        }
        for hour, rows in (
            (hour, list(group)) for hour, group in groupby(found.hours, key=lambda row: row.hour)
        )
    ]


_COUNTED = ("sent", "direct_open", "influenced_open")


def _chart(found: Inspection, campaign: Campaign) -> dict[str, Any]:
    """Opens by hour, every hour to the last in which something happened, of A/B campaigns by version."""
    hours = range(max((row.hour for row in found.hours), default=0) + 1)
    opened = {(row.hour, row.version): row.direct_open + row.influenced_open for row in found.hours}
    versions: list[tuple[str | None, str, str]] = [(None, "Opens", "--a")]
    if campaign.has_versions:
        versions = [(name, f"Opens of {name.upper()}", f"--{name}") for name in stats.VERSIONS]
    began = (found.began_at or 0) // 1000
    lines = (
        Series(label, color, [opened.get((hour, name), 0) for hour in hours])
        for name, label, color in versions
    )
    return chart(HOUR_S, [began + hour * HOUR_S for hour in hours], *lines)
