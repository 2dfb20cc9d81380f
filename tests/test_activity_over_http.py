"""What callers do is seen by the company whose app they named, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from dashboard import Site, serving_pages
from openrate.activity import Counted
from openrate.model import App, Cause, FactType

NOTHING = Counted({}, 0, {}, {}, {})
OPEN = {"type": "app_open", "installation_id": "i1"}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Site]:
    """A server at which nothing has happened."""
    with serving_pages(tmp_path) as site:
        yield site


@contextmanager
def caller(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.address, headers=site.api_headers, timeout=30) as client:
        yield client


def seen(site: Site, app: App) -> Counted:
    recent = site.parts.activity.of([app.id])
    assert recent.last_hour == recent.since_start
    return recent.since_start


def created(site: Site, client: httpx.Client) -> str:
    body = {"name": "Sale", "live": True, "push_time": "now", "messages": [{"body": "Hello"}]}
    answer = client.post(f"/1.1/{site.shop.live_key}/campaigns/create", json=body)
    return str(answer.json()["campaign_token"])


def test_facts_that_are_reported_are_seen_by_type_and_failures_by_cause(fresh: Site) -> None:
    with caller(fresh) as client:
        about = {"campaign_token": created(fresh, client), "send_id": "s"}
        events = [
            OPEN,
            {"type": "push_sent", "installation_id": "i1", **about},
            {"type": "push_sent", "installation_id": "i2", **about},
            {"type": "push_error", "installation_id": "i3", "cause": "unregistered", **about},
        ]
        assert client.post(f"/v1/{fresh.shop.live_key}/events", json=events).json()["accepted"] == 4
        assert client.post(f"/v1/{fresh.shop.dev_key}/events", json=[OPEN]).json()["accepted"] == 1
        body = {"platform": "ios"}
        assert client.post(f"/v1/{fresh.shop.live_key}/installations", json=body).status_code == 201
    facts = {FactType.PUSH_SENT: 2, FactType.APP_OPEN: 1, FactType.PUSH_ERROR: 1, FactType.INSTALLED: 1}
    assert seen(fresh, fresh.shop) == Counted(facts, 1, {Cause.UNREGISTERED: 1}, {}, {})
    assert seen(fresh, fresh.rival) == NOTHING


def test_every_refused_fact_is_seen_by_its_code_and_not_only_those_the_answer_names(fresh: Site) -> None:
    events = [{"type": "seen"}] * 250 + [{"type": "push_open", "installation_id": "i", "campaign_token": "x"}]
    with caller(fresh) as client:
        for key in (fresh.shop.live_key, fresh.shop.dev_key):
            assert client.post(f"/v1/{key}/events", json=events).json()["rejected"] == 251
    assert seen(fresh, fresh.shop).refused_facts == {"unknown_type": 500, "unknown_campaign": 2}
    assert seen(fresh, fresh.rival) == NOTHING


def test_refused_requests_are_seen_by_the_company_whose_app_they_name(fresh: Site) -> None:
    shop = fresh.shop
    with caller(fresh) as client:
        wrong = {"X-Authorization": "0" * 32}
        assert client.get(f"/1.1/{shop.live_key}/campaigns/list", headers=wrong).status_code == 401
        assert client.post(f"/v1/{shop.live_key}/events", json=[OPEN], headers=wrong).status_code == 401
        assert client.get(f"/1.1/{shop.dev_key}/campaigns/list").status_code == 403
        assert client.get(f"/1.1/{shop.live_key}/campaigns/{'a' * 32}").status_code == 404
        assert client.post(f"/1.1/{shop.live_key}/campaigns/create", content=b"{").status_code == 400
        assert client.get(f"/1.1/{shop.live_key}/campaigns/list").status_code == 200
        refused = {
            "AUTHENTICATION_INVALID": 2,
            "API_MISUSE": 1,
            "ROUTE_NOT_FOUND": 1,
            "MALFORMED_JSON_BODY": 1,
        }
        assert seen(fresh, shop).refused_requests == refused
        # The shop's own key at the app of somebody else: that one sees that somebody tried.
        assert client.get(f"/1.1/{fresh.rival.live_key}/campaigns/list").status_code == 401
        assert client.get(f"/1.1/{'F' * 30}/campaigns/list").status_code == 401
        assert client.get("/nowhere").status_code == 404
    assert seen(fresh, fresh.rival).refused_requests == {"AUTHENTICATION_INVALID": 1}
    assert seen(fresh, shop).refused_requests == refused


def test_a_device_that_is_refused_is_seen(fresh: Site) -> None:
    bad = {"Authorization": "Bearer no-token"}
    answer = httpx.post(f"{fresh.address}/v1/{fresh.shop.live_key}/events", json=[OPEN], headers=bad)
    assert answer.status_code == 401
    assert seen(fresh, fresh.shop).refused_requests == {"AUTHENTICATION_INVALID": 1}


def test_pages_that_are_not_found_or_not_allowed_are_no_affair_of_any_app(fresh: Site) -> None:
    with fresh.client() as visitor:
        assert visitor.get("/campaigns/nowhere").status_code == 404
    assert seen(fresh, fresh.shop) == NOTHING
