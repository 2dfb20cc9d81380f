"""A server that is stopped while it makes a change that takes long."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from dashboard import Visitor
from program import Server, Shop, answer, openrate, server
from sending import wait_until
from test_durability import faulty_disk

__all__ = ["faulty_disk"]

EMAIL, PASSWORD = "ada@acme.example", "a long enough password"
CAMPAIGNS = 2_000
"""A change of sender takes 2 ms for each: it is far from its end when the server stops."""


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


def stop(running: Server) -> None:
    """The server ends in order, and soon."""
    running.process.terminate()
    assert running.process.wait(10) == 0


def log_of(shop: Shop) -> str:
    return shop.data.with_name(shop.data.name + ".log").read_text()


def test_a_change_of_windows_is_there_whole_after_the_next_start(
    shop: Shop, tmp_path: Path, faulty_disk: Path
) -> None:
    fault = tmp_path / "fault"
    windows = {"influence_window": "5", "reengage_window": "7", "inactive_after": "20"}
    units = {"influence_window_unit": "h", "reengage_window_unit": "d", "inactive_after_unit": "d"}
    with server(shop.data, LD_PRELOAD=str(faulty_disk), FAULTY_DISK=str(fault)) as running:
        token = shop.campaign(running)
        names = [f"i{n}" for n in range(10_000)]
        sent = [{"type": "push_sent", "campaign_token": token, "installation_id": name} for name in names]
        shop.report(running, sent)
        fault.write_text("slow")
        with signed_in(running) as visitor:
            assert visitor.post("/settings/windows", sure="yes", **windows, **units).status_code == 303
            assert "until the past is counted anew" in visitor.get("/settings/windows").text
        stop(running)
    with server(shop.data) as running, signed_in(running) as visitor:
        shown = visitor.get("/settings/windows").text
        assert re.findall(r"<strong>(\d+ (?:hours|days))</strong>", shown) == ["5 hours", "7 days", "20 days"]
        assert "until the past is counted anew" not in shown
        assert sum(int(row["sent"]) for row in shop.stats(running, token)["detail"]) == 10_000
    assert answer("verify", "--data", str(shop.data))["differences"] == []
    assert "failed" not in log_of(shop)


def add_campaigns(shop: Shop) -> None:
    """Scheduled ones of another sender, in one transaction."""
    with server(shop.data) as running:
        shop.campaign(running, push_time="2090-01-01T00:00:00")
    with closing(sqlite3.connect(shop.data / "records.db")) as records, records:
        records.row_factory = sqlite3.Row
        first = dict(records.execute("select * from campaigns").fetchone())
        rows = [first | {"id": n, "token": f"{n:032x}"} for n in range(2, CAMPAIGNS + 1)]
        names = ", ".join(f":{name}" for name in first)
        records.executemany(f"insert into campaigns values ({names})", rows)  # noqa: S608 - names are ours


def handed_over(shop: Shop) -> int:
    with closing(sqlite3.connect(shop.data / "records.db")) as records:
        query = "select count(*) from campaigns where next_due_at is not null"
        return int(records.execute(query).fetchone()[0])


def test_a_change_of_sender_ends_in_the_middle_and_can_be_made_again(shop: Shop) -> None:
    page = f"/settings/apps/{shop.keys['live_key']}"
    add_campaigns(shop)
    with server(shop.data) as running:
        with signed_in(running) as visitor:
            assert visitor.post(f"{page}/sender", sure="yes", sender="openrate").status_code == 303
            assert "The sender is being changed" in visitor.get(page).text
        stop(running)
    assert 0 < handed_over(shop) < CAMPAIGNS
    with server(shop.data) as running, signed_in(running) as visitor:
        shown = visitor.get(page).text
        assert "The sender is being changed" not in shown
        assert "Let Openrate send" in shown
        assert visitor.post(f"{page}/sender", sure="yes", sender="openrate").status_code == 303
        wait_until(lambda: "Openrate sends its pushes" in visitor.get(page).text, 120)
        assert handed_over(shop) == CAMPAIGNS
    assert "failed" not in log_of(shop)
