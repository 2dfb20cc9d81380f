"""Windows: the three lengths of the attribution rule, and how far the past is counted anew under them."""

from __future__ import annotations

from typing import Any

import msgspec

from openrate import companies
from openrate.commands.requests import SetCompany
from openrate.errors import UsageError
from openrate.model import UNITS, Role, Rule
from openrate.web.call import Answer
from openrate.web.pages.settings.section import Section, check_sure
from openrate.web.pages.visit import NOTHING_NEW, Visit, redirect, whole
from openrate.web.routing import Route

_UNITS = [("m", "minutes"), ("h", "hours"), ("d", "days")]
_LONGEST = 9
"""Digits of a window."""


class WindowsPage(Section):
    """The attribution windows of a company."""

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return [
            Route("GET", "/settings/windows", self._door.page(self.windows)),
            Route("POST", "/settings/windows", self._door.action(self.set, Role.MANAGER)),
            Route("GET", "/settings/windows/part/now", self._door.page(self.now)),
        ]

    def windows(self, visit: Visit) -> Answer:
        """The windows, and which of them answer now."""
        return self._page(visit, _shown(visit.company.rule))

    def set(self, visit: Visit) -> Answer:
        """Count the past anew under other windows; asks again when they cannot be used."""
        given = {name: (visit.form[name], visit.form[name + "_unit"]) for name in Rule.__struct_fields__}
        try:
            rule = Rule(**{name: _seconds(name, *pair) for name, pair in given.items()})
            companies.check_rule(rule)
            check_sure(visit)
        except UsageError as error:
            return self._page(visit, given, str(error))
        request = SetCompany(visit.company.name, **msgspec.structs.asdict(rule))
        is_done = self._at_work.begin(request, visit.visitor.email)
        return redirect("/settings/windows", "The past is counted anew." if is_done else "")

    def now(self, visit: Visit) -> Answer:
        """Which windows answer now, unless that is as it was seen."""
        content = self._now(visit)
        if visit.query["seen"] == content["seen"]:
            return NOTHING_NEW
        return self._renderer.fragment(visit, "settings_windows_now.html", **content)

    def _page(self, visit: Visit, given: dict[str, tuple[str, str]], error: str = "") -> Answer:
        at_fault = next((name for name in Rule.__struct_fields__ if error.startswith(name)), "sure")
        content = {"given": given, "units": _UNITS, "error": error, "at_fault": at_fault}
        status = 400 if error else 200
        return self._renderer.page(
            visit, "settings_windows.html", status=status, **content, **self._now(visit)
        )

    def _now(self, visit: Visit) -> dict[str, Any]:
        wanted = visit.company.rule
        rules = {self._parts.log.rule(app.id) for app in self._parts.records.apps(visit.company.id)}
        recount = self._at_work.of(("company", visit.company.id))
        answering = next(iter(rules - {wanted}), wanted)
        return {
            "answering": answering,
            "wanted": wanted,
            "recount": recount,
            "seen": f"{hash((answering, wanted, recount)) & 0xFFFFFFFF:x}",
        }


def _shown(rule: Rule) -> dict[str, tuple[str, str]]:
    """Each window as a number and the largest unit in which it is whole."""
    return {name: _split(length) for name, length in msgspec.structs.asdict(rule).items()}


def _split(length: int) -> tuple[str, str]:
    unit = next((unit for unit, _ in reversed(_UNITS) if length % UNITS[unit] == 0), "m")
    return f"{length / UNITS[unit]:g}", unit


def _seconds(name: str, count: str, unit: str) -> int:
    number = whole(count, _LONGEST)
    if number is None or unit not in {each for each, _ in _UNITS}:
        raise UsageError(f"{name} is no window: a whole number of minutes, hours or days is accepted.")
    return number * UNITS[unit]
