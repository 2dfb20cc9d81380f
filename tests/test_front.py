"""What every answer has in common, over real sockets, with handlers made for the purpose."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from openrate.activity import Activity
from openrate.errors import OpenrateError, StoreFull
from openrate.ports.clock import SystemClock
from openrate.web.access_log import AccessLog
from openrate.web.bodies import read_body
from openrate.web.call import Answer, Call, json_answer
from openrate.web.failures import failure
from openrate.web.front import Front
from openrate.web.routing import Route, litestar
from openrate.web.server import listen
from openrate.web.tally import Tally
from serving import exchange, running


class NoFacts:
    def counts(self) -> dict[str, int]:
        return {}


class Handlers:
    """One handler of each kind."""

    def __init__(self) -> None:
        self.entered = threading.Event()

    async def stats(self, call: Call) -> Answer:
        call.app_id = 7
        return json_answer(200, {"key": call.parts[2]})

    async def events(self, call: Call) -> Answer:
        return json_answer(200, {"bytes": len(await read_body(call, 100_000))})

    async def broken(self, _call: Call) -> Answer:
        raise ValueError(f"a secret of {_call.parts[1]}")

    async def full(self, _call: Call) -> Answer:
        raise StoreFull("no room in /some/folder")

    async def slow(self, call: Call) -> Answer:
        self.entered.set()
        body = await read_body(call, 1000)
        return json_answer(200, {"bytes": len(body)})

    def front(self, log: io.StringIO) -> Front:
        routes = [
            Route("GET", "/1.1/{key}/campaigns/stats/{token}", self.stats),
            Route("POST", "/v1/{key}/events", self.events),
            Route("GET", "/broken", self.broken),
            Route("POST", "/1.1/{key}/campaigns/create", self.broken),
            Route("GET", "/full", self.full),
            Route("POST", "/slow", self.slow),
        ]
        tally = Tally(NoFacts(), Activity(SystemClock()))  # type: ignore[arg-type]  # it asks for counts only
        return Front(litestar(routes, failure), self.stats, self.events, AccessLog(log), tally)


@pytest.fixture(scope="module")
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture(scope="module")
def address(log: io.StringIO) -> Iterator[str]:
    with running(Handlers().front(log)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as client:
        yield client


STATS = "/1.1/KEY/campaigns/stats/TOKEN"


def test_every_answer_has_an_id_of_ours(client: httpx.Client) -> None:
    ids = {
        client.request(method, path, headers={"X-Request-Id": "mine"}).headers["x-request-id"]
        for method, path in [
            ("GET", STATS),
            ("GET", "/nope"),
            ("POST", STATS),
            ("OPTIONS", STATS),
            ("GET", "/broken"),
        ]
    }
    assert len(ids) == 5
    assert "mine" not in ids


def test_both_families_are_open_to_browsers_and_nothing_else_is(client: httpx.Client) -> None:
    for answer in (client.get(STATS), client.get("/1.1/nope"), client.post(STATS), client.get("/v1/nope")):
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert answer.headers["access-control-expose-headers"] == "X-Request-Id, Retry-After"
    assert "access-control-allow-origin" not in client.get("/full").headers
    preflight = client.options("/v1/KEY/events", headers={"Origin": "https://a.example"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"
    assert preflight.headers["access-control-allow-headers"] == (
        "X-Authorization, Authorization, Content-Type, Content-Encoding, X-Sent-At"
    )


def test_unusual_spellings_reach_the_same_handler(client: httpx.Client) -> None:
    for path in (STATS, f"{STATS}/", f"{STATS}?unknown=1&unknown=2", f"{STATS}/?x=%zz"):
        assert client.get(path).json() == {"key": "KEY"}
    head = client.head(STATS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == client.get(STATS).headers["content-length"]


def test_a_wrong_method_is_told_the_right_ones(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
        answer = client.request(method, STATS)
        assert (answer.status_code, answer.json()["code"]) == (405, 20)
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.get("/v1/KEY/events").headers["allow"] == "OPTIONS, POST"


def test_an_unknown_route_is_404_20(client: httpx.Client) -> None:
    for path in (
        "/",
        "/nope",
        "/1.1",
        "/1.1/KEY/campaigns/stats",
        "/%ff%00",
        "/v1//events/x",
        "/1.1/%2e%2e/x",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "ROUTE_NOT_FOUND")


def test_our_fault_is_500_with_a_request_id_and_no_traceback(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, 0)
    assert answer.headers["x-request-id"] in answer.json()["message"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "a secret of broken" not in caplog.text
    assert client.post("/1.1/KEY/campaigns/create").json()["code"] == 1


def test_a_full_store_is_503_2_and_keeps_its_paths_to_itself(client: httpx.Client) -> None:
    answer = client.get("/full")
    assert (answer.status_code, answer.json()["code"]) == (503, 2)
    assert answer.headers["retry-after"] == "5"
    assert "folder" not in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
        b"POST /v1/KEY/events HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/KEY/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/KEY/events HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    ],
)
@pytest.mark.parametrize("hang_up", [False, True])
def test_bytes_that_are_no_request_get_a_refusal_or_nothing(address: str, sent: bytes, hang_up: bool) -> None:
    received = exchange(address, sent, hang_up=hang_up, seconds=0.3)
    assert received == b"" or received.split(b" ", 2)[1][:1] == b"4"
    assert b"Traceback" not in received
    assert httpx.get(f"{address}{STATS}").status_code == 200


@pytest.mark.parametrize(
    "header", [b"Host: \xff\r\n", b"Host: a b\r\n", b"X-\xc3\xa9: x\r\n", b"Host: a\r\nHost: b\r\n", b""]
)
def test_odd_headers_never_break_the_server(address: str, header: bytes) -> None:
    received = exchange(
        address, b"GET " + STATS.encode() + b" HTTP/1.1\r\n" + header + b"Connection: close\r\n\r\n"
    )
    assert received.split(b" ", 2)[1] in {b"200", b"400"}


def test_an_oversize_body_is_refused_while_it_is_still_coming(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /v1/KEY/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            connection.sendall(b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000))
        assert b" 413 " in connection.recv(1000)


def test_an_announced_oversize_body_is_not_read_at_all(address: str) -> None:
    head = b"POST /v1/KEY/events HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
    assert b" 413 " in exchange(address, head)


def test_the_log_has_a_line_per_request_and_no_secret_in_it(client: httpx.Client, log: io.StringIO) -> None:
    ids = [
        client.request(method, path, headers={"X-Authorization": "KEY"}).headers["x-request-id"]
        for method, path in [("GET", STATS), ("GET", "/nope/KEY"), ("BREW", "/broken"), ("HEAD", f"{STATS}/")]
    ]
    deadline = time.monotonic() + 5
    while ids[-1] not in log.getvalue() and time.monotonic() < deadline:
        time.sleep(0.02)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    lines = [line for line in lines if line["id"] in ids]
    assert [line["id"] for line in lines] == ids
    assert [(x["route"], x["status"], x["app"], x["method"]) for x in lines] == [
        ("/1.1/{key}/campaigns/stats/{token}", 200, 7, "GET"),
        ("unmatched", 404, None, "GET"),
        ("unmatched", 405, None, "OTHER"),
        ("/1.1/{key}/campaigns/stats/{token}", 200, 7, "HEAD"),
    ]
    assert all(0 <= x["ms"] < 5000 for x in lines)
    assert "KEY" not in log.getvalue()
    assert "TOKEN" not in log.getvalue()


class Stuck(io.StringIO):
    """A reader of the log that has stopped reading."""

    def write(self, text: str) -> int:
        time.sleep(0.3)
        return super().write(text)


def test_a_log_nobody_reads_holds_up_no_answer(handlers: Handlers) -> None:
    with running(handlers.front(Stuck())) as address, httpx.Client(base_url=address) as client:
        began = time.monotonic()
        for _ in range(200):
            assert client.get(STATS).status_code == 200
        assert time.monotonic() - began < 5


def test_a_stopping_server_refuses_what_is_new_and_finishes_what_it_has(handlers: Handlers) -> None:
    front = handlers.front(io.StringIO())
    with running(front) as address:
        host, port = address.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        assert handlers.entered.wait(5)
        later = threading.Timer(0.7, lambda: connection.sendall(b"abc"))
        later.start()
        front.closing = True
        refused = httpx.get(f"{address}{STATS}")
        assert (refused.status_code, refused.json()["code"]) == (503, 2)
        assert "retry-after" in refused.headers
    later.join()
    assert b'{"bytes":3}' in connection.recv(10_000)
    connection.close()


def test_a_port_in_use_is_one_sentence_with_the_fix(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(OpenrateError, match=f"port {port}.*--port"):
        listen("127.0.0.1", port)
    with pytest.raises(OpenrateError, match="--host"):
        listen("no.such.host.invalid", 0)
