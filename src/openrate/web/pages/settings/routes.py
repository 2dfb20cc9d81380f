"""The sections of the settings, put together."""

from __future__ import annotations

from openrate.commands.parts import Parts
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.settings.apps import AppsPage
from openrate.web.pages.settings.audit import AuditPage
from openrate.web.pages.settings.credentials import CredentialsPage
from openrate.web.pages.settings.keys import KeysPage
from openrate.web.pages.settings.people import PeoplePage
from openrate.web.pages.settings.section import Section
from openrate.web.pages.settings.windows import WindowsPage
from openrate.web.routing import Route


def settings_routes(parts: Parts, door: Door, renderer: Renderer) -> list[Route]:
    """The routes of every section."""
    sections: list[type[Section]] = [AppsPage, KeysPage, CredentialsPage, WindowsPage, PeoplePage, AuditPage]
    return [route for section in sections for route in section(parts, door, renderer).routes()]
