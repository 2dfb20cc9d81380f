"""Providers: the credentials with which our sender sends for an app, and whether they work."""

from __future__ import annotations

import re
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from openrate.commands.parts import Parts
from openrate.commands.requests import RemoveCredentials, SetCredentials
from openrate.credentials import FCM_URL, PLATFORMS, Credentials, provider_of, public_parts
from openrate.errors import OpenrateError, StoreError, TooManyRequests, UsageError
from openrate.model import App, ProviderName, Role
from openrate.ports.provider import Check
from openrate.web.call import Answer
from openrate.web.limits import SharedBuckets
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.settings.section import Section, chosen
from openrate.web.pages.visit import Visit, redirect
from openrate.web.routing import Route

_PAGE = "/settings/providers"
_LABELS = {
    "file": "The file",
    "key-id": "The key id",
    "team-id": "The team id",
    "topic": "The bundle id",
    "subject": "The address to write to",
}
"""What the fields are called here; a sentence about them names the option of the command line."""
_WORDS: dict[str, Any] = {
    "names": {
        ProviderName.FCM: "Firebase Cloud Messaging",
        ProviderName.APNS: "Apple Push Notification service",
        ProviderName.WEBPUSH: "Web Push",
        ProviderName.STUB: "the stub",
    },
    "labels": {
        "project_id": "Project",
        "token_uri": "Access tokens from",
        "base_url": "Sent through",
        "key_id": "Key id",
        "team_id": "Team id",
        "topic": "Bundle id",
        "subject": "Address to write to",
        "public_key": "Public key, with which pages subscribe",
        "journal": "Journal",
        "latency_ms": "Answers after (ms)",
        "down": "Down while there is",
    },
}
_OPTION = re.compile(r"--([a-z-]+)")
_CHECKS, _CHECK_EACH_S = 3, 1 / 20
"""Of one app: so many checks at once, then one in twenty seconds. Apple takes no new key oftener for long."""
_AT_ONCE = 2
"""Checks of all companies, each of which may hold up a thread for ten seconds."""


class Known(NamedTuple):
    """What may be shown of the credentials of an app; ``trouble`` says why nothing can be."""

    app: App
    provider: ProviderName | None = None
    parts: dict[str, Any] = {}  # noqa: RUF012 - never changed
    trouble: str = ""


class CredentialsPage(Section):
    """The credentials of all apps."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        super().__init__(parts, door, renderer)
        self._by_app = SharedBuckets(_CHECK_EACH_S, _CHECKS)
        self._at_once = BoundedSemaphore(_AT_ONCE)

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        page, action, place = self._door.page, self._door.action, "/settings/apps/{key}/credentials"
        return [
            Route("GET", _PAGE, page(self.providers, Role.MANAGER)),
            Route("GET", place, page(self.form, Role.MANAGER)),
            Route("POST", place, action(self.set, Role.MANAGER)),
            Route("POST", place + "/remove", action(self.remove, Role.MANAGER)),
            Route("POST", place + "/check", action(self.check, Role.MANAGER)),
        ]

    def providers(self, visit: Visit) -> Answer:
        """What is known of the credentials of each app."""
        known = [self._known(app) for app in self._parts.records.apps(visit.company.id)]
        return self._renderer.page(visit, "settings_providers.html", known=known, **_WORDS)

    def form(self, visit: Visit) -> Answer:
        """Asks for credentials."""
        return self._form(visit)

    def set(self, visit: Visit) -> Answer:
        """Keep credentials instead of those before; asks again, without the secret, when they cannot work."""
        app, form = self._app(visit), visit.form
        names = ("file", "key_id", "team_id", "topic", "subject")
        given = {name: form[name] or None for name in names}
        request = SetCredentials(app.live_key, chosen(ProviderName, form["provider"]), **given)
        try:
            self._run(visit, request)
        except UsageError as error:
            return self._form(visit, given, str(error))
        return redirect(_PAGE, f"The credentials of {app.name} are set: check whether they work.")

    def remove(self, visit: Visit) -> Answer:
        """Forget the credentials of an app."""
        app = self._app(visit)
        self._run(visit, RemoveCredentials(app.live_key))
        return redirect(_PAGE, f"{app.name} has no credentials any more.")

    def check(self, visit: Visit) -> Answer:
        """Ask the provider whether it takes them."""
        app = self._app(visit)
        credentials = self._parts.vault.of(app.id)
        if credentials is None:
            raise OpenrateError(f"{app.name} has no credentials yet: set them.")
        result = self._checked(app, credentials)
        return redirect(_PAGE, _said(app, result), is_error=not result.works)

    def _checked(self, app: App, credentials: Credentials) -> Check:
        try:
            self._by_app.take(app.id)
        except TooManyRequests:
            raise OpenrateError(f"{app.name} was checked just now: try again in a minute.") from None
        if not self._at_once.acquire(blocking=False):
            raise OpenrateError("Other credentials are being checked: try again in ten seconds.")
        try:
            return self._parts.check_credentials(credentials)
        finally:
            self._at_once.release()

    def _known(self, app: App) -> Known:
        try:
            credentials = self._parts.vault.of(app.id)
        except StoreError as error:
            return Known(app, trouble=str(error))
        if credentials is None:
            return Known(app)
        return Known(app, provider_of(credentials), public_parts(credentials))

    def _form(self, visit: Visit, given: dict[str, str | None] | None = None, error: str = "") -> Answer:
        app = self._app(visit)
        option = _OPTION.search(error)
        words = _OPTION.sub(lambda found: _LABELS.get(found[1], found[0]), error)
        address = self._known(app).parts.get("base_url")
        content: dict[str, Any] = {
            "detour": None if address == FCM_URL else address,
            "providers": [name for name, platforms in PLATFORMS.items() if app.platform in platforms],
            "given": {name: value or "" for name, value in (given or {}).items() if name != "file"},
            "provider": visit.form["provider"],
            "at_fault": option[1].replace("-", "_") if option else "file",
            "error": words[:1].upper() + words[1:],
        }
        return self._renderer.page(
            visit, "settings_credentials.html", status=400 if error else 200, app=app, **content
        )


def _said(app: App, check: Check) -> str:
    if check.works:
        return f"{app.name}: {check.reason}"
    what = "Whether they work cannot be told now" if check.works is None else "The credentials are refused"
    return f"{app.name}: {what}. {check.reason}"
