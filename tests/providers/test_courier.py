"""A provider in a process of its own (``providers/courier.py``)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from openrate.errors import OpenrateError
from openrate.ports.provider import Push, Result
from openrate.providers.courier import Courier, Errand
from program import children, is_running
from providers import keys
from providers.endpoint import Endpoint, Reply
from providers.messages import message, send
from sending import wait_until

TOKEN = "a1" * 32
SERVER = """
import sys, time
from openrate.credentials import ApnsCredentials
from openrate.providers.courier import Courier, Errand
from providers import keys
courier = Courier(Errand(keys.apns(sys.argv[1]), dev=False))
print(flush=True)
time.sleep(60)
"""


@contextmanager
def courier_to(service: Endpoint) -> Iterator[Courier]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(service.ca_file))
        courier = Courier(Errand(keys.apns(f"https://localhost:{service.port}"), dev=False))
    with closing(courier):
        yield courier


def test_what_each_recipient_gets_is_what_the_provider_would_send(service: Endpoint) -> None:
    said = [message(body=f"Number {number}") for number in range(600)]
    with courier_to(service) as courier:
        for first in (0, 300):
            pushes = [Push(key, f"{key:064x}", said[key]) for key in range(first, first + 300)]
            assert {verdict.result for verdict in send(courier, pushes).values()} == {Result.SENT}
    got = {
        int(asked.path.rpartition("/")[2], 16): json.loads(asked.body)["aps"]["alert"]["body"]
        for asked in service.asked
    }
    assert got == {key: f"Number {key}" for key in range(600)}


def test_when_its_process_dies_nothing_is_lost_and_the_provider_asks_for_another(service: Endpoint) -> None:
    before = set(children(os.getpid()))
    service.reply = lambda _: Reply(delay=5)
    with courier_to(service) as courier:
        (process,) = set(children(os.getpid())) - before
        courier.start([Push(key, TOKEN, message()) for key in range(3)])
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: not is_running(process))
        courier.start([Push(3, TOKEN, message())])
        ended = courier.finished(5)
    assert [(push.key, verdict.result) for push, verdict in ended] == [(key, Result.HELD) for key in range(4)]


def test_it_ends_with_the_server_that_started_it_even_when_that_is_killed(service: Endpoint) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, f"https://localhost:{service.port}"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "SSL_CERT_FILE": str(service.ca_file)},
    )
    with server:
        assert server.stdout is not None
        server.stdout.readline()
        (courier,) = children(server.pid)
        server.kill()
    wait_until(lambda: not is_running(courier))


def test_when_there_is_nobody_to_trust_it_says_so_and_leaves_no_process(tmp_path: Path) -> None:
    before = children(os.getpid())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
        environment.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
        with pytest.raises(OpenrateError, match="no certificates to trust"):
            Courier(Errand(keys.apns("https://localhost:1"), dev=False))
    assert children(os.getpid()) == before


def test_its_credentials_are_not_in_the_list_of_processes(service: Endpoint) -> None:
    before = set(children(os.getpid()))
    with courier_to(service):
        (process,) = set(children(os.getpid())) - before
        shown = Path(f"/proc/{process}/cmdline").read_bytes() + Path(f"/proc/{process}/environ").read_bytes()
    assert b"PRIVATE KEY" not in shown
    assert b"ABCDE12345" not in shown
