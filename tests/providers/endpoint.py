"""A push service that is not ours to answer for: Hypercorn, with HTTP/2 and TLS on a free port of 127.0.0.1.

What it answers is the test's to say; what it was asked it keeps.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config


class Asked(NamedTuple):
    """A request as it arrived. The names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    http_version: str


class Reply(NamedTuple):
    """What to answer, and after how many seconds."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    delay: float = 0


class Endpoint:
    """A running push service."""

    def __init__(self, ca_file: Path, port: int) -> None:
        self.ca_file = ca_file
        self.port = port
        self.url = f"https://127.0.0.1:{port}"
        self.asked: list[Asked] = []
        self.reply: Callable[[Asked], Reply] = lambda _: Reply()
        self.connections: set[tuple[str, int]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], headers, body, scope["http_version"])
        self.asked.append(asked)
        self.connections.add(tuple(scope["client"]))
        reply = self.reply(asked)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        fields = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": fields})
        await send({"type": "http.response.body", "body": reply.body})


@contextmanager
def endpoint(folder: Path, *, requests_per_connection: int = 100_000) -> Iterator[Endpoint]:
    """Serve with a certificate of its own, made in ``folder``, until the block ends."""
    config = _configured(folder)
    config.keep_alive_max_requests = requests_per_connection
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    config.bind = [f"127.0.0.1:{port}"]
    service = Endpoint(folder / "ca.pem", port)
    ends: list[Callable[[], object]] = []
    up, is_ending = threading.Event(), threading.Event()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, _context: None)  # tests break connections on purpose
        serving = asyncio.current_task()
        assert serving
        ends.append(lambda: loop.call_soon_threadsafe(stop.set))
        ends.append(lambda: loop.call_soon_threadsafe(serving.cancel))
        up.set()
        await serve(service, config, shutdown_trigger=stop.wait)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException:  # when it is told to end, Hypercorn raises what its broken connections raised
            if not is_ending.is_set():
                raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert up.wait(10)
    _wait_until_it_listens(port)
    try:
        yield service
    finally:
        # Hypercorn can wait for good for a connection that broke while it was being closed, also when it is
        # cancelled: then its thread, which is a daemon, is left behind.
        is_ending.set()
        for end in ends:
            if thread.is_alive():
                end()
                thread.join(1)


def _configured(folder: Path) -> Config:
    folder.mkdir(exist_ok=True)
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost", "push.test")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    config = Config()
    config.certfile = config.keyfile = str(folder / "server.pem")
    config.graceful_timeout = 1
    config.errorlog = None
    return config


def _wait_until_it_listens(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            probe.settimeout(1)
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        threading.Event().wait(0.05)
    raise AssertionError("the endpoint did not come up")
