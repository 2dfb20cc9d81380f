"""All pages, put together."""

from __future__ import annotations

from openrate.commands.parts import Parts
from openrate.config import Settings
from openrate.overview import Overview
from openrate.web.call import Answer, Call
from openrate.web.pages.campaign import CampaignPage
from openrate.web.pages.campaigns import CampaignsPage
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.sign_in import SignIn
from openrate.web.pages.static import Static
from openrate.web.pages.visit import Fields, redirect
from openrate.web.routing import Route


def pages(settings: Settings, parts: Parts) -> list[Route]:
    """The routes of every page."""
    static = Static()
    renderer = Renderer(static)
    door = Door(parts, renderer)
    overview = Overview(parts.records, parts.log, parts.clock)
    return [
        Route("GET", "/", door.open_page(_start)),
        *static.routes(),
        *SignIn(settings, parts, door, renderer).routes(),
        *CampaignsPage(parts, overview, door, renderer).routes(),
        *CampaignPage(parts, door, renderer).routes(),
    ]


def _start(_call: Call, _form: Fields) -> Answer:
    return redirect("/campaigns")
