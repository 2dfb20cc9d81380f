"""The client, against an HTTP/2 server that is not ours, over TLS."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openrate.errors import OpenrateError
from openrate.providers import http2
from openrate.providers.http2 import MAX_ANSWER, Answer, Http2Client, Request
from providers.endpoint import Endpoint, Reply


@pytest.fixture
def client(service: Endpoint) -> Iterator[Http2Client[int]]:
    with closing(Http2Client[int](ca_file=service.ca_file)) as client:
        yield client


def answers(client: Http2Client[int], count: int, seconds: float = 20) -> dict[int, Answer]:
    got: dict[int, Answer] = {}
    deadline = time.monotonic() + seconds
    while len(got) < count and time.monotonic() < deadline:
        got.update(client.finished(0.1))
    assert len(got) == count
    return got


def answer(client: Http2Client[int], url: str) -> Answer:
    client.start(1, Request(url, [], b"{}"))
    return answers(client, 1)[1]


def test_each_request_gets_its_own_answer_over_few_connections(
    service: Endpoint, client: Http2Client[int]
) -> None:
    service.reply = lambda asked: Reply(200 + int(asked.path[1:]) % 3, asked.body)
    for number in range(300):
        client.start(number, Request(f"{service.url}/{number}", ["x-number: 7"], b"body %d" % number))
    for number, got in answers(client, 300).items():
        assert (got.status, got.body) == (200 + number % 3, b"body %d" % number)
    assert {asked.http_version for asked in service.asked} == {"2"}
    assert {asked.headers["x-number"] for asked in service.asked} == {"7"}
    assert len(service.connections) < 10


def test_a_handle_that_is_used_again_carries_nothing_over(
    service: Endpoint, client: Http2Client[int]
) -> None:
    service.reply = lambda asked: Reply(400 if b"long" in asked.body else 200, asked.body)
    for number, body in enumerate((b"a long body", b"", b"short")):
        client.start(number, Request(f"{service.url}/{number}", [f"x-number: {number}"], body))
        assert answers(client, 1)[number].body == body
    assert [asked.headers["x-number"] for asked in service.asked] == ["0", "1", "2"]


def test_a_slow_answer_does_not_hold_up_the_others(service: Endpoint, client: Http2Client[int]) -> None:
    service.reply = lambda asked: Reply(delay=1 if asked.path == "/slow" else 0)
    client.start(1, Request(f"{service.url}/slow", [], b""))
    client.start(2, Request(f"{service.url}/quick", [], b""))
    assert [tag for tag, _ in client.finished(10)] == [2]
    assert [tag for tag, _ in client.finished(10)] == [1]


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("-1", None), ("soon", None)])
def test_the_wait_that_a_server_asks_for_is_told(
    service: Endpoint, client: Http2Client[int], given: str, seconds: float | None
) -> None:
    service.reply = lambda _: Reply(429, headers={"retry-after": given})
    assert answer(client, service.url).retry_after == seconds


def test_of_an_answer_that_is_too_long_the_status_counts_and_the_rest_is_not_read(
    service: Endpoint, client: Http2Client[int]
) -> None:
    service.reply = lambda asked: Reply(body=b"x" * int(asked.path[1:]))
    assert len(answer(client, f"{service.url}/{MAX_ANSWER}").body) == MAX_ANSWER
    cut = answer(client, f"{service.url}/{MAX_ANSWER * 3}")
    assert (cut.status, cut.failure) == (200, "")
    assert len(cut.body) <= MAX_ANSWER
    assert answer(client, f"{service.url}/5").body == b"x" * 5


def test_a_redirect_is_an_answer_like_any_other(service: Endpoint, client: Http2Client[int]) -> None:
    service.reply = lambda _: Reply(307, headers={"location": f"{service.url}/elsewhere"})
    assert answer(client, f"{service.url}/here").status == 307
    assert [asked.path for asked in service.asked] == ["/here"]


def test_a_server_whose_certificate_nobody_vouches_for_is_sent_nothing(service: Endpoint) -> None:
    with closing(Http2Client[int]()) as client:
        got = answer(client, service.url)
    assert got.status == 0
    assert "certificate" in got.failure
    assert service.asked == []


def test_a_certificate_for_another_name_is_not_taken(service: Endpoint, client: Http2Client[int]) -> None:
    got = answer(client, f"https://127.0.0.2:{service.port}/")
    assert got.status == 0
    assert service.asked == []


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_nothing_but_https_is_spoken(service: Endpoint, client: Http2Client[int], scheme: str) -> None:
    got = answer(client, f"{scheme}://127.0.0.1:{service.port}/etc/hostname")
    assert (got.status, got.body) == (0, b"")
    assert service.asked == []


def test_a_proxy_of_the_environment_is_not_used(service: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with closing(Http2Client[int](ca_file=service.ca_file)) as client:
        assert answer(client, service.url).status == 200


def test_an_address_that_may_not_be_connected_to_is_never_connected_to(service: Endpoint) -> None:
    looked_at: list[str] = []

    def never(address: str) -> bool:
        looked_at.append(address)
        return False

    with closing(Http2Client[int](ca_file=service.ca_file, may_connect=never)) as client:
        got = answer(client, f"https://localhost:{service.port}/")
    assert got.is_forbidden
    assert "127.0.0.1" in looked_at
    assert service.connections == set()


def test_an_allowed_address_is_connected_to(service: Endpoint) -> None:
    with closing(Http2Client[int](ca_file=service.ca_file, may_connect=lambda a: a == "127.0.0.1")) as client:
        got = answer(client, service.url)
    assert (got.status, got.is_forbidden) == (200, False)


def test_a_server_that_is_not_there_is_a_failure_and_not_the_end(
    service: Endpoint, client: Http2Client[int]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        got = answer(client, f"https://127.0.0.1:{unused.getsockname()[1]}/")
    assert got.status == 0
    assert got.failure
    assert answer(client, service.url).status == 200


def test_a_server_that_says_nothing_is_given_up_on(
    service: Endpoint, client: Http2Client[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = [(option, 300 if value == http2._ANSWER_MS else value) for option, value in http2._OPTIONS]
    monkeypatch.setattr(http2, "_OPTIONS", tuple(short))
    service.reply = lambda _: Reply(delay=2)
    began = time.monotonic()
    assert "timed out" in answer(client, service.url).failure
    assert time.monotonic() - began < 1.9


def test_waiting_for_nothing_ends_when_it_should(client: Http2Client[int]) -> None:
    began = time.monotonic()
    assert client.finished(0.1) == []
    assert 0.1 <= time.monotonic() - began < 1


def test_a_client_can_be_closed_with_requests_under_way(service: Endpoint) -> None:
    service.reply = lambda _: Reply(delay=1)
    client = Http2Client[int](ca_file=service.ca_file)
    for number in range(10):
        client.start(number, Request(service.url, [], b""))
    client.finished(0.2)
    client.close()


def test_a_machine_without_certificates_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    with pytest.raises(OpenrateError, match="ca-certificates"):
        Http2Client[int]()
