"""REST keys: made, rotated and revoked. Each is shown once, in the answer to the form that made it."""

from __future__ import annotations

from typing import Any

from openrate.commands.requests import CreateKey, RevokeKey
from openrate.errors import OpenrateError, RouteNotFound
from openrate.model import RestKey, Role, Scope
from openrate.web.call import Answer
from openrate.web.pages.settings.section import Section, chosen
from openrate.web.pages.visit import Visit, redirect
from openrate.web.routing import Route


class KeysPage(Section):
    """The REST keys of a company."""

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        action = self._door.action
        return [
            Route("GET", "/settings/keys", self._door.page(self.keys, Role.MANAGER)),
            Route("POST", "/settings/keys", action(self.make, Role.MANAGER)),
            Route("POST", "/settings/keys/{id}/revoke", action(self.revoke, Role.MANAGER)),
        ]

    def keys(self, visit: Visit) -> Answer:
        """What is known of the keys."""
        return self._page(visit)

    def make(self, visit: Visit) -> Answer:
        """Make a key and show it, perhaps instead of another, which is revoked."""
        form, company = visit.form, visit.company.name
        if "instead_of" not in form:
            return self._page(visit, self._run(visit, CreateKey(company, chosen(Scope, form["scope"]))))
        old = self._key(visit, form["instead_of"])
        if old.revoked_at is not None:
            raise OpenrateError(f"REST key {old.id} is revoked already: make a new one.")
        made = self._run(visit, CreateKey(company, old.scope))
        self._run(visit, RevokeKey(company, old.id))
        return self._page(visit, made, replaced=old.id)

    def revoke(self, visit: Visit) -> Answer:
        """Make a key void."""
        key = self._key(visit, visit.call.parts[3])
        self._run(visit, RevokeKey(visit.company.name, key.id))
        return redirect("/settings/keys", f"REST key {key.id} is revoked.")

    def _page(self, visit: Visit, made: dict[str, Any] | None = None, replaced: int | None = None) -> Answer:
        keys = [key for _, key in self._parts.records.keys(visit.company.id)]
        content: dict[str, Any] = {"keys": keys, "made": made, "replaced": replaced}
        return self._renderer.page(visit, "settings_keys.html", **content)

    def _key(self, visit: Visit, number: str) -> RestKey:
        keys = self._parts.records.keys(visit.company.id)
        found = next((key for _, key in keys if str(key.id) == number), None)
        if found is None:
            raise RouteNotFound("There is no such REST key here.")
        return found
