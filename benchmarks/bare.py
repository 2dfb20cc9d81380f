"""The physical limit of a GET: an ASGI answer of fixed bytes on the same server, with nothing behind it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import uvloop

from openrate.config import Settings
from openrate.web.front import Front
from openrate.web.server import listen, serve


class Bare:
    """As little as ASGI allows; what ``serve`` asks of a Front at the end does nothing."""

    closing = False

    def __init__(self, size: int) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": b"x" * size}

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        """Answer."""
        await send(self._start)
        await send(self._body)

    async def drain(self, _seconds: float) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is open."""


if __name__ == "__main__":
    settings = Settings(data=Path())
    uvloop.run(serve(cast(Front, Bare(int(sys.argv[1]))), settings, listener=listen("127.0.0.1", 0)))
