"""The process that listens: a socket of our own, Granian on it, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # re-exported without saying so
from granian.server.embed import Server

from openrate.config import Settings
from openrate.errors import OpenrateError
from openrate.web.front import Front

logger = logging.getLogger(__name__)

_BACKLOG = 4096
"""Connections the kernel keeps waiting, and connections served at once."""
_HEADERS_BYTES = 64 << 10
"""Read buffer of a connection, and so the most its headers may take."""
_HEADERS_MS = 15_000
"""Milliseconds a client may take to send its headers."""
_LINGER = 0.5
"""Seconds in which late requests still hear that the server is going, so that a balancer can turn away."""
_THREADS = 32
"""Threads for what would block: the records, registrations waiting for their commit, decompression."""
_DRAIN = 2.0
"""Seconds for requests under way; with closing the store it stays within the five that are promised."""


class _OwnSocketServer(Server):
    """Granian on a socket that is bound already.

    Left to itself Granian binds with SO_REUSEPORT, which lets a second server take the same port in silence,
    and it does not tell which free port it got.
    """

    def __init__(self, listener: socket.socket, app: Front) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEADERS_MS, max_buffer_size=_HEADERS_BYTES, keep_alive=True
            ),
            websockets=False,
            backlog=_BACKLOG,
            backpressure=_BACKLOG,
            log_enabled=False,
        )
        self._listener = listener
        self.workers_kill_timeout = 1

    def _init_shared_socket(self) -> None:
        self._shd: Any = SocketHolder(self._listener.detach(), False, _BACKLOG)  # type: ignore[call-arg]  # its stub lacks this
        self._ssp: Any = None


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen; port 0 takes a free one.

    Raises:
        OpenrateError: the address cannot be used, with what to do about it.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise OpenrateError(f"Cannot listen on {host}: {error.strerror}. Give another --host.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OpenrateError(
            f"Cannot listen on {host} port {port}: {error.strerror}. "
            "Stop what listens there, or choose another with --port (0 takes a free one)."
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """``http://host:port`` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(address: str) -> None:
    sys.stdout.write(f"Openrate listens on {address}\n")
    sys.stdout.flush()


async def serve(
    app: Front,
    settings: Settings,
    *,
    listener: socket.socket | None = None,
    stop: asyncio.Event | None = None,
    announce: Callable[[str], None] = _say,
) -> None:
    """Serve until SIGTERM, SIGINT or ``stop``; then refuse new requests, finish those under way, and return.

    Args:
        app: the application; its log is closed at the end. Closing the store is the caller's, afterwards.
        settings: host and port, when there is no ``listener``.
        listener: a socket from ``listen``.
        stop: ends serving like a signal does; with it, no signal handlers are set.
        announce: told the address once requests are taken.

    Raises:
        OpenrateError: the port cannot be used.
    """
    listener = listener or listen(settings.host, settings.port)
    address = address_of(listener)
    server = _OwnSocketServer(listener, app)
    ending = stop or _on_signals()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "openrate"))
    serving = asyncio.ensure_future(server.serve())
    ended = asyncio.ensure_future(ending.wait())
    # The socket listens already: a client that is quicker than the worker waits in the backlog.
    announce(address)
    await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        app.closing = True
        await asyncio.sleep(_LINGER)
        await app.drain(_DRAIN)
        server.stop()  # type: ignore[no-untyped-call]  # it ships types, but not here
    ended.cancel()
    try:
        await serving
    except TimeoutError:
        logger.warning("A connection did not end in time; it was cut off.")
    finally:
        app.close()


def _on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event
