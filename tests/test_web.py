"""Keys, worlds and limits over real HTTP: what opens what, and what never does."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
import zstandard

from conftest import Keys, World

CAMPAIGN = {
    "name": "Spring sale",
    "live": False,
    "push_time": "now",
    "messages": [{"title": "Hello", "body": "Two days only"}],
}


def create(world: World, keys: Keys | None = None, **fields: object) -> str:
    """A new campaign's token."""
    keys = keys or world.shop
    answer = world.client.post(
        f"/1.1/{keys.live}/campaigns/create", headers=keys.server, json=CAMPAIGN | fields
    )
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["campaign_token"]
    return token


def refused(answer: httpx.Response, status: int, code: int) -> None:
    """The answer is this one of the catalogue, whole."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert set(answer.json()) == {"code", "type", "message"}
    assert answer.headers["content-type"].startswith("application/json")
    assert "x-request-id" in answer.headers


def test_a_campaign_goes_the_whole_way(world: World) -> None:
    token = create(world)
    base = f"/1.1/{world.shop.live}/campaigns"
    get = world.client.get(f"{base}/{token}", headers=world.shop.server)
    assert get.json()["name"] == "Spring sale"
    assert world.client.get(f"{base}/list", headers=world.shop.server).json()[0]["campaign_token"] == token
    stats = world.client.get(f"{base}/stats/{token}", headers=world.shop.server)
    assert stats.json() == {"campaign_token": token, "detail": []}
    assert stats.headers["x-attribution-rule"] == "influence=10800; reengage=259200; inactive=2592000"
    update = world.client.post(f"{base}/update/{token}/", headers=world.shop.server, json={"name": "Renamed"})
    assert (update.status_code, update.json()) == (200, {"campaign_token": token})
    delete = world.client.post(f"{base}/delete/{token}", headers=world.shop.server)
    assert (delete.status_code, delete.json()) == (200, {"campaign_token": token})
    refused(world.client.get(f"{base}/stats/{token}", headers=world.shop.server), 404, 20)


@pytest.mark.parametrize("call", ["list", "stats/{}", "{}"])
def test_reading_takes_the_live_or_the_sdk_key_only(world: World, call: str) -> None:
    place = call.format(create(world))
    for key in (world.shop.live, world.shop.sdk):
        answer = world.client.get(f"/1.1/{key}/campaigns/{place}", headers=world.shop.server)
        assert answer.status_code == 200
    refused(world.client.get(f"/1.1/{world.shop.dev}/campaigns/{place}", headers=world.shop.server), 403, 12)


@pytest.mark.parametrize("call", ["list", "stats/{}", "{}"])
def test_nothing_opens_what_is_not_its_own(world: World, call: str) -> None:
    token = create(world)
    place = f"campaigns/{call.format(token)}"
    shop, rival = world.shop, world.rival
    attempts: list[tuple[str, Any]] = [
        (shop.live, {}),
        (shop.live, {"X-Authorization": ""}),
        (shop.live, {"X-Authorization": "0" * 32}),
        (shop.live, {"X-Authorization": "\xff\xfe".encode("latin-1")}),
        (shop.live, rival.server),
        (rival.live, shop.server),
        ("0" * 30, shop.server),
        ("%00", shop.server),
        (shop.live.lower(), shop.server),
        (shop.live, shop.server | {"Authorization": "Bearer x"}),
        (shop.live, shop.server | {"Authorization": "Basic eDp5"}),
        (shop.live, {"Authorization": f"Bearer {world.device().token}"}),
    ]
    answers = [world.client.get(f"/1.1/{key}/{place}", headers=headers) for key, headers in attempts]
    for answer in answers:
        refused(answer, 401, 10)
    assert len({answer.text for answer in answers}) == 1
    if "{}" in call:
        other_app = world.client.get(f"/1.1/{world.news.live}/{place}", headers=world.shop.server)
        refused(other_app, 404, 20)


def test_a_read_key_reads_and_writes_nothing(world: World) -> None:
    token = create(world)
    base = f"/1.1/{world.shop.live}/campaigns"
    for place in ("list", token, f"stats/{token}"):
        assert world.client.get(f"{base}/{place}", headers=world.shop.reader).status_code == 200
    for place in ("create", f"update/{token}", f"delete/{token}"):
        refused(world.client.post(f"{base}/{place}", headers=world.shop.reader, json=CAMPAIGN), 403, 12)
    events = f"/v1/{world.shop.live}/events"
    refused(world.client.post(events, headers=world.shop.reader, json=[]), 403, 12)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"name":"\xff"}', b"\x00" * 10, b"[" * 50_000, b'"' + b"a" * 1000]
)
def test_a_body_that_is_no_object_is_400_32(world: World, body: bytes) -> None:
    token = create(world)
    for place in ("create", f"update/{token}"):
        url = f"/1.1/{world.shop.live}/campaigns/{place}"
        refused(world.client.post(url, headers=world.shop.server, content=body), 400, 32)


def test_a_campaign_over_one_mebibyte_is_413(world: World) -> None:
    url = f"/1.1/{world.shop.live}/campaigns/create"
    body = json.dumps(CAMPAIGN | {"custom_payload": "x" * (1 << 20)}).encode()
    refused(world.client.post(url, headers=world.shop.server, content=body), 413, 31)
    bombs = (("gzip", gzip.compress(body * 50)), ("zstd", zstandard.compress(body * 50)))
    for encoding, bomb in bombs:
        headers = world.shop.server | {"Content-Encoding": encoding}
        refused(world.client.post(url, headers=headers, content=bomb), 413, 31)


def test_a_compressed_campaign_is_a_campaign(world: World) -> None:
    url = f"/1.1/{world.shop.live}/campaigns/create"
    headers = world.shop.server | {"Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(CAMPAIGN).encode())
    assert world.client.post(url, headers=headers, content=body).status_code == 201


def test_health_is_open_and_says_what_it_knows(world: World) -> None:
    assert world.client.get("/healthz").json() == {"status": "alive"}
    assert world.client.get("/readyz").json() == {"status": "ready"}


def test_the_figures_hold_no_key(world: World) -> None:
    create(world)
    text = world.client.get("/metrics").text
    assert 'openrate_requests_total{method="POST",route="/1.1/{key}/campaigns/create",status="201"}' in text
    assert "openrate_log_facts" in text
    for key in (world.shop.live, world.shop.dev, world.shop.sdk, world.shop.server["X-Authorization"]):
        assert key not in text


def test_the_figures_are_for_this_machine_unless_a_token_opens_them(world: World) -> None:
    relayed = {"X-Forwarded-For": "127.0.0.1"}
    refused(world.client.get("/metrics", headers=relayed), 403, 12)
    refused(world.client.get("/metrics", headers={"Authorization": "Bearer wrong"}), 401, 10)
    opened = world.client.get(
        "/metrics", headers={"Authorization": f"Bearer {world.metrics_token}"} | relayed
    )
    assert opened.status_code == 200


def test_a_key_that_asks_too_often_is_told_to_wait(limited_world: World) -> None:
    url = f"/1.1/{limited_world.shop.live}/campaigns/list"
    answers = [limited_world.client.get(url, headers=limited_world.shop.server) for _ in range(60)]
    assert {a.status_code for a in answers} == {200, 429}
    over = next(a for a in answers if a.status_code == 429)
    refused(over, 429, 60)
    assert int(over.headers["retry-after"]) >= 5
    assert limited_world.client.get(url, headers=limited_world.shop.reader).status_code == 200
