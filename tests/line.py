"""The line between a browser and a server, which can be slow and can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit


class Line(ThreadingTCPServer):
    """Passes bytes to a server and back, until it is ``cut``; what is to be held, waits."""

    daemon_threads = True

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self.there = (parts.hostname, parts.port)
        self.is_cut = False
        self.connections = 0
        self._held: bytes | None = None
        self.holds = threading.Event()
        self._released = threading.Event()
        self._ends: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), _Passing)

    @property
    def address(self) -> str:
        """What the browser takes for the server."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """Hang up on everybody, from now on."""
        self.is_cut = True
        for end in self._ends:
            hang_up(end)

    def mend(self) -> None:
        self.is_cut = False

    def hold(self, what: str) -> None:
        """Do not pass on what has these words, until ``release``; ``holds`` is set when there is something."""
        self._held = what.encode()

    def release(self) -> None:
        self._released.set()

    def wait_with(self, piece: bytes) -> None:
        """Wait if this is to be held."""
        if self._held is not None and self._held in piece:
            self.holds.set()
            self._released.wait()

    def remember(self, *ends: socket.socket) -> None:
        self._ends += ends


class _Passing(BaseRequestHandler):
    server: Line

    def handle(self) -> None:
        self.server.connections += 1
        if self.server.is_cut:
            return
        with socket.create_connection(self.server.there) as there:
            self.server.remember(self.request, there)
            back = threading.Thread(target=self._pass, args=(there, self.request))
            back.start()
            self._pass(self.request, there)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                self.server.wait_with(piece)
                target.sendall(piece)
        hang_up(target)


def hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line(server: str) -> Iterator[Line]:
    """A line to the server at this address."""
    with Line(server) as made:
        threading.Thread(target=made.serve_forever).start()
        try:
            yield made
        finally:
            made.release()
            made.cut()
            made.shutdown()
