"""A server that is killed in the middle of a send goes on where it was: everyone once, and the numbers right."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from openrate.providers.stub import deliveries
from program import Shop, answer, server
from sending import wait_until

UNDER_WAY = 2_048
"""Pushes under way at most; those may be attempted twice when the server is killed."""


def _counted(statistics: Any) -> tuple[int, int]:
    """What was sent on the one day that there is, and what failed."""
    (row,) = statistics["detail"] or [{"sent": 0, "errors": 0}]
    return row["sent"], row["errors"]


def sent_and_killed(tmp_path: Path, count: int, kills: int) -> None:
    data, journal = tmp_path / "data", tmp_path / "journal"
    shop = Shop.create(data, "--sender", "openrate")
    app = ("--app", shop.keys["live_key"], "--data", str(data))
    settings = tmp_path / "stub.json"
    settings.write_text(json.dumps({"journal": str(journal), "latency_ms": 40}))
    answer("app", "credentials", "set", "--provider", "stub", "--file", str(settings), *app)
    with server(data) as running:
        # One token in a hundred is gone.
        tokens = [f"stub:gone:{at}" if at % 100 == 7 else f"t{at}" for at in range(count)]
        shop.import_installations(running, tokens)
        token = shop.campaign(running, push_time="now")
        running.kill()
    accepted = count - count // 100
    for kill in range(kills):
        with server(data) as running:
            wanted = accepted * (kill + 1) // (kills + 2)
            wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= wanted, 120)  # noqa: B023 - called at once
            running.kill()
    with server(data) as running:
        progress = f"/v1/{{key}}/campaigns/{token}/progress"
        wait_until(lambda: shop.call(running, progress)["state"] == "completed", 120)
        # What is stored is in the statistics a moment later, on a busy machine a longer one.
        wait_until(lambda: sum(_counted(shop.stats(running, token))) == count)
        counted = _counted(shop.stats(running, token))
    times = Counter(delivery.token for delivery in deliveries(journal))
    assert len(times) == accepted
    again = sum(times.values()) - accepted
    assert again <= kills * UNDER_WAY
    assert max(times.values()) <= 1 + kills
    assert counted == (accepted, count // 100)
    assert answer("verify", "--data", str(data))["differences"] == []


def test_a_send_that_is_killed_three_times_reaches_everyone_and_counts_right(tmp_path: Path) -> None:
    sent_and_killed(tmp_path, 10_000, 3)


@pytest.mark.soak
def test_a_send_to_a_hundred_thousand_that_is_killed_ten_times_reaches_everyone(tmp_path: Path) -> None:
    sent_and_killed(tmp_path, 100_000, 10)
