"""What every provider promises (``ports.Provider``), on each of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from openrate.model import Cause
from openrate.ports.provider import Provider, Push, Result
from openrate.providers.apns import ApnsProvider
from openrate.providers.courier import Courier, Errand
from openrate.providers.fcm import FcmProvider
from openrate.providers.push_services import Allowance, PushServices
from openrate.providers.stub import StubProvider
from openrate.providers.webpush import WebPushProvider
from providers import keys
from providers.endpoint import Asked, Endpoint, Reply, endpoint
from providers.keys import Subscriber
from providers.messages import message, send

SERVICES = PushServices(allowance=Allowance(frozenset({"localhost"})))
Make = Callable[[int, Path], tuple[Provider, str]]


def _fcm(port: int, ca: Path) -> tuple[Provider, str]:
    return FcmProvider(keys.fcm(f"https://localhost:{port}"), ca_file=ca), "fGH1:APA91b"


def _apns(port: int, ca: Path) -> tuple[Provider, str]:
    return ApnsProvider(keys.apns(f"https://localhost:{port}"), ca_file=ca), "a1" * 32


def _webpush(port: int, ca: Path) -> tuple[Provider, str]:
    subscriber = Subscriber(f"https://localhost:{port}/push")
    return WebPushProvider(keys.webpush(), SERVICES, ca_file=ca), subscriber.subscription


def _courier(port: int, ca: Path) -> tuple[Provider, str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(ca))
        return Courier(Errand(keys.apns(f"https://localhost:{port}"), dev=False)), "a1" * 32


def _stub(_port: int, ca: Path) -> tuple[Provider, str]:
    return StubProvider(down=ca.with_name("no such file")), "anything"


BY_HTTP: list[Make] = [_fcm, _apns, _webpush, _courier]
EVERY: list[Make] = [*BY_HTTP, _stub]


def granting(_: Asked) -> Reply:
    """Accept pushes, and give an access token to who asks for one."""
    return Reply(200, b'{"access_token": "ya29", "expires_in": 3600}')


@pytest.mark.parametrize("make", EVERY)
def test_each_push_comes_out_once_through_connections_that_end(make: Make, tmp_path: Path) -> None:
    with endpoint(tmp_path / "service", requests_per_connection=150) as service:
        service.reply = granting
        provider, token = make(service.port, service.ca_file)
        with closing(provider):
            said = message()
            waiting = [Push(key, token, said) for key in range(500)]
            results: dict[int, Result] = {}
            deadline = time.monotonic() + 60
            under_way = 0
            while len(results) < 500 and time.monotonic() < deadline:
                batch, waiting = waiting[: 100 - under_way], waiting[100 - under_way :]
                provider.start(batch)
                under_way += len(batch)
                for push, verdict in provider.finished(0.5):
                    assert push.key not in results
                    under_way -= 1
                    if verdict.result is Result.RETRY:
                        waiting.append(push)
                    else:
                        results[push.key] = verdict.result
    assert len(results) == 500
    assert set(results.values()) == {Result.SENT}


@pytest.mark.parametrize("make", BY_HTTP)
def test_when_nobody_answers_a_push_comes_out_to_be_tried_again(make: Make, service: Endpoint) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider, token = make(unused.getsockname()[1], service.ca_file)
        with closing(provider):
            verdicts = send(provider, [Push(key, token, message()) for key in range(3)])
    assert {(verdict.result, verdict.cause) for verdict in verdicts.values()} == {
        (Result.RETRY, Cause.UNAVAILABLE)
    }


@pytest.mark.parametrize("make", EVERY)
def test_start_does_not_wait_and_finished_no_longer_than_it_may(make: Make, service: Endpoint) -> None:
    service.reply = lambda asked: granting(asked)._replace(delay=1)
    provider, token = make(service.port, service.ca_file)
    with closing(provider):
        began = time.monotonic()
        provider.start(
            [Push(key, token if make is not _stub else "stub:slow:1000", message()) for key in range(5)]
        )
        assert time.monotonic() - began < 0.5
        began = time.monotonic()
        assert provider.finished(0.1) == []
        assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("make", BY_HTTP)
def test_what_is_past_its_time_is_not_sent(make: Make, service: Endpoint) -> None:
    service.reply = granting
    provider, token = make(service.port, service.ca_file)
    with closing(provider):
        verdict = send(provider, [Push(1, token, message(expires_at=1))])[1]
    assert (verdict.result, verdict.cause) == (Result.REFUSED, Cause.EXPIRED)


@pytest.mark.parametrize("make", EVERY)
def test_a_provider_can_hang_up_at_any_time(make: Make, service: Endpoint) -> None:
    service.reply = lambda asked: granting(asked)._replace(delay=0.5)
    for turns in (0, 1, 5):
        provider, token = make(service.port, service.ca_file)
        provider.start([Push(key, token, message()) for key in range(20)])
        for _ in range(turns):
            provider.finished(0.01)
        provider.close()
