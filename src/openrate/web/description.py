"""The routes of the description of the interface."""

from __future__ import annotations

import msgspec

from openrate.web.call import Answer, Call
from openrate.web.openapi.document import document
from openrate.web.openapi.page import page
from openrate.web.routing import Route

_PAGE_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
]


def routes() -> list[Route]:
    """``/openapi.json`` and ``/docs``, made once."""
    described = document()
    as_json = msgspec.json.encode(described)
    as_page = page(described)

    async def openapi(_call: Call) -> Answer:
        return Answer(200, as_json)

    async def docs(_call: Call) -> Answer:
        return Answer(200, as_page, _PAGE_HEADERS, b"text/html")

    return [Route("GET", "/openapi.json", openapi), Route("GET", "/docs", docs)]
