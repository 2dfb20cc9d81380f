"""One HTTP request on its way through the server, and the answer it gets."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
"""A request without these has no body (RFC 9112, section 6.3)."""
_PROCESS = os.urandom(6).hex()
_COUNTER = itertools.count(1)


class Call:
    """A request, with what the log line about it needs.

    Attributes:
        method: the HTTP method, ``OTHER`` for one that no route has.
        id: the request id: ours, unique, and cheap (a random prefix per process and a counter).
        route: the template of the route, never the path, because paths hold keys.
        app_id: the app the key in the path names, once it is known.
        reading: the deadline for its body, while that is being read.
        is_cut_short: the end of the server brought that deadline forward.
        is_read: nothing of its body is left on the connection.
        started: ``perf_counter`` when the request arrived, in seconds.
    """

    __slots__ = (
        "app_id",
        "id",
        "is_cut_short",
        "is_read",
        "method",
        "reading",
        "receive",
        "route",
        "scope",
        "started",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self.id = f"{_PROCESS}{next(_COUNTER):08x}"
        self.route = "unmatched"
        self.app_id: int | None = None
        self.reading: asyncio.Timeout | None = None
        self.is_cut_short = False
        self.is_read = True
        for name, _ in scope["headers"]:
            if name in _BODY_HEADERS:
                self.is_read = False
        self.started = time.perf_counter()

    @property
    def parts(self) -> list[str]:
        """The path cut at its slashes: nothing, the family, the key, and what follows."""
        parts: list[str] = self.scope["path"].split("/")
        return parts

    def header(self, name: bytes) -> bytes | None:
        """The first header of that (lower-case) name."""
        for found, value in self.scope["headers"]:
            if found == name:
                return bytes(value)
        return None

    def text(self, name: bytes) -> str | None:
        """The header as text; bytes that are not ASCII are kept apart from every valid value."""
        value = self.header(name)
        return None if value is None else value.decode("latin-1")

    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer``; an empty string for any other kind of Authorization."""
        value = self.text(b"authorization")
        if value is None:
            return None
        kind, _, token = value.partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""


class Answer(NamedTuple):
    """What is sent back. ``headers`` come in addition to content type, length and request id."""

    status: int
    body: bytes
    headers: Headers = ()
    content_type: bytes = b"application/json"


Handler = Callable[[Call], Awaitable[Answer]]
"""The function behind a route."""

_encode = msgspec.json.Encoder().encode


def json_answer(status: int, content: Any, headers: Headers = ()) -> Answer:
    """An answer with ``content`` as JSON."""
    return Answer(status, _encode(content), headers)
