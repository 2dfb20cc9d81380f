"""What happens just now: facts as they come, how fresh the numbers are, what is refused, what is being sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openrate.activity import Minute
from openrate.commands.parts import Parts
from openrate.delivery import standing
from openrate.model import FactType
from openrate.web.call import Answer
from openrate.web.pages.charts import MINUTE_S, Series, chart
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import Visit
from openrate.web.pages.waits import on_a_page
from openrate.web.routing import Route

_MOST_SENDS = 50
_DRAWN = [
    (FactType.PUSH_SENT, "push_sent", "--a"),
    (FactType.PUSH_OPEN, "push_open", "--b"),
    (FactType.APP_OPEN, "app_open", "--good"),
    (FactType.PUSH_ERROR, "push_error", "--bad"),
]


class ActivityPage:
    """The page, and the part of it that is asked for again and again."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._door = door
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/activity", self._door.page(self.show)),
            Route("GET", "/activity/part/now", self._door.page(self.now)),
        ]

    def show(self, visit: Visit) -> Answer:
        """The whole page."""
        return self._renderer.page(visit, "activity.html", **self._content(visit))

    def now(self, visit: Visit) -> Answer:
        """What changes."""
        return self._renderer.fragment(visit, "activity_now.html", **self._content(visit))

    def _content(self, visit: Visit) -> dict[str, Any]:
        parts = self._parts
        apps = parts.records.apps(visit.company.id)
        ids = [app.id for app in apps]
        recent = parts.activity.of(ids)
        queued = standing.queue(parts.sends, parts.records, apps)
        return {
            "apps": apps,
            "now": visit.now,
            "recent": recent,
            "behind": parts.log.behind(ids),
            "drawn": _chart(
                [minute for minute in recent.minutes if minute.at >= recent.since - MINUTE_S * 1000]
            ),
            "is_young": recent.since > recent.minutes[0].at,
            "last_minute": _sum(recent.minutes[-2].facts),
            "last_hour": _sum(recent.last_hour.facts),
            "queued": queued[:_MOST_SENDS],
            "more_queued": len(queued) - _MOST_SENDS,
            "remaining": standing.remaining,
            "on_a_page": on_a_page,
            "health": standing.health(apps, queued, parts.providers, parts.activity),
        }


def _sum(facts: Mapping[FactType, int]) -> int:
    return sum(facts.values())


def _chart(minutes: Sequence[Minute]) -> dict[str, Any]:
    """Facts by minute, without the one that is under way."""
    whole = minutes[:-1] or minutes
    lines = (
        Series(label, color, [minute.facts.get(kind, 0) for minute in whole]) for kind, label, color in _DRAWN
    )
    return chart(MINUTE_S, [minute.at // 1000 for minute in whole], *lines)
