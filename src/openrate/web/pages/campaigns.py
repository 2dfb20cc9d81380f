"""The list of a company's campaigns: searched, filtered, sorted, and drawn anew when something happened."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from openrate.commands.parts import Parts
from openrate.model import CampaignState
from openrate.overview import Order, Wanted
from openrate.web.call import Answer
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import NOTHING_NEW, REFRESH, Fields, Visit, base_url, find_app, whole
from openrate.web.routing import Route

_COLUMNS = [
    (Order.NAME, "Campaign"),
    (None, "State"),
    (Order.PUSH_TIME, "Push time (UTC)"),
    (Order.SENT, "Sent"),
    (Order.OPEN_RATE, "Open rate"),
    (None, "By day"),
]
_DOWN_FIRST = {Order.CREATED, Order.PUSH_TIME, Order.SENT, Order.OPEN_RATE}
_LARGEST_PAGE = 9
"""Digits of the number of a page."""


class CampaignsPage:
    """The list, and the part of it that is asked for again and again."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._records = parts.records
        self._overview = parts.overview
        self._door = door
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/campaigns", self._door.page(self.list)),
            Route("GET", "/campaigns/part/list", self._door.page(self.part)),
            Route("GET", "/campaigns/part/first", self._door.page(self.first)),
        ]

    def list(self, visit: Visit) -> Answer:
        """The whole page."""
        labels = self._overview.labels(visit.company.id)
        return self._renderer.page(visit, "campaigns.html", labels=labels, **self._content(visit))

    def part(self, visit: Visit) -> Answer:
        """The table alone, unless it is as it was seen."""
        if visit.query["seen"] == self._overview.revision(visit.company.id):
            return NOTHING_NEW
        return self._renderer.fragment(visit, "campaigns_list.html", **self._content(visit))

    def first(self, visit: Visit) -> Answer:
        """Nothing while there is no campaign; the page anew when there is one."""
        if not self._overview.page(visit.company.id, Wanted()).total:
            return NOTHING_NEW
        return REFRESH

    def _content(self, visit: Visit) -> dict[str, Any]:
        company, query = visit.company.id, visit.query
        apps = self._records.apps(company)
        app = find_app(apps, query["app"])
        wanted = _wanted(query, None if app is None else app.id)
        page = self._overview.page(company, wanted)
        return {
            "apps": apps,
            "app": app,
            "wanted": wanted,
            "page": page,
            "states": list(CampaignState),
            "columns": [_column(query, wanted, order, title) for order, title in _COLUMNS],
            "pages": [(number, _link(query, page=number)) for number in _near(page.number, page.pages)],
            "live": "/campaigns/part/list?" + _kept(query, seen=page.revision),
            "is_narrowed": any(query[name] for name in ("q", "label", "state", "app", "versions")),
            "server": base_url(visit.call),
        }


def _wanted(query: Fields, app_id: int | None) -> Wanted:
    """What the query asks for; what it says wrongly does not narrow."""
    order = _order(query["sort"])
    down = query["order"]
    return Wanted(
        text=query["q"],
        labels=frozenset(filter(None, query.all("label"))),
        states=frozenset(state for state in CampaignState if state in query.all("state")),
        app_id=app_id,
        has_versions={"yes": True, "no": False}.get(query["versions"]),
        order=order,
        descending=order in _DOWN_FIRST if down not in {"up", "down"} else down == "down",
        page=whole(query["page"], _LARGEST_PAGE) or 1,
    )


def _order(text: str) -> Order:
    return next((order for order in Order if order == text), Order.CREATED)


def _column(query: Fields, wanted: Wanted, order: Order | None, title: str) -> dict[str, Any]:
    """A heading: where a click on it leads, and how the list is sorted by it now."""
    if order is None:
        return {"title": title, "link": None, "sorted": None, "is_number": False}
    is_sorted = wanted.order is order
    turned = not wanted.descending if is_sorted else order in _DOWN_FIRST
    return {
        "title": title,
        "link": _link(query, sort=order, order="down" if turned else "up", page=""),
        "sorted": ("descending" if wanted.descending else "ascending") if is_sorted else None,
        "is_number": order in {Order.SENT, Order.OPEN_RATE},
    }


def _link(query: Fields, **changed: object) -> str:
    return "/campaigns?" + _kept(query, **changed)


def _kept(query: Fields, **changed: object) -> str:
    """The query of the page with some of it changed; what is empty is left out."""
    names = ("q", "app", "versions", "sort", "order", "page", "label", "state")
    pairs = [(name, value) for name in names if name not in changed for value in query.all(name)]
    return urlencode([(name, value) for name, value in [*pairs, *changed.items()] if value])


def _near(number: int, pages: int) -> list[int]:
    """The first page, the last, and those beside this one."""
    return sorted({1, pages, *range(max(1, number - 2), min(pages, number + 2) + 1)})
