"""Messages and pushes to try providers with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from openrate.model import Message
from openrate.ports.provider import Provider, Push, Verdict


def message(**changed: Any) -> Message:
    """A message that is worth showing for an hour."""
    given: dict[str, Any] = {
        "campaign_token": "d9d5e5a52ca08110d4893af3254ec21b",
        "send_id": "2026-03-10T23:30:00Z",
        "title": "Neuer Schuh",
        "body": "Er läuft von selbst. 👟",
        "deeplink": "https://shop.example/shoes?id=7",
        "custom_payload": '{"shelf": 7}',
        "media": {"picture": "https://shop.example/shoe.jpg"},
        "is_urgent": True,
        "is_background": False,
        "collapse_key": None,
        "expires_at": time.time_ns() // 1_000_000 + 3_600_000,
    }
    return Message(**(given | changed))


def send(provider: Provider, pushes: Sequence[Push], seconds: float = 20) -> dict[int, Verdict]:
    """Send pushes and wait for what became of each, by its key."""
    provider.start(pushes)
    verdicts: dict[int, Verdict] = {}
    deadline = time.monotonic() + seconds
    while len(verdicts) < len(pushes) and time.monotonic() < deadline:
        for push, verdict in provider.finished(0.1):
            assert push.key not in verdicts, "a push came out twice"
            verdicts[push.key] = verdict
    assert len(verdicts) == len(pushes), "a push was lost"
    return verdicts
