"""Clients: many GETs and single events with wrk, large bodies with plain sockets."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import workload
from benchmarks.serving import Keys, Server

_SINGLE = """
local n = 0
request = function()
  n = n + 1
  local at = os.date("!%%Y-%%m-%%dT%%H:%%M:%%S", %d + n) .. "Z"
  local body = '{"type":"app_open","installation_id":"s%d-' .. n .. '","at":"' .. at .. '"}'
  return wrk.format("POST", "%s", wrk.headers, body)
end
"""


class Rate(NamedTuple):
    """What wrk saw."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def get_rate(port: int, path: str, keys: Keys, seconds: float, connections: int = 32) -> Rate:
    """GETs as fast as they are answered."""
    return _wrk(port, path, keys, seconds, connections)


def single_event_rate(server: Server, keys: Keys, seconds: float, connections: int, script: Path) -> Rate:
    """Requests with one event each, every one another fact."""
    path = f"/v1/{keys.live}/events"
    script.write_text(_SINGLE % (workload.START // 1000, time.time_ns() % 1_000_000, path))
    extra = ["-H", "Content-Type: application/json", "-s", str(script)]
    return _wrk(server.port, path, keys, seconds, connections, extra)


def _wrk(
    port: int, path: str, keys: Keys, seconds: float, connections: int, extra: Sequence[str] = ()
) -> Rate:
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}",
        "--latency",
        "-H",
        f"X-Authorization: {keys.rest}",
    ]
    out = subprocess.check_output([*command, *extra, f"http://127.0.0.1:{port}{path}"], text=True)
    failed = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    latency = {p: _ms(value) for p, value in re.findall(r"(50|99)%\s+([\d.]+[mun]?s)", out)}
    return Rate(float(re.findall(r"Requests/sec:\s+([\d.]+)", out)[0]), latency["50"], latency["99"], failed)


def _ms(text: str) -> float:
    number, unit = re.match(r"([\d.]+)(\D+)", text).groups()  # type: ignore[union-attr]  # wrk's form
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def post_bodies(
    server: Server,
    keys: Keys,
    bodies: Sequence[bytes],
    connections: int,
    per_second: float | None = None,
    acknowledged: Callable[[int, float], None] | None = None,
) -> float:
    """Post each body once, over some connections, at most so many bodies a second; returns the seconds it took.

    ``acknowledged`` is told the position of a body and when its 200 came (``time.perf_counter``).
    """
    positions = iter(range(len(bodies)))
    taking = threading.Lock()
    started = time.perf_counter()

    def work() -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            while True:
                with taking:
                    at = next(positions, None)
                if at is None:
                    return
                if per_second:
                    time.sleep(max(0.0, started + at / per_second - time.perf_counter()))
                _post(connection, server, keys, bodies[at])
                if acknowledged:
                    acknowledged(at, time.perf_counter())

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def _post(connection: socket.socket, server: Server, keys: Keys, body: bytes) -> None:
    head = (
        f"POST /v1/{keys.live}/events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"X-Authorization: {keys.rest}\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode())
    connection.sendall(body)
    answer = connection.recv(65536)
    if b'"rejected":0' not in answer:
        raise RuntimeError(f"not taken: {answer[-300:]!r}")
