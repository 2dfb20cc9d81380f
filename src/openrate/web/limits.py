"""How much one caller may ask for: requests per second, and bytes of reports under way at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Self

from openrate.errors import Maintenance, TooManyRequests
from openrate.web.call import Call

_SHORTEST_WAIT_S = 5
Networks = tuple[IPv4Network | IPv6Network, ...]


class Buckets:
    """A token bucket per name, for at most ``capacity`` names.

    Each bucket is one number: the moment at which it will be full again (the "virtual scheduling" form of a
    token bucket), so taking is a dictionary access and a subtraction. Beyond ``capacity`` the bucket that was
    used longest ago is forgotten, which can only be generous. One thread uses them.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        capacity: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cost = 1 / rate if rate > 0 else 0.0
        # A little more than the burst, so that the last of it is not lost to rounding.
        self._window = (burst + 1e-6) * self._cost
        self._capacity = capacity
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}

    def take(self, name: Hashable) -> None:
        """Take one token.

        Raises:
            TooManyRequests: the bucket of that name is empty.
        """
        if not self._cost:
            return
        now = self._clock()
        full_at = max(self._full_at.pop(name, now), now)
        allowed = full_at + self._cost - now <= self._window
        self._full_at[name] = full_at + self._cost if allowed else full_at
        if len(self._full_at) > self._capacity:
            del self._full_at[next(iter(self._full_at))]
        if not allowed:
            seconds = max(_SHORTEST_WAIT_S, math.ceil(full_at + self._cost - now - self._window))
            wait = f"Too many requests: wait at least {seconds} seconds, then go on more slowly."
            raise TooManyRequests(wait, seconds)

    def give_back(self, name: Hashable) -> None:
        """Return a token that was taken for what need not be limited."""
        if name in self._full_at:
            self._full_at[name] -= self._cost


class SharedBuckets(Buckets):
    """Buckets that several threads use: of those who take at once no more get through than one after another.

    Apart from the others because the lock would make taking half as long again, thousands of times a second.
    """

    def __init__(self, rate: float, burst: float) -> None:
        super().__init__(rate, burst)
        self._lock = threading.Lock()

    def take(self, name: Hashable) -> None:
        """Take one token; raises TooManyRequests when there is none."""
        with self._lock:
            super().take(name)

    def give_back(self, name: Hashable) -> None:
        """Return a token that was taken for what need not be limited."""
        with self._lock:
            super().give_back(name)


class Inflight:
    """Bytes of reports held in memory at once, of all callers together; bodies are decompressed in threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.held = 0

    def grow(self, size: int) -> None:
        """Hold ``size`` bytes more.

        Raises:
            Maintenance: that would be over the limit; nothing more is held.
        """
        with self._lock:
            if self.held + size <= self._limit:
                self.held += size
                return
        raise Maintenance("Too many reports are under way at once: send this one again in a few seconds.")

    def shrink(self, size: int) -> None:
        """Hold ``size`` bytes less."""
        with self._lock:
            self.held -= size

    def lease(self) -> Lease:
        """What one request holds, given back when the ``with`` block ends."""
        return Lease(self)


class Lease:
    """The share of one request in ``Inflight``."""

    __slots__ = ("_held", "_inflight")

    def __init__(self, inflight: Inflight) -> None:
        self._inflight = inflight
        self._held = 0

    def grow(self, size: int) -> None:
        """Hold ``size`` bytes more; raises Maintenance over the limit."""
        self._inflight.grow(size)
        self._held += size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inflight.shrink(self._held)
        self._held = 0


def client_address(call: Call, trusted: Networks) -> str | None:
    """Who is calling: the peer, or what a trusted proxy says about whom it speaks for.

    ``X-Forwarded-For`` is read from the right, because everything left of the first address that is not a
    trusted proxy was written by the caller. None when that address cannot be read.
    """
    client = call.scope.get("client")
    peer = client[0] if client else None
    if not trusted or not _within(peer, trusted):
        return peer
    forwarded = b",".join(v for k, v in call.scope["headers"] if k == b"x-forwarded-for").decode("latin-1")
    for part in reversed([p.strip() for p in forwarded.split(",") if p.strip()]):
        if not _within(part, trusted):
            return part if _readable(part) else None
        peer = part
    return peer


def address_name(address: str | None) -> str:
    """What an address is limited by: an IPv6 caller owns a whole /64, so that is the name."""
    if address is None:
        return "unknown"
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return address


def is_loopback(address: str | None) -> bool:
    """Whether the caller sits on this machine."""
    return address is not None and _readable(address) and ip_address(address).is_loopback


def _readable(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def _within(address: str | None, networks: Networks) -> bool:
    if address is None or not _readable(address):
        return False
    parsed = ip_address(address)
    return any(parsed in network for network in networks)
