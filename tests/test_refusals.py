"""What is refused is counted, all of it, and where it belongs."""

from __future__ import annotations

import re
import secrets

from conftest import World
from openrate import refusals
from openrate.refusals import Refusals


def test_refusals_are_counted_by_the_campaign_that_was_named() -> None:
    counted = Refusals()
    counted.add({(7, "in_future"): 2, (0, "malformed"): 1})
    counted.add({(7, "in_future"): 1, (8, "missing_version"): 5})
    assert counted.of_campaign(7) == {"in_future": 3}
    assert counted.of_campaign(9) == {}


def test_the_campaigns_of_which_something_was_refused_last_are_kept() -> None:
    counted = Refusals()
    for campaign in range(1, refusals._CAMPAIGNS + 1):
        counted.add({(campaign, "malformed"): 1})
    counted.add({(1, "malformed"): 1})
    counted.add({(1_000_000, "malformed"): 1})
    assert counted.of_campaign(1) == {"malformed": 2}
    assert counted.of_campaign(2) == {}


def test_every_refused_event_is_in_the_metrics_and_not_only_those_the_answer_names(world: World) -> None:
    before = refused(world)
    events = [{"type": "push_seen", "installation_id": secrets.token_hex(4)}] * 250
    answer = world.client.post(f"/v1/{world.shop.live}/events", json=events, headers=world.shop.server)
    assert (answer.status_code, answer.json()["rejected"], len(answer.json()["errors"])) == (200, 250, 100)
    assert refused(world) - before == 250


def refused(world: World) -> int:
    answer = world.client.get("/metrics", headers={"Authorization": f"Bearer {world.metrics_token}"})
    counts = re.findall(r'openrate_facts_refused_total\{code="unknown_type"\} ([0-9.e+]+)', answer.text)
    return int(float(counts[0])) if counts else 0
