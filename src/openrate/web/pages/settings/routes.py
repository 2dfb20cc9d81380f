"""The sections of the settings, put together."""

from __future__ import annotations

from openrate.commands.parts import Parts
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.settings.apps import AppsPage
from openrate.web.pages.settings.at_work import AtWork
from openrate.web.pages.settings.audit import AuditPage
from openrate.web.pages.settings.credentials import CredentialsPage
from openrate.web.pages.settings.keys import KeysPage
from openrate.web.pages.settings.people import PeoplePage
from openrate.web.pages.settings.section import Section
from openrate.web.pages.settings.windows import WindowsPage
from openrate.web.routing import Route


def settings_routes(parts: Parts, door: Door, renderer: Renderer) -> list[Route]:
    """The routes of every section."""
    at_work = AtWork(parts)
    sections: list[Section] = [
        AppsPage(parts, door, renderer, at_work),
        KeysPage(parts, door, renderer),
        CredentialsPage(parts, door, renderer),
        WindowsPage(parts, door, renderer, at_work),
        PeoplePage(parts, door, renderer),
        AuditPage(parts, door, renderer),
    ]
    return [route for section in sections for route in section.routes()]
