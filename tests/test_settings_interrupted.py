"""A server that is stopped while it makes a change that takes long."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dashboard import Visitor
from program import Server, Shop, answer, openrate, server

EMAIL, PASSWORD = "ada@acme.example", "a long enough password"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop.create(tmp_path / "data")
    person = ("--company", "Acme", "--email", EMAIL, "--data", str(shop.data))
    assert openrate("user", "create", *person, stdin=PASSWORD).returncode == 0
    return shop


@contextmanager
def signed_in(running: Server) -> Iterator[Visitor]:
    headers = {"Origin": running.address}
    with httpx.Client(base_url=running.address, headers=headers, timeout=30) as client:
        assert client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}).status_code == 303
        yield Visitor(client)


def stopped_during(running: Server, path: str, wait_s: float, **form: str) -> None:
    """Send a form, and SIGTERM so long after it; the server ends in order, and soon."""
    with signed_in(running) as visitor, ThreadPoolExecutor(1) as pool:
        fields = {"csrf": visitor.csrf(), "sure": "yes", **form}
        posted = pool.submit(visitor.client.post, path, data=fields)
        time.sleep(wait_s)
        running.process.terminate()
        assert running.process.wait(10) == 0
        posted.exception()  # it may have been answered or not


@pytest.mark.parametrize("wait_s", [0.02, 0.2])
def test_a_change_of_windows_is_there_whole_after_the_next_start(shop: Shop, wait_s: float) -> None:
    with server(shop.data) as running:
        token = shop.campaign(running)
        sent = [
            {"type": "push_sent", "campaign_token": token, "installation_id": f"i{n}"} for n in range(10_000)
        ]
        for _ in range(10):
            shop.report(running, sent)
        windows = {"influence_window": "5", "reengage_window": "7", "inactive_after": "20"}
        units = {"influence_window_unit": "h", "reengage_window_unit": "d", "inactive_after_unit": "d"}
        stopped_during(running, "/settings/windows", wait_s, **windows, **units)
    with server(shop.data) as running, signed_in(running) as visitor:
        shown = visitor.client.get("/settings/windows").text
        lengths = set(re.findall(r"<strong>(\d+ (?:hours|days))</strong>", shown))
        assert lengths in ({"5 hours", "7 days", "20 days"}, {"3 hours", "3 days", "30 days"})
        assert "until the past is counted anew" not in shown
        assert sum(int(row["sent"]) for row in shop.stats(running, token)["detail"]) == 10_000
    assert answer("verify", "--data", str(shop.data))["differences"] == []


@pytest.mark.parametrize("wait_s", [0.02, 0.2])
def test_a_change_of_sender_can_be_made_again_after_the_next_start(shop: Shop, wait_s: float) -> None:
    path, form = f"/settings/apps/{shop.keys['live_key']}/sender", {"sender": "openrate"}
    with server(shop.data) as running:
        for _ in range(60):
            shop.campaign(running, push_time="2090-01-01T00:00:00")
        stopped_during(running, path, wait_s, **form)
    with server(shop.data) as running, signed_in(running) as visitor:
        assert visitor.post(path, sure="yes", **form).status_code == 303
        shown = visitor.client.get(f"/settings/apps/{shop.keys['live_key']}").text
        assert "Openrate sends its pushes" in shown
        listed = shop.call(running, "/1.1/{key}/campaigns/list?limit=100")
        assert len(listed) == 60
