"""The outermost layer: request ids, CORS, the shutdown gate, the log, and the two hot routes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import cast

from litestar import Litestar

from openrate.errors import Maintenance
from openrate.web.access_log import AccessLog
from openrate.web.bodies import discard_body
from openrate.web.call import Answer, Call, Handler, Headers, Message, Receive, Scope, Send
from openrate.web.failures import failure
from openrate.web.tally import Tally

_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Request-Id, Retry-After"),
]
_PREFLIGHT = Answer(
    204,
    b"",
    [
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (
            b"access-control-allow-headers",
            b"X-Authorization, Authorization, Content-Type, Content-Encoding, X-Sent-At",
        ),
        (b"access-control-max-age", b"86400"),
    ],
)
_LAST = 0.5
"""Seconds for the answers to those whose bodies did not arrive before the server ended."""

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

STATS_ROUTE = "/1.1/{key}/campaigns/stats/{token}"
EVENTS_ROUTE = "/v1/{key}/events"


class Front:
    """The ASGI application that the server runs.

    Statistics and events are answered here, before any routing, because they are asked for
    thousands of times a second; everything else goes through Litestar, which has these two routes as well for
    their less usual spellings (a trailing slash, HEAD, a wrong method).
    """

    def __init__(
        self, inner: Litestar, stats: Handler, events: Handler, log: AccessLog, tally: Tally
    ) -> None:
        self.inner = inner
        # Litestar's own types for the parts of ASGI are not the ones of other servers and applications.
        self._call_inner = cast("Asgi", inner)
        self._stats = stats
        self._events = events
        self._log = log
        self._tally = tally
        self.closing = False
        self._under_way: set[Call] = set()
        self._idle = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        call = Call(scope, receive)
        status = 0
        self._under_way.add(call)
        try:
            handler = self._hot_handler(call)
            if handler is None:
                status = await self._serve(call, send)
            else:
                answer = await _answer(handler, call)
                status = answer.status
                await _send(send, call, answer, cors=True)
        finally:
            self._under_way.discard(call)
            if self.closing and not self._under_way:
                self._idle.set()
            seconds = time.perf_counter() - call.started
            self._tally.add(call, status, seconds)
            self._log.add(call, status, seconds)

    async def drain(self, seconds: float) -> None:
        """Refuse new requests from now on and wait for those under way.

        Bodies that have not arrived after ``seconds`` are waited for no longer. What has arrived is finished:
        it may be on its way to the disk, and then its sender shall hear so.
        """
        self.closing = True
        if await self._is_idle_within(seconds):
            return
        now = asyncio.get_running_loop().time()
        for call in self._under_way:
            if call.reading is not None:
                call.is_cut_short = True
                call.reading.reschedule(now)
        await self._is_idle_within(_LAST)

    async def _is_idle_within(self, seconds: float) -> bool:
        if not self._under_way:
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Write the rest of the log."""
        self._log.close()

    def _hot_handler(self, call: Call) -> Handler | None:
        """The handler of the exact usual spelling of a hot route."""
        scope = call.scope
        if self.closing:
            return _closed
        match call.parts:
            case ["", "1.1", _, "campaigns", "stats", token] if token and scope["method"] == "GET":
                call.route = STATS_ROUTE
                return self._stats
            case ["", "v1", _, "events"] if scope["method"] == "POST":
                call.route = EVENTS_ROUTE
                return self._events
        return None

    async def _serve(self, call: Call, send: Send) -> int:
        scope = call.scope
        cors = scope["path"].startswith(("/1.1/", "/v1/"))
        if cors and scope["method"] == "OPTIONS":
            await _send(send, call, _PREFLIGHT, cors=True)
            return _PREFLIGHT.status
        outgoing = _Outgoing(send, call, cors=cors, bodiless=scope["method"] == "HEAD")
        if scope["method"] == "HEAD":
            scope["method"] = "GET"
        scope["call"] = call
        try:
            await self._call_inner(scope, call.receive, outgoing)
        except Exception as error:
            if outgoing.status:
                raise
            await _send(outgoing, call, failure(error, call), cors=False)
        return outgoing.status


class _Outgoing:
    """Adds to every answer what every answer has, and takes the body off the answer to HEAD."""

    __slots__ = ("_bodiless", "_call", "_headers", "_send", "status")

    def __init__(self, send: Send, call: Call, *, cors: bool, bodiless: bool) -> None:
        self._send = send
        self._call = call
        self._headers = [(b"x-request-id", call.id.encode()), *(_CORS if cors else ())]
        self._bodiless = bodiless
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            taken = [h for h in message.get("headers", ()) if h[0] != b"x-request-id"]
            message["headers"] = [*taken, *self._headers]
            if not self._call.is_read:
                message["headers"] += await _last_words(self._call)
        elif message["type"] == "http.response.body" and self._bodiless:
            message["body"] = b""
        await self._send(message)


async def _last_words(call: Call) -> Headers:
    """``Connection: close`` when a body stays unread: what follows it could not be told from it."""
    await discard_body(call)
    return () if call.is_read else ((b"connection", b"close"),)


async def _answer(handler: Handler, call: Call) -> Answer:
    try:
        return await handler(call)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer of the catalogue
        return failure(error, call)


async def _send(send: Send, call: Call, answer: Answer, *, cors: bool) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        *answer.headers,
    ]
    if not isinstance(send, _Outgoing):
        headers.append((b"x-request-id", call.id.encode()))
        if not call.is_read:
            headers += await _last_words(call)
    if cors:
        headers += _CORS
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _closed(_call: Call) -> Answer:
    raise Maintenance("The server is shutting down: send this again in a few seconds.")
