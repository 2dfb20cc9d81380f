"""Who may ask how much, and who a caller is."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest

from openrate.errors import TooManyRequests
from openrate.web.call import Call, Message
from openrate.web.limits import Buckets, SharedBuckets, address_name, client_address, is_loopback


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(buckets: Buckets, name: str, times: int) -> int:
    """How many of ``times`` attempts were allowed."""
    allowed = 0
    for _ in range(times):
        try:
            buckets.take(name)
            allowed += 1
        except TooManyRequests:
            pass
    return allowed


def test_a_bucket_holds_its_burst_and_refills_at_its_rate() -> None:
    time = Time()
    buckets = Buckets(50, 100, clock=time)
    assert taken(buckets, "a", 500) == 100
    time.now += 1
    assert taken(buckets, "a", 500) == 50
    assert taken(buckets, "b", 500) == 100
    time.now += 1000
    assert taken(buckets, "a", 500) == 100


def test_a_refused_request_costs_nothing() -> None:
    time = Time()
    buckets = Buckets(1, 2, clock=time)
    taken(buckets, "a", 1000)
    time.now += 1
    assert taken(buckets, "a", 1) == 1


def test_a_refusal_says_after_how_many_seconds_there_is_a_token_and_never_less_than_five() -> None:
    time = Time()
    for each_s, waited, said in ((60, 0, 60), (60, 20.5, 40), (60, 58, 5), (0.02, 0, 5)):
        buckets = Buckets(1 / each_s, 1, clock=time)
        buckets.take("a")
        time.now += waited
        with pytest.raises(TooManyRequests, match=f"wait at least {said} seconds") as refused:
            buckets.take("a")
        assert refused.value.headers == {"Retry-After": str(said)}


def test_threads_that_take_at_once_get_no_more_than_one_alone() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            buckets = SharedBuckets(1 / 3600, 10)
            with ThreadPoolExecutor(8) as threads:
                allowed = threads.map(lambda _, own=buckets: taken(own, "a", 200), range(8))
            assert sum(allowed) == 10
    finally:
        sys.setswitchinterval(before)


def test_zero_is_off() -> None:
    assert taken(Buckets(0, 0), "a", 1000) == 1000


def test_memory_is_bounded_whoever_calls() -> None:
    buckets = Buckets(1, 1, capacity=100)
    for number in range(10_000):
        buckets.take(str(number))
    assert len(buckets._full_at) <= 100


async def no_body() -> Message:
    return {"type": "http.disconnect"}


def seen_as(peer: str, forwarded: str | None, *trusted: str) -> str | None:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (peer, 1)}
    return client_address(Call(scope, no_body), tuple(ip_network(t) for t in trusted))


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "seen"),
    [
        ("9.9.9.9", None, [], "9.9.9.9"),
        ("9.9.9.9", "1.2.3.4", [], "9.9.9.9"),
        ("9.9.9.9", "1.2.3.4", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", "1.2.3.4", ["10.0.0.0/8"], "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.9", ["10.0.0.0/8"], "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, nonsense", ["10.0.0.0/8"], None),
        ("10.0.0.1", "2001:db8::1", ["10.0.0.0/8"], "2001:db8::1"),
        ("10.0.0.1", None, ["10.0.0.0/8"], "10.0.0.1"),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    peer: str, forwarded: str | None, trusted: list[str], seen: str | None
) -> None:
    assert seen_as(peer, forwarded, *trusted) == seen


def test_an_ipv6_caller_is_its_network() -> None:
    assert address_name("2001:db8::1") == address_name("2001:db8::ffff")
    assert address_name("2001:db8::1") != address_name("2001:db8:0:1::1")
    assert address_name("::ffff:1.2.3.4") == "1.2.3.4"


def test_loopback_is_what_it_says() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("9.9.9.9")
    assert not is_loopback(None)
