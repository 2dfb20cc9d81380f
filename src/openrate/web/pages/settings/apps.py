"""General: the apps of a company, their keys, who sends for them, and the way to their first number."""

from __future__ import annotations

from typing import Any

from openrate.commands.requests import CreateApp, CreateKey, SetApp
from openrate.errors import UsageError
from openrate.model import Platform, Role, Sender
from openrate.web.call import Answer
from openrate.web.pages.settings.section import Section, check_sure, chosen
from openrate.web.pages.visit import NOTHING_NEW, REFRESH, Visit, base_url, redirect, whole
from openrate.web.routing import Route

_LONGEST_RATE = 12
"""Digits, more than the fastest has."""


class AppsPage(Section):
    """All apps, and a page for each."""

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        page, action = self._door.page, self._door.action
        return [
            Route("GET", "/settings", page(self.general)),
            Route("POST", "/settings/apps", action(self.add, Role.MANAGER)),
            Route("GET", "/settings/apps/{key}", page(self.app)),
            Route("GET", "/settings/apps/{key}/part/sender", page(self.sender)),
            Route("POST", "/settings/apps/{key}/sender", action(self.set_sender, Role.MANAGER)),
            Route("POST", "/settings/apps/{key}/rate", action(self.set_rate, Role.MANAGER)),
            Route("GET", "/settings/apps/{key}/first", page(self.first)),
            Route("POST", "/settings/apps/{key}/first", action(self.first_with_key, Role.MANAGER)),
            Route("GET", "/settings/apps/{key}/part/arrived", page(self.arrived)),
        ]

    def general(self, visit: Visit) -> Answer:
        """Every app with its keys."""
        apps = self._parts.records.apps(visit.company.id)
        equipped = self._parts.vault.apps()
        waiting = {app.id for app in apps if app.sender is Sender.OPENRATE and app.id not in equipped}
        return self._renderer.page(visit, "settings_general.html", apps=apps, waiting=waiting, **_CHOICES)

    def add(self, visit: Visit) -> Answer:
        """Make an app."""
        form = visit.form
        platform, sender = chosen(Platform, form["platform"]), chosen(Sender, form["sender"])
        made = self._run(visit, CreateApp(visit.company.name, form["name"], platform, sender))
        return redirect(f"/settings/apps/{made['live_key']}", f"The app {made['app']} is made.")

    def app(self, visit: Visit) -> Answer:
        """One app: its keys, and who sends for it."""
        app = self._app(visit)
        content: dict[str, Any] = {
            "app": app,
            "is_waiting": app.sender is Sender.OPENRATE and self._parts.vault.sealed(app.id) is None,
            "work": self._at_work.of(("app", app.id)),
        }
        return self._renderer.page(visit, "settings_app.html", **content)

    def sender(self, visit: Visit) -> Answer:
        """Nothing while the sender is being changed; the page anew when that is done."""
        work = self._at_work.of(("app", self._app(visit).id))
        return NOTHING_NEW if work is not None and not work.trouble else REFRESH

    def set_sender(self, visit: Visit) -> Answer:
        """Change who sends, which takes a step for each campaign."""
        app, sender = self._app(visit), chosen(Sender, visit.form["sender"])
        check_sure(visit)
        is_done = self._at_work.begin(SetApp(app.live_key, sender), visit.visitor.email)
        who = "Openrate sends" if sender is Sender.OPENRATE else "Your own sender sends"
        return redirect(
            f"/settings/apps/{app.live_key}", f"{who} for {app.name} from now on." if is_done else ""
        )

    def set_rate(self, visit: Visit) -> Answer:
        """Change how fast our sender may send."""
        app, rate = self._app(visit), whole(visit.form["rate"] or "0", _LONGEST_RATE)
        if rate is None:
            raise UsageError("The rate is a whole number of messages a minute; empty is no limit.")
        self._run(visit, SetApp(app.live_key, send_rate=rate))
        return redirect(f"/settings/apps/{app.live_key}", "The send rate is set.")

    def first(self, visit: Visit) -> Answer:
        """The lines that make the first number appear."""
        return self._first(visit)

    def first_with_key(self, visit: Visit) -> Answer:
        """The same with a REST key made for them, which is shown this once."""
        self._app(visit)
        return self._first(visit, self._run(visit, CreateKey(visit.company.name)))

    def arrived(self, visit: Visit) -> Answer:
        """How many facts have come since the server started: what whoever tries the lines waits for."""
        return self._renderer.fragment(visit, "settings_first_arrived.html", **self._arrived(visit))

    def _arrived(self, visit: Visit) -> dict[str, Any]:
        app = self._app(visit)
        counted = self._parts.activity.of([app.id]).since_start
        return {
            "app": app,
            "facts": sum(counted.facts.values()) + counted.dev_facts,
            "refused": counted.refused_requests,
        }

    def _first(self, visit: Visit, key: dict[str, Any] | None = None) -> Answer:
        content: dict[str, Any] = {"server": base_url(visit.call), "made": key}
        return self._renderer.page(visit, "settings_first.html", **content, **self._arrived(visit))


_CHOICES: dict[str, Any] = {
    "platforms": [(Platform.IOS, "iOS"), (Platform.ANDROID, "Android"), (Platform.WEB, "web")],
    "senders": [(Sender.EXTERNAL, "your own sender (external)"), (Sender.OPENRATE, "Openrate")],
}
