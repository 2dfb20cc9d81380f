"""Why our sender waits, as people read it who have the pages and not the server."""

from __future__ import annotations

from typing import NamedTuple

from openrate.ports.provider import GIVES_CREDENTIALS


class Reason(NamedTuple):
    """A sentence, or the beginning of one: a page ends it with where credentials are set."""

    text: str
    lacks_credentials: bool


def on_a_page(reason: str) -> Reason:
    """The reason that our sender gave, without the command that it names."""
    text = reason.removesuffix(f": {GIVES_CREDENTIALS}")
    return Reason(text, text != reason)
