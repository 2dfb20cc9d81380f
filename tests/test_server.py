"""The server as a process: it starts, it ends in order, and says what stands in its way."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from program import Server, Shop, refusal, server

IGNORED = {"lock", "control"}
"""The lock names its holder, the socket has no content."""
EVENT = b'{"type":"app_open","installation_id":"late","at":"2026-03-10T10:00:00.000Z"}'


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path / "data")


def begin_report(running: Server, shop: Shop) -> socket.socket:
    """Send a report up to the last byte but one."""
    parts = urlsplit(running.address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    head = (
        f"POST /v1/{shop.keys['live_key']}/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"X-Authorization: {shop.keys['rest_api_key']}\r\nContent-Length: {len(EVENT)}\r\n\r\n"
    )
    connection.sendall(head.encode() + EVENT[:-1])
    time.sleep(0.2)
    return connection


def test_on_sigterm_what_is_new_is_refused_and_what_is_under_way_is_finished(shop: Shop) -> None:
    with server(shop.data) as running:
        connection = begin_report(running, shop)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        refused = httpx.get(f"{running.address}/healthz")
        assert (refused.status_code, refused.json()["code"]) == (503, 2)
        assert "retry-after" in refused.headers
        connection.sendall(EVENT[-1:])
        answered = connection.recv(10_000)
        assert answered.startswith(b"HTTP/1.1 200 ")
        assert json.loads(answered.partition(b"\r\n\r\n")[2])["accepted"] == 1
        assert running.process.wait(10) == 0
        assert time.monotonic() - began < 5
        connection.close()


def test_a_request_that_never_ends_does_not_hold_up_the_end(shop: Shop) -> None:
    with server(shop.data) as running, httpx.Client() as idle:
        assert idle.get(f"{running.address}/healthz").status_code == 200
        connection = begin_report(running, shop)
        began = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(10) == 0
        assert time.monotonic() - began < 5
        connection.close()


def test_who_is_cut_off_by_the_end_hears_to_send_again_and_not_that_the_report_was_wrong(shop: Shop) -> None:
    with server(shop.data) as running:
        connection = begin_report(running, shop)
        running.process.send_signal(signal.SIGTERM)
        head, _, body = connection.recv(10_000).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in head.lower()
        assert json.loads(body)["code"] == 2
        connection.close()


def test_a_port_in_use_is_one_sentence_and_the_data_stays_as_it_was(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        before = {path.name: path.read_bytes() for path in shop.data.iterdir() if path.name not in IGNORED}
        said = refusal("serve", "--data", str(shop.data), "--port", port)
        assert f"port {port}" in said
        assert "--port" in said
        after = {path.name: path.read_bytes() for path in shop.data.iterdir() if path.name not in IGNORED}
        assert {name: after[name] for name in before} == before


def test_the_log_of_a_process_is_lines_of_json_without_secrets(shop: Shop) -> None:
    with server(shop.data) as running:
        token = shop.campaign(running)
        shop.stats(running, token)
        httpx.get(f"{running.address}/nope/{token}")
    text = shop.data.with_name(shop.data.name + ".log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if "route" in line]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/1.1/{key}/campaigns/create", 201),
        ("/1.1/{key}/campaigns/stats/{token}", 200),
        ("unmatched", 404),
    ]
    for secret in (token, *shop.keys.values()):
        if len(secret) >= 30:
            assert secret not in text
