"""A whole send by a server as shipped, to a local endpoint with TLS and HTTP/2: against the bare HTTP client.

Apple's form, because it has an address for each device. Selection, rendering, journal, the provider's answers,
facts and their attribution are all in it.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.clients import endpoint, new_key
from benchmarks.serving import Keys, Server, new_app, serving

_OPENRATE = str(Path(sys.executable).with_name("openrate"))
_INSTALLATIONS = """
insert into installations (app_id, dev, installation_id, platform, token_version, push_token, push_token_hash,
    language, opted_in, created_at, updated_at)
with recursive n(n) as (select 0 union all select n + 1 from n where n < ? - 1)
select 1, 0, printf('%032x', n), 'ios', 1, printf('%064x', n), randomblob(32), 'en', 1, 0, 0 from n
"""


class Sent(NamedTuple):
    """What a send took, in seconds and MB."""

    recipients: int
    select: float
    send: float
    rss: float

    @property
    def per_second(self) -> float:
        """From the first push to the last statistic."""
        return self.recipients / self.send


def whole_send(folder: Path, recipients: int, targeting: dict[str, Any] | None = None) -> Sent:
    """Send a campaign to so many installations, and see that the statistics say so."""
    folder.mkdir()
    data = folder / "data"
    keys = new_app(data, "--sender", "openrate")
    with closing(sqlite3.connect(data / "records.db")) as records:
        records.execute(_INSTALLATIONS, [recipients])
        records.commit()
    with endpoint(folder) as port:
        _give_credentials(folder, data, keys, port)
        trust = {"SSL_CERT_FILE": str(folder / "ca.pem")}
        with serving(data, folder / "server.log", trust) as server:
            return _send(server, keys, recipients, targeting)


def client_rate(folder: Path, client: Callable[[Path, int, int], None], count: int) -> float:
    """Pushes a second of a client that does nothing else."""
    folder.mkdir()
    with endpoint(folder) as port:
        client(folder / "ca.pem", port, 200)
        began = time.perf_counter()
        client(folder / "ca.pem", port, count)
        return count / (time.perf_counter() - began)


def _give_credentials(folder: Path, data: Path, keys: Keys, port: int) -> None:
    key = folder / "key.p8"
    key.write_text(new_key())
    options = ["--provider", "apns", "--file", str(key), "--key-id", "ABCDE12345", "--team-id", "TEAM567890"]
    options += ["--topic", "com.example.shop", "--base-url", f"https://127.0.0.1:{port}"]
    command = [_OPENRATE, "app", "credentials", "set", "--app", keys.live, "--data", str(data), *options]
    subprocess.run(command, check=True, capture_output=True)


def _send(server: Server, keys: Keys, recipients: int, targeting: dict[str, Any] | None) -> Sent:
    body = {
        "name": "Sale",
        "live": True,
        "push_time": "now",
        "messages": [{"title": "Hello", "body": "x" * 300}],
    }
    if targeting is not None:
        body["targeting"] = targeting
    created = server.call("POST", f"/1.1/{keys.live}/campaigns/create", keys, json.dumps(body).encode())
    token = json.loads(created)["campaign_token"]
    largest = 0.0

    def progress() -> Any:
        return json.loads(server.call("GET", f"/v1/{keys.live}/campaigns/{token}/progress", keys))

    while (
        not any(send["state"] == "selecting" for send in progress()["sends"]) and not progress()["recipients"]
    ):
        time.sleep(0.01)
    selecting = time.perf_counter()
    while not progress()["recipients"]:
        time.sleep(0.01)
    selected = time.perf_counter()
    while (found := progress())["state"] != "completed":
        largest = max(largest, server.rss_mb())
        time.sleep(0.1)
    ended = time.perf_counter()
    assert found["sent"] == recipients, found
    while server.stats_sent(f"/1.1/{keys.live}/campaigns/stats/{token}", keys) != recipients:
        assert time.perf_counter() < ended + 10
    return Sent(recipients, selected - selecting, ended - selected, largest)
