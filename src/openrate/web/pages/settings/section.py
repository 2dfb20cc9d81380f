"""What the sections of the settings have in common: they run commands, for the company of whoever asks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from openrate.commands import table
from openrate.commands.at_work import Asked
from openrate.commands.parts import Parts
from openrate.errors import MalformedParameter, RouteNotFound, UsageError
from openrate.model import App
from openrate.web.pages.door import Door
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import Visit, find_app
from openrate.web.routing import Route

Word = TypeVar("Word", bound=StrEnum)


class Section(ABC):
    """A section of the settings."""

    def __init__(self, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._at_work = parts.at_work
        self._door = door
        self._renderer = renderer

    @abstractmethod
    def routes(self) -> list[Route]:
        """Which handler answers where."""

    def _run(self, visit: Visit, request: msgspec.Struct) -> Any:
        """Run a command as the command line does; raises OpenrateError."""
        return table.run(self._parts, request, Asked(visit.visitor.email))

    def _app(self, visit: Visit) -> App:
        """The app that the path names, if it is one of the visitor's company; raises RouteNotFound."""
        app = find_app(self._parts.records.apps(visit.company.id), visit.call.parts[3])
        if app is None:
            raise RouteNotFound("There is no such app here.")
        return app


def chosen(kind: type[Word], given: str) -> Word:
    """What was chosen of a list; raises MalformedParameter when it is not on it."""
    try:
        return kind(given)
    except ValueError:
        raise MalformedParameter(f"{', '.join(kind)} can be chosen: load the page again.") from None


def check_sure(visit: Visit) -> None:
    """Raise UsageError unless the box was ticked that says so."""
    if visit.form["sure"] != "yes":
        raise UsageError("Nothing was changed: tick the box that says that you mean it.")
