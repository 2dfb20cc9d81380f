"""Which web addresses may be pushed to. They come from anonymous devices, and we call them.

An endpoint is https on port 443 at a host of a known push service; it is read by one strict pattern, so that no two
readers can disagree about its host. What the host resolves to is looked at when the connection is opened, and the
connection goes to that very address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

KNOWN = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "*.notify.windows.com",
    "web.push.apple.com",
    "*.push.apple.com",
)
"""Chrome and its relatives, Firefox, Edge, Safari; ``*.`` stands for any name below."""
_NAT64 = ip_network("64:ff9b::/96")
"""How an IPv6 network without IPv4 reaches IPv4 addresses (RFC 6052)."""
_UNICAST = ip_network("2000::/3")
_ENDPOINT = re.compile(
    r"https://((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(:[0-9]{1,5})?"
    r"(/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,2000})",
    re.ASCII,
)


class Allowance(NamedTuple):
    """What a test may reach beside that: these hosts, on any port, at a loopback address."""

    hosts: frozenset[str]


class Endpoint(NamedTuple):
    """Where a subscription is pushed to. ``origin`` is what a VAPID token is made out to."""

    url: str
    origin: str


class PushServices:
    """The push services that may be called.

    Args:
        more: hosts beside the known ones; ``*.example.org`` for any name below.
        allowance: for tests.
    """

    def __init__(self, more: Iterable[str] = (), allowance: Allowance | None = None) -> None:
        names = {*KNOWN, *more}
        self._hosts = {name for name in names if not name.startswith("*.")}
        self._below = tuple(name[1:] for name in names if name.startswith("*."))
        self._allowed = allowance.hosts if allowance else frozenset[str]()

    def endpoint(self, url: str) -> Endpoint | None:
        """The endpoint, if it may be called."""
        match = _ENDPOINT.fullmatch(url)
        if match is None:
            return None
        host, port = match[1], match[2] or ""
        is_known = port in {"", ":443"} and (host in self._hosts or host.endswith(self._below))
        if not is_known and host not in self._allowed:
            return None
        return Endpoint(url, f"https://{host}{'' if port == ':443' else port}")

    def may_connect(self, address: str) -> bool:
        """Whether an address is of the public internet."""
        try:
            ip = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, IPv6Address) and ip in _NAT64:
            ip = IPv4Address(int(ip) & 0xFFFFFFFF)
        if isinstance(ip, IPv6Address) and not ip.is_loopback and not _is_plain(ip):
            return False
        return (ip.is_global and not ip.is_multicast) or (bool(self._allowed) and ip.is_loopback)


def _is_plain(ip: IPv6Address) -> bool:
    """Whether an address is one that the internet routes (RFC 4291, 2.4), and no IPv4 address in disguise.

    Asked for beside ``is_global``, which before Python 3.11.10 let some reserved ranges through.
    """
    return ip in _UNICAST and ip.sixtofour is None and ip.teredo is None
