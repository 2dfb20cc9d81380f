"""The whole way: a company by the command line, a campaign and facts over HTTP, the numbers, and again."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from openrate.model import Rule
from openrate.storage.records import SqlRecords
from program import Shop, answer, openrate, server

DAY = "2026-03-10"
ROW = {
    "date": DAY,
    "sent": 4,
    "sent_optins": 3,
    "direct_open": 1,
    "influenced_open": 1,
    "reengaged": 1,
    "errors": 1,
}


def worked_example(token: str) -> list[dict[str, Any]]:
    """``metrics.md``, "Worked example"."""

    def about(kind: str, who: str, at: str, **more: Any) -> dict[str, Any]:
        campaign = {} if kind == "app_open" else {"campaign_token": token}
        return {"type": kind, "installation_id": who, "at": at, **campaign, **more}

    sent = f"{DAY}T23:30:00Z"
    return [
        about("app_open", "i4", "2026-01-01T12:00:00Z"),
        about("app_open", "i4", "2026-01-20T12:00:00Z"),
        about("push_sent", "i1", sent),
        about("push_sent", "i2", sent),
        about("push_sent", "i3", sent, opted_in=False),
        about("push_sent", "i4", sent),
        about("push_error", "i5", sent, cause="unregistered"),
        about("app_open", "i2", "2026-03-11T02:30:00.000Z"),
        about("app_open", "i3", "2026-03-11T02:30:00.001Z"),
        about("push_open", "i1", "2026-03-11T09:00:00Z"),
        about("app_open", "i1", "2026-03-10T23:40:00Z"),
        about("app_open", "i4", "2026-03-12T08:00:00Z"),
    ]


def test_the_worked_example_comes_out_and_survives_an_end_and_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shop = Shop.create(data)
    with server(data) as running:
        token = shop.campaign(running)
        assert shop.stats(running, token) == {"campaign_token": token, "detail": []}
        shop.report(running, worked_example(token))
        expected = {"campaign_token": token, "detail": [ROW]}
        assert shop.stats(running, token) == expected
    with server(data) as running:
        assert shop.stats(running, token) == expected
        shop.report(running, worked_example(token)[::-1])
        assert shop.stats(running, token) == expected
        running.kill()
    assert answer("verify", "--data", str(data))["differences"] == []
    with server(data) as running:
        assert shop.stats(running, token) == expected


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shop = Shop.create(data)
    with server(data) as running:
        token = shop.campaign(running)
        facts = worked_example(token)
        for fact in facts:
            shop.report(running, [fact])
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    with server(data) as running:
        assert shop.stats(running, token)["detail"] == [ROW]
        table = openrate("stats", token, "--data", str(data)).stdout
    assert "50.0 %" in table


def test_windows_whose_change_was_cut_off_are_in_force_after_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shop = Shop.create(data)
    with server(data) as running:
        token = shop.campaign(running)
        shop.report(running, worked_example(token))
    records = SqlRecords(data / "records.db")  # as a kill between the two stores leaves it
    records.set_rule(records.companies()[0].id, Rule(influence_window=4 * 3600))
    records.close()
    with server(data) as running:
        assert shop.stats(running, token)["detail"] == [ROW | {"influenced_open": 2}]
    assert "its windows were being changed" in data.with_name("data.log").read_text()
