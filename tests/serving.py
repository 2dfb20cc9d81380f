"""A real server on a real socket, inside the test process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from openrate.config import Settings
from openrate.web.front import Front
from openrate.web.server import address_of, listen, serve


@contextmanager
def running(app: Front) -> Iterator[str]:
    """Serve ``app`` in a thread on a free port; gives the base URL."""
    listener = listen("127.0.0.1", 0)
    address = address_of(listener)
    up = threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        ends.append((asyncio.get_running_loop(), stop))
        settings = Settings(data=Path("unused"))
        await serve(app, settings, listener=listener, stop=stop, announce=lambda _: up.set())

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    assert up.wait(10)
    try:
        yield address
    finally:
        loop, stop = ends[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()


def exchange(address: str, sent: bytes, *, seconds: float = 1, hang_up: bool = False) -> bytes:
    """Send raw bytes and return what comes back until the server closes or falls silent for ``seconds``."""
    parts = urlsplit(address)
    assert parts.hostname
    assert parts.port
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        with suppress(OSError):
            # A server that has read enough hangs up, perhaps before everything is sent.
            connection.sendall(sent)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while piece := connection.recv(65536):
                received += piece
    return received
