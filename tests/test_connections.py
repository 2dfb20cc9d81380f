"""A connection after an answer: it serves the next request, or says that it will not."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest

from conftest import World


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Status and headers of the next answer, its body read too; status 0 when the server hung up."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (piece := connection.recv(1)):
            return 0, {}
        head += piece
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    left = int(headers.get("content-length", 0))
    while left:
        left -= len(connection.recv(left))
    return int(status.split()[1]), headers


REFUSED_UNREAD = [
    ("POST", "/v1/{live}/events", "Authorization: Bearer nobody", 401),
    ("POST", "/v1/{live}/events", "X-Authorization: wrong", 401),
    ("POST", "/1.1/{live}/campaigns/create", "X-Authorization: wrong", 401),
    ("POST", "/v1/unknown/installations", "Accept: */*", 401),
    ("POST", "/nowhere", "Accept: */*", 404),
    ("PUT", "/v1/{live}/events", "Accept: */*", 405),
    ("GET", "/healthz", "Accept: */*", 200),
]


@pytest.mark.parametrize(("method", "path", "header", "status"), REFUSED_UNREAD)
def test_a_body_that_comes_after_its_headers_does_not_cost_the_next_request(
    world: World, method: str, path: str, header: str, status: int
) -> None:
    parts = urlsplit(world.address)
    head = f"{method} {path.format(live=world.shop.live)} HTTP/1.1\r\nHost: x\r\n{header}\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as connection:
        for _ in range(2):
            connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n".encode())
            time.sleep(0.1)
            connection.sendall(b"[]")
            answered, headers = answer_of(connection)
            assert (answered, headers.get("connection")) == (status, None)


def test_an_answer_before_a_large_body_says_that_the_connection_ends(world: World) -> None:
    parts = urlsplit(world.address)
    head = f"POST /v1/{world.shop.live}/events HTTP/1.1\r\nHost: x\r\nX-Authorization: wrong\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: 50000000\r\n\r\n".encode())
        status, headers = answer_of(connection)
    assert (status, headers.get("connection")) == (401, "close")
