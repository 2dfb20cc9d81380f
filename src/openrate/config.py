"""The settings of one process, read once from the environment and loud about what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from openrate.errors import UsageError

Network = IPv4Network | IPv6Network


class _Plain(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that msgspec reads from text by itself."""

    host: str = "127.0.0.1"
    port: int = 8000
    rate_limit: float = 50.0
    metrics_token: str | None = None
    memory_limit_mb: int = 512
    hot_facts: int = 32_000_000
    inflight_mb: int = 256
    credentials_key: str | None = None


class Settings(_Plain, frozen=True, kw_only=True):
    """Everything that can be set.

    Attributes:
        data: folder of the records, the facts and the control socket.
        host: address to listen on; TLS is a proxy's work.
        port: TCP port; 0 takes a free one.
        rate_limit: requests per second and REST key on ``/1.1`` (burst twice that); 0 = off.
        metrics_token: bearer token that opens ``/metrics`` from elsewhere than loopback.
        trusted_proxies: networks whose ``X-Forwarded-For`` is believed.
        memory_limit_mb: what DuckDB may use, in MiB.
        hot_facts: how many recent facts are kept in memory for attribution, about 24 bytes each.
        inflight_mb: bytes of event bodies under way at once, in MiB; 503 above it.
        credentials_key: seals provider credentials, 32 bytes as base64url; without it the data folder's own key.
        push_services: hosts that Web Push may call beside the known ones; ``*.`` for any name below.
    """

    data: Path
    trusted_proxies: tuple[Network, ...] = ()
    push_services: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without the values: some are secrets."""
        return f"<Settings of {self.data}>"


def settings_from(env: Mapping[str, str], **given: object) -> Settings:
    """Read ``OPENRATE_<NAME>`` for each setting, and ``OPENRATE_<NAME>_FILE`` for one kept in a file.

    ``given`` (command line) wins over the environment; None there means not given.

    Raises:
        UsageError: a value cannot be read, a name is unknown, or there is no data folder.
    """
    known = {field.upper(): field for field in Settings.__struct_fields__}
    values: dict[str, object] = {}
    for name, value in env.items():
        if not name.startswith("OPENRATE_"):
            continue
        short = name.removeprefix("OPENRATE_")
        field = known.get(short.removesuffix("_FILE"))
        if field is None:
            raise UsageError(
                f"{name} is not a setting; known are {', '.join('OPENRATE_' + k for k in known)}."
            )
        values[field] = _secret_file(name, value) if short.endswith("_FILE") else value
    values |= {name: value for name, value in given.items() if value is not None}
    if not values.get("data"):
        raise UsageError("No data folder: give --data DIR or set OPENRATE_DATA.")
    return _convert(values)


_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_KINDS = get_type_hints(_Plain)
_BOUNDS: dict[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "rate_limit": (0, 1_000_000),
    "memory_limit_mb": (64, 1 << 20),
    "hot_facts": (1, 1 << 30),
    "inflight_mb": (1, 1 << 20),
}
"""The least and the most that works: DuckDB needs memory to commit, recent facts are numbered in 32 bits."""


def _secret_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} names {path}, which cannot be read: {error}.") from None


def _convert(values: dict[str, object]) -> Settings:
    data = Path(str(values.pop("data")))
    networks = str(values.pop("trusted_proxies", ""))
    try:
        proxies = tuple(ip_network(part.strip()) for part in networks.split(",") if part)
    except ValueError as error:
        raise UsageError(f"OPENRATE_TRUSTED_PROXIES is {networks}: {error}.") from None
    services = _hosts(str(values.pop("push_services", "")))
    plain = {name: _converted(name, value) for name, value in values.items()}
    return Settings(data=data, trusted_proxies=proxies, push_services=services, **plain)


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise UsageError(
                f"OPENRATE_PUSH_SERVICES names {host}: host names are accepted, such as push.example.org or "
                "*.example.org, with commas between them."
            )
    return hosts


def _converted(name: str, value: object) -> Any:
    """The value of a setting, as its type and its bounds say."""
    kind = _KINDS[name]
    if value == "":
        # An empty token would open the metrics to whoever sends an empty one.
        raise UsageError(f"OPENRATE_{name.upper()} is empty: give a value, or leave it out.")
    least, most = _BOUNDS.get(name, (0, 0))
    try:
        converted = msgspec.convert(value, kind, strict=False)
        if name not in _BOUNDS or least <= converted <= most:
            return converted
    except msgspec.ValidationError:
        pass
    accepted = f"a {'whole ' if kind is int else ''}number from {least} to {most}"
    raise UsageError(f"OPENRATE_{name.upper()} is {value}: {accepted} is accepted.")
