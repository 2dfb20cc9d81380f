"""A server as shipped, in a process of its own, to measure from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

_OPENRATE = str(Path(sys.executable).with_name("openrate"))


class Keys(NamedTuple):
    """What opens the app that is measured."""

    live: str
    rest: str

    @property
    def headers(self) -> dict[str, str]:
        """How a server authenticates."""
        return {"X-Authorization": self.rest}


def _rss_mb(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except FileNotFoundError:  # it ended just now
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Server(NamedTuple):
    """A running process."""

    port: int
    process: subprocess.Popen[str]
    started_s: float

    def rss_mb(self) -> float:
        """Resident memory of the server and its children, now."""
        children = (
            list_.read_text().split() for list_ in Path(f"/proc/{self.process.pid}/task").glob("*/children")
        )
        return sum(map(_rss_mb, [self.process.pid, *(int(child) for each in children for child in each)]))

    def call(self, method: str, path: str, keys: Keys, body: bytes | None = None, **headers: str) -> bytes:
        """One request."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = Request(url, body, keys.headers | headers, method=method)
        with urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def stats_sent(self, path: str, keys: Keys) -> int:
        """The sum of ``sent`` over the rows of a statistics answer."""
        return sum(row["sent"] for row in json.loads(self.call("GET", path, keys))["detail"])


def new_app(data: Path, *more: str) -> Keys:
    """Make the company and the app whose campaigns are measured."""
    command = [
        _OPENRATE,
        "app",
        "create",
        "--company",
        "Bench",
        "--name",
        "Bench",
        "--platform",
        "ios",
        *more,
    ]
    made = json.loads(subprocess.check_output([*command, "--json", "--data", str(data)]))
    return Keys(made["live_key"], made["rest_api_key"])


@contextmanager
def serving(data: Path, log: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """``openrate serve`` with its request log on, to a file, and the rate limit off."""
    started = time.perf_counter()
    command = [_OPENRATE, "serve", "--data", str(data), "--port", "0"]
    environment = os.environ | {"OPENRATE_RATE_LIMIT": "0"} | dict(env or {})
    with (
        log.open("a") as written,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=written, text=True, env=environment
        ) as process,
    ):
        try:
            yield Server(port_of(process), process, time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait(timeout=60)


def port_of(process: subprocess.Popen[str]) -> int:
    """The port that a starting server says it listens on."""
    for line in process.stdout or ():
        if match := re.search(r"http://[^:]+:(\d+)", line):
            return int(match[1])
    raise RuntimeError("the server did not start")


def create_campaigns(server: Server, keys: Keys, count: int) -> list[str]:
    """Campaigns with the ids 1 … count; the tokens by id, with nothing at 0."""
    body = json.dumps(
        {"name": "bench", "live": True, "push_time": "now", "messages": [{"body": "hello"}]}
    ).encode()
    path = f"/1.1/{keys.live}/campaigns/create"
    headers = {"Content-Type": "application/json"}
    answers = [json.loads(server.call("POST", path, keys, body, **headers)) for _ in range(count)]
    return ["", *(answer["campaign_token"] for answer in answers)]
