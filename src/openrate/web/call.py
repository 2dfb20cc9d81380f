"""One HTTP request on its way through the server, and the answer it gets."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

from openrate.errors import MalformedParameter

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROCESS = os.urandom(6).hex()
_COUNTER = itertools.count(1)


class Call:
    """A request, with what the log line about it needs.

    Attributes:
        method: the HTTP method, ``OTHER`` for one that no route has.
        headers: by lower-case name; of several of one name the first.
        id: the request id: ours, unique, and cheap (a random prefix per process and a counter).
        route: the template of the route, never the path, because paths hold keys.
        app_id: the app the key in the path names, once it is known.
        refused: the type of the error it was answered with.
        reading: the deadline for its body, while that is being read.
        parts: the path cut at its slashes: nothing, the family, the key, and what follows.
        is_cut_short: the end of the server brought that deadline forward.
        is_read: nothing of its body is left on the connection.
        started: ``perf_counter`` when the request arrived, in seconds.
    """

    __slots__ = (
        "app_id",
        "headers",
        "id",
        "is_cut_short",
        "is_read",
        "method",
        "parts",
        "reading",
        "receive",
        "refused",
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
        self.refused: str | None = None
        self.reading: asyncio.Timeout | None = None
        self.is_cut_short = False
        self.headers: dict[bytes, bytes] = dict(scope["headers"][::-1])
        self.parts: list[str] = scope["path"].split("/")
        # Without these a request has no body (RFC 9112, section 6.3).
        self.is_read = b"content-length" not in self.headers and b"transfer-encoding" not in self.headers
        self.started = time.perf_counter()

    def text(self, name: bytes) -> str | None:
        """The header as text; bytes that are not ASCII are kept apart from every valid value."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer``; an empty string for any other kind of Authorization."""
        value = self.text(b"authorization")
        if value is None:
            return None
        kind, _, token = value.partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""

    def media_type(self, *accepted: str) -> str:
        """The content type without its parameters; raises MalformedParameter when it is none of these."""
        media_type = (self.text(b"content-type") or "").partition(";")[0].strip().lower()
        if media_type not in accepted:
            raise MalformedParameter(f"Content-Type is not known here: send {' or '.join(accepted)}.")
        return media_type


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
