"""The installations of a company's apps: how many, of what kind, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from openrate import stats
from openrate.audience.figures import Count, Day, Figures, summed, together
from openrate.commands.parts import Parts
from openrate.model import App, Rule
from openrate.web.call import Answer
from openrate.web.pages.charts import DAY_S, Series, bars, chart
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.segments import segment_meanings
from openrate.web.pages.visit import NOTHING_NEW, Visit, base_url, find_app
from openrate.web.routing import Route

_DAYS = 90
_MOST_LINES = 15
"""Languages and regions that are listed; the others are one line."""


class Line(NamedTuple):
    """A kind of installations; ``share`` is of all, from 0 to 1."""

    name: str
    note: str
    installations: Count
    share: float


class AudiencePage:
    """The page, and the part of it that is asked for again."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._door = door
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/audience", self._door.page(self.show)),
            Route("GET", "/audience/part/figures", self._door.page(self.figures)),
        ]

    def show(self, visit: Visit) -> Answer:
        """The whole page."""
        return self._renderer.page(visit, "audience.html", **self._content(visit))

    def figures(self, visit: Visit) -> Answer:
        """The figures alone, unless they are as they were seen."""
        _, shown = self._chosen(visit)
        if visit.query["seen"] == _seen(shown, self._parts.census.of(shown)):
            return NOTHING_NEW
        return self._renderer.fragment(visit, "audience_figures.html", **self._content(visit))

    def _chosen(self, visit: Visit) -> tuple[App | None, list[App]]:
        """The app that the query names, and the apps that are shown: that one, or all."""
        apps = self._parts.records.apps(visit.company.id)
        chosen = find_app(apps, visit.query["app"])
        return chosen, apps if chosen is None else [chosen]

    def _content(self, visit: Visit) -> dict[str, Any]:
        chosen, shown = self._chosen(visit)
        known = self._parts.census.of(shown)
        figures = together(list(known.values()))
        days = _from_the_first(self._parts.census.history(shown, _DAYS))
        return {
            "apps": self._parts.records.apps(visit.company.id),
            "app": chosen,
            "figures": figures,
            "is_counting": len(known) < len(shown),
            "tables": [] if figures is None else _tables(figures, shown, known, visit.company.rule),
            "days": days,
            "iso_date": stats.iso_date,
            "drawn": _chart(days),
            "seen": _seen(shown, known),
            "server": base_url(visit.call),
        }


def _seen(apps: Sequence[App], known: Mapping[int, Figures]) -> str:
    """Another text whenever the figures are others."""
    return "-".join(str(known[app.id].as_of) if app.id in known else "" for app in apps) or "none"


def _tables(
    figures: Figures, apps: Sequence[App], known: Mapping[int, Figures], rule: Rule
) -> list[tuple[str, list[Line]]]:
    """What the page lists beside the totals, each under its heading."""
    total = figures.total.installations
    platforms: dict[str, list[Count]] = {}
    for app in apps:
        if app.id in known:
            platforms.setdefault(app.platform, []).append(known[app.id].total)
    by_platform = {name: summed(counts) for name, counts in platforms.items()}
    segments = [
        Line(segment.name, note, figures.segments[segment], _share(figures.segments[segment], total))
        for segment, note in segment_meanings(rule).items()
    ]
    return [
        ("Segments", segments),
        ("Platforms", _lines(by_platform, total)),
        ("Languages", _lines(figures.languages, total)),
        ("Regions", _lines(figures.regions, total)),
    ]


def _lines(counts: Mapping[Any, Count], total: int) -> list[Line]:
    """The largest, and all others together."""
    items = list(counts.items())
    first, rest = items[:_MOST_LINES], [count for _, count in items[_MOST_LINES:]]
    lines = [
        Line("others" if name is None else name or "not given", "", count, _share(count, total))
        for name, count in first
    ]
    if rest:
        others = summed(rest)
        lines.append(Line(f"{len(rest)} more", "", others, _share(others, total)))
    return lines


def _share(count: Count, total: int) -> float:
    return count.installations / total if total else 0.0


def _from_the_first(days: Sequence[Day]) -> Sequence[Day]:
    """Without the days before anything is known."""
    first = next(
        (n for n, day in enumerate(days) if day.installations is not None or day.registered), len(days)
    )
    return days[first:]


def _chart(days: Sequence[Day]) -> dict[str, Any]:
    return chart(
        DAY_S,
        [day.day * DAY_S for day in days],
        bars("Registered", [day.registered for day in days]),
        Series("Installations", "--a", [day.installations for day in days]),
        Series("Opted in", "--b", [day.opted_in for day in days]),
    )
