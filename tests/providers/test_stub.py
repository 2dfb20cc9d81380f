"""The provider that does as it is told."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from openrate.errors import OpenrateError
from openrate.model import Cause
from openrate.ports.provider import Push, Result
from openrate.providers.stub import StubProvider, deliveries
from providers.messages import message, send


@pytest.mark.parametrize(
    ("token", "result"),
    [
        ("anything", Result.SENT),
        ("stub:gone", Result.GONE),
        ("stub:gone:phone", Result.GONE),
        ("stub:refused:7", Result.REFUSED),
        ("stub:held", Result.HELD),
        ("stub:retry:1:phone", Result.RETRY),
        ("stub:retry:0", Result.SENT),
        ("stub:slow:1", Result.SENT),
        ("stub:unheard-of", Result.SENT),
    ],
)
def test_a_push_ends_as_its_token_says(token: str, result: Result) -> None:
    assert send(StubProvider(), [Push(1, token, message())])[1].result is result


def test_a_busy_token_is_sent_to_after_as_many_tries_as_it_says() -> None:
    stub = StubProvider()
    push = Push(1, "stub:retry:2:phone", message())
    results = [send(stub, [push])[1].result for _ in range(4)]
    assert results == [Result.RETRY, Result.RETRY, Result.SENT, Result.RETRY]


def test_the_journal_holds_what_was_accepted_and_outlives_the_stub(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    tokens = ["a", "stub:gone", "b", "stub:retry:1"]
    for _ in range(2):
        with closing(StubProvider(journal)) as stub:
            send(stub, [Push(key, token, message()) for key, token in enumerate(tokens)])
    assert [delivery.token for delivery in deliveries(journal)] == ["a", "b", "a", "b"]
    assert {delivery.send_id for delivery in deliveries(journal)} == {message().send_id}


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with closing(StubProvider(journal)) as stub:
        send(stub, [Push(1, "a", message())])
    journal.write_bytes(journal.read_bytes() + b'{"campaign_tok')
    assert [delivery.token for delivery in deliveries(journal)] == ["a"]


def test_answers_come_when_they_are_due_and_not_in_the_order_of_the_pushes() -> None:
    stub = StubProvider(latency_ms=10)
    stub.start([Push(1, "stub:slow:150", message()), Push(2, "quick", message())])
    began = time.monotonic()
    assert [push.key for push, _ in stub.finished(5)] == [2]
    assert [push.key for push, _ in stub.finished(5)] == [1]
    assert time.monotonic() - began >= 0.14


def test_waiting_for_nothing_ends_when_it_should() -> None:
    began = time.monotonic()
    assert StubProvider().finished(0.05) == []
    assert 0.05 <= time.monotonic() - began < 1


def test_a_stub_that_is_down_accepts_nothing_until_it_is_up_again(tmp_path: Path) -> None:
    down = tmp_path / "down"
    stub = StubProvider(tmp_path / "journal", down=down)
    down.touch()
    verdict = send(stub, [Push(1, "a", message())])[1]
    assert (verdict.result, verdict.cause) == (Result.RETRY, Cause.UNAVAILABLE)
    assert deliveries(tmp_path / "journal") == []
    down.unlink()
    assert send(stub, [Push(1, "a", message())])[1].result is Result.SENT


def test_a_journal_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OpenrateError, match=r"journal .* cannot be written .*make its folder"):
        StubProvider(tmp_path / "missing" / "journal")
