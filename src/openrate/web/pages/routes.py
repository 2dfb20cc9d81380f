"""All pages, put together."""

from __future__ import annotations

from litestar.exceptions import NotFoundException

from openrate.audience import Estimates
from openrate.commands.parts import Parts
from openrate.config import Settings
from openrate.errors import RouteNotFound
from openrate.web.call import Answer, Call
from openrate.web.failures import failure
from openrate.web.pages.activity import ActivityPage
from openrate.web.pages.audience import AudiencePage
from openrate.web.pages.campaign import CampaignPage
from openrate.web.pages.campaigns import CampaignsPage
from openrate.web.pages.door import Door
from openrate.web.pages.edit import EditPages
from openrate.web.pages.render import Renderer
from openrate.web.pages.settings import settings_routes
from openrate.web.pages.sign_in import SignIn
from openrate.web.pages.static import Static
from openrate.web.pages.visit import Fields, redirect
from openrate.web.pages.why import WhyPage
from openrate.web.routing import Route


class Pages:
    """What ``openrate serve`` shows people."""

    def __init__(self, settings: Settings, parts: Parts, estimates: Estimates) -> None:
        self._static = Static()
        self._renderer = Renderer(self._static, parts.log)
        door = Door(parts, self._renderer)
        self._routes = [
            Route("GET", "/", door.open_page(_start)),
            *self._static.routes(),
            *SignIn(settings, parts, door, self._renderer).routes(),
            *CampaignsPage(parts, door, self._renderer).routes(),
            *CampaignPage(parts, door, self._renderer).routes(),
            *EditPages(parts, estimates, door, self._renderer).routes(),
            *WhyPage(parts, door, self._renderer).routes(),
            *AudiencePage(parts, door, self._renderer).routes(),
            *ActivityPage(parts, door, self._renderer).routes(),
            *settings_routes(parts, door, self._renderer),
        ]

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        return self._routes

    def failed(self, error: Exception, call: Call) -> Answer:
        """What is answered on the way to a route: a page to a browser that asks for one, else JSON."""
        is_browser = b"text/html" in call.headers.get(b"accept", b"")
        if not is_browser or call.scope["path"].startswith(("/1.1/", "/v1/")):
            return failure(error, call)
        if isinstance(error, NotFoundException):
            error = RouteNotFound("There is no such page.")
        answer = failure(error, call)
        return self._renderer.error(call, None, answer.status, answer, None)


def _start(_call: Call, _form: Fields) -> Answer:
    return redirect("/campaigns")
