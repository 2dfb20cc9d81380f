"""Installations and facts over real HTTP."""

from __future__ import annotations

import gzip
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import zstandard

from conftest import World
from openrate.model import FactType
from test_web import create, refused

NDJSON = {"Content-Type": "application/x-ndjson"}
SECRET = "s" * 32


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def test_a_device_registers_speaks_and_leaves(world: World) -> None:
    url = f"/v1/{world.shop.live}/installations"
    body = {"platform": "ios", "installation_secret": SECRET, "installation_id": "way.1", "language": "fr"}
    first = world.client.post(url, json=body)
    assert first.status_code == 201
    assert set(first.json()) == {"installation_id", "installation_token"}
    again = world.client.post(url, json=body)
    assert (again.status_code, again.json()) == (200, first.json())
    bearer = {"Authorization": f"Bearer {first.json()['installation_token']}"}
    report = world.client.post(f"/v1/{world.shop.live}/events", headers=bearer, json={"type": "app_open"})
    assert report.json() == {"accepted": 1, "rejected": 0, "errors": []}
    facts = list(world.log.facts(installation_id="way.1"))
    assert [f.type for f in facts] == [FactType.INSTALLED, FactType.APP_OPEN]
    assert world.client.delete(f"{url}/way.1", headers=bearer).status_code == 200
    after = world.client.post(f"/v1/{world.shop.live}/events", headers=bearer, json={"type": "app_open"})
    refused(after, 401, 10)
    refused(world.client.delete(f"{url}/way.1", headers=bearer), 401, 10)
    refused(world.client.delete(f"{url}/way.1", headers=world.shop.server), 404, 20)
    returned = world.client.post(url, json=body)
    assert returned.status_code == 201
    assert returned.json()["installation_token"] != first.json()["installation_token"]
    refused(world.client.post(url, json=body, headers=bearer), 401, 10)


def test_a_registration_needs_its_proof_and_one_kind_of_it(world: World) -> None:
    device = world.device()
    url = f"/v1/{world.shop.live}/installations"
    body = {"platform": "ios", "installation_id": device.id}
    refused(world.client.post(url, json=body), 401, 10)
    refused(world.client.post(url, json=body, headers=world.rival.server), 401, 10)
    refused(world.client.post(url, json=body, headers=world.shop.server | device.bearer), 401, 10)
    refused(world.client.post(url, json=body, headers=world.shop.reader), 403, 12)
    refused(world.client.post(url, json=body, headers={"Authorization": "Basic eDp5"}), 401, 10)
    assert world.client.post(url, json=body, headers=device.bearer).status_code == 200
    assert (
        world.client.post(url, json=body | {"custom_id": "c"}, headers=world.shop.server).status_code == 200
    )
    refused(world.client.post(url, json=body | {"custom_id": "c"}, headers=device.bearer), 403, 12)
    refused(world.client.post(url, json=body | {"platform": "web"}, headers=device.bearer), 400, 31)
    refused(world.client.post("/v1/" + "0" * 30 + "/installations", json=body), 401, 10)


def test_a_device_speaks_for_nobody_else(world: World) -> None:
    device, other = world.device(), world.device()
    events = f"/v1/{world.shop.live}/events"
    answer = world.client.post(
        events, headers=device.bearer, json=[{"type": "app_open", "installation_id": other.id}]
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (200, "not_allowed")
    refused(world.client.post(f"/v1/{world.news.live}/events", headers=device.bearer, json=[]), 401, 10)
    refused(world.client.post(f"/v1/{world.shop.dev}/events", headers=device.bearer, json=[]), 401, 10)
    refused(world.client.post(events, headers=device.bearer | world.shop.server, json=[]), 401, 10)
    refused(world.client.post(events, json=[]), 401, 10)
    refused(world.client.post(events, headers=world.rival.server, json=[]), 401, 10)
    url = f"/v1/{world.shop.live}/installations/{other.id}"
    refused(world.client.delete(url, headers=device.bearer), 401, 10)


def test_a_sent_push_and_its_open_are_in_the_statistics_in_every_encoding(world: World) -> None:
    token = create(world)
    events = f"/v1/{world.shop.live}/events"
    for name, encode in (("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes)):
        at = now()
        facts = [
            {"type": kind, "campaign_token": token, "installation_id": f"enc.{name}", "at": at}
            for kind in ("push_sent", "push_open")
        ]
        body = encode("\n".join(json.dumps(f) for f in facts).encode())
        headers = world.shop.server | NDJSON | {"Content-Encoding": name}
        answer = world.client.post(events, headers=headers, content=body)
        assert answer.json() == {"accepted": 2, "rejected": 0, "errors": []}
    world.log.settle()
    stats = world.client.get(f"/1.1/{world.shop.live}/campaigns/stats/{token}", headers=world.shop.server)
    (row, *more) = stats.json()["detail"]
    assert sum(r["sent"] for r in (row, *more)) == 3
    assert sum(r["direct_open"] for r in (row, *more)) == 3


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "multipart/form-data"])
def test_another_content_type_is_refused(world: World, content_type: str) -> None:
    headers = world.shop.server | {"Content-Type": content_type}
    refused(world.client.post(f"/v1/{world.shop.live}/events", headers=headers, content=b"{}"), 400, 31)


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"{", b"[{]", b'"text"', b"[" * 100_000, b"nul"])
def test_json_that_cannot_be_read_is_400_32(world: World, body: bytes) -> None:
    headers = world.shop.server | {"Content-Type": "application/json"}
    refused(world.client.post(f"/v1/{world.shop.live}/events", headers=headers, content=body), 400, 32)


def test_lines_that_cannot_be_read_are_refused_one_by_one(world: World) -> None:
    lines = [
        b'{"type":"app_open","installation_id":"l"}',
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"x" * 10_000,
    ]
    headers = world.shop.server | NDJSON
    answer = world.client.post(f"/v1/{world.shop.live}/events", headers=headers, content=b"\n".join(lines))
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 6)
    assert {e["code"] for e in answer.json()["errors"]} == {"malformed"}


def test_the_limits_of_a_device_hold(world: World) -> None:
    device = world.device()
    events = f"/v1/{world.shop.live}/events"
    line = b'{"type":"app_open"}\n'
    headers = device.bearer | NDJSON
    assert world.client.post(events, headers=headers, content=line * 1000).json()["accepted"] == 1000
    refused(world.client.post(events, headers=headers, content=line * 1001), 413, 31)
    refused(world.client.post(events, headers=device.bearer, json=[{"type": "app_open"}] * 1001), 413, 31)
    refused(world.client.post(events, headers=headers, content=b" " * (256 << 10) + b"\n\n"), 413, 31)
    bomb = gzip.compress(b"\n" * (64 << 20))
    refused(world.client.post(events, headers=headers | {"Content-Encoding": "gzip"}, content=bomb), 413, 31)


def test_the_limits_of_a_server_hold(world: World) -> None:
    events = f"/v1/{world.shop.live}/events"
    headers = world.shop.server | NDJSON | {"Content-Encoding": "zstd"}
    bomb = zstandard.compress(b"\n" * ((64 << 20) + 1))
    refused(world.client.post(events, headers=headers, content=bomb), 413, 31)
    many = zstandard.compress(b"{}\n" * 500_001)
    refused(world.client.post(events, headers=headers, content=many), 413, 31)


@pytest.mark.parametrize("body", [b"{}\n" * 20_000_000, b"{}" * 30_000_000, b"\n" * 60_000_000])
def test_millions_of_little_events_are_refused_before_they_unfold(world: World, body: bytes) -> None:
    headers = world.shop.server | NDJSON | {"Content-Encoding": "zstd"}
    url = f"/v1/{world.shop.live}/events"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(world.client.post(url, headers=headers, content=zstandard.compress(body)), 413, 31)
    # KiB; a few copies of the body, and not a Python object for each event in it.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_a_device_that_reports_too_often_is_told_to_wait(world: World) -> None:
    device, calm = world.device(), world.device()
    url = f"/v1/{world.shop.live}/events"

    def report(_: int) -> int:
        return world.client.post(url, headers=device.bearer, json={"type": "app_open"}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(report, range(300)))
    assert set(statuses) == {200, 429}
    assert world.client.post(url, headers=calm.bearer, json={"type": "app_open"}).status_code == 200


def test_too_many_bytes_under_way_is_503_with_retry_after(small_world: World) -> None:
    url = f"/v1/{small_world.shop.live}/events"
    body = b" " * (2 << 20)
    answer = small_world.client.post(url, headers=small_world.shop.server | NDJSON, content=body)
    refused(answer, 503, 2)
    assert int(answer.headers["retry-after"]) > 0
    time.sleep(0.1)
    again = small_world.client.post(url, headers=small_world.shop.server, json=[])
    assert again.status_code == 200
