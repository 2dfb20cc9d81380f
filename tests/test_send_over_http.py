"""A send by the server as shipped, to a push service with TLS and HTTP/2."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path

from program import Shop, answer, children, server
from providers import keys
from providers.endpoint import Endpoint, Reply, endpoint
from sending import wait_until

COUNT = 2_000


def give_credentials(shop: Shop, service: Endpoint, folder: Path) -> None:
    file = folder / "key.p8"
    file.write_text(keys.p256_pem())
    options = ["--provider", "apns", "--file", str(file), "--key-id", "ABCDE12345", "--team-id", "TEAM567890"]
    options += ["--topic", "com.example.shop", "--base-url", f"https://localhost:{service.port}"]
    answer("app", "credentials", "set", "--app", shop.keys["live_key"], "--data", str(shop.data), *options)


def test_a_send_goes_on_when_the_process_that_speaks_to_the_provider_is_killed(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "data", "--sender", "openrate")
    with endpoint(tmp_path / "service") as service:
        service.reply = lambda _: Reply(delay=0.05)
        give_credentials(shop, service, tmp_path)
        with server(shop.data, SSL_CERT_FILE=str(service.ca_file)) as running:
            shop.import_installations(running, [f"{number:064x}" for number in range(COUNT)])
            token = shop.campaign(running, push_time="now")
            wait_until(lambda: len(service.asked) > COUNT // 4)
            (courier,) = children(running.process.pid)
            os.kill(courier, signal.SIGKILL)
            wait_until(
                lambda: shop.call(running, f"/v1/{{key}}/campaigns/{token}/progress")["state"] == "completed",
                60,
            )
            (row,) = shop.stats(running, token)["detail"]
            wait_until(lambda: children(running.process.pid) == [])
        times = Counter(asked.path for asked in service.asked)
        said = {json.loads(asked.body)["campaign_token"] for asked in service.asked}
    assert (row["sent"], row["errors"]) == (COUNT, 0)
    assert len(times) == COUNT
    assert max(times.values()) <= 2
    assert said == {token}
