"""How many pushes a second each HTTP client sends to a local endpoint: ``python -m benchmarks.clients``.

The endpoint is nginx with TLS and HTTP/2 on one core; every client posts the same push, as Apple takes it, with 200
under way, and reads the status. A client that is not installed is left out. What came of it:
docs/decisions/http-client.md.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pycurl
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from openrate.credentials import ApnsCredentials
from openrate.model import Message
from openrate.ports.provider import Push, Result
from openrate.providers.apns import ApnsProvider
from openrate.web.server import listen

UNDER_WAY = 200
_BODY = (
    b'{"aps":{"alert":{"title":"Hello","body":"' + b"x" * 300 + b'"}},"campaign_token":"d9","send_id":"1"}'
)
_HEADERS = {
    "authorization": "bearer " + "x" * 180,
    "apns-topic": "com.example.shop",
    "apns-push-type": "alert",
    "apns-priority": "10",
    "apns-collapse-id": "x" * 32,
    "content-type": "application/json",
}
_NGINX = """
worker_processes 1; pid {folder}/pid; error_log {folder}/log; daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; http2_max_concurrent_streams 128; client_body_buffer_size 16k;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    location / {{ add_header apns-id $http_apns_id; return 200 '{{}}'; }}
  }}
}}
"""


@contextmanager
def endpoint(folder: Path) -> Iterator[int]:
    """Run nginx; gives its port."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    with closing(listen("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    with subprocess.Popen(["nginx", "-p", str(folder), "-c", "nginx.conf"]) as nginx:
        time.sleep(0.5)
        try:
            yield port
        finally:
            nginx.terminate()


def _path(number: int) -> str:
    return f"/3/device/{number:064x}"


def bare_libcurl(ca: Path, port: int, count: int) -> None:
    """The least that can be done with libcurl: the handles are ready, the answers are dropped."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    idle = []
    for _ in range(UNDER_WAY):
        handle = pycurl.Curl()
        handle.setopt(pycurl.CAINFO, str(ca))
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.PIPEWAIT, 1)
        handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in _HEADERS.items()])
        handle.setopt(pycurl.POSTFIELDS, _BODY)
        handle.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        idle.append(handle)
    started = done = 0
    while done < count:
        while idle and started < count:
            handle = idle.pop()
            handle.setopt(pycurl.URL, f"https://127.0.0.1:{port}{_path(started)}")
            multi.add_handle(handle)
            started += 1
        multi.perform()
        _, answered, failed = multi.info_read()
        assert not failed
        for handle in answered:
            multi.remove_handle(handle)
        idle += answered
        done += len(answered)
        if not answered:
            multi.select(1)


def ours(ca: Path, port: int, count: int) -> None:
    """The APNs provider: rendering, tokens, classification."""
    credentials = ApnsCredentials(
        private_key=new_key(),
        key_id="ABCDE12345",
        team_id="TEAM567890",
        topic="com.example.shop",
        base_url=f"https://127.0.0.1:{port}",
    )
    expires_at = time.time_ns() // 1_000_000 + 3_600_000
    said = Message("d9", "1", "Hello", "x" * 300, None, None, {}, True, False, None, expires_at)
    with closing(ApnsProvider(credentials, ca_file=ca)) as provider:
        started = done = 0
        while done < count:
            until = min(count, done + UNDER_WAY)
            provider.start([Push(number, f"{number:064x}", said) for number in range(started, until)])
            started = max(started, until)
            for _, verdict in provider.finished(1):
                assert verdict.result is Result.SENT, verdict
                done += 1


async def _all(count: int, send: Callable[[int], Awaitable[Any]]) -> None:
    """Send so many pushes, ``UNDER_WAY`` at a time."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await send(number)

    await asyncio.gather(*(work() for _ in range(UNDER_WAY)))


def httpx(ca: Path, port: int, count: int) -> None:
    """Its HTTP/2 is h2 in Python."""
    library = import_module("httpx")

    async def main() -> None:
        async with library.AsyncClient(
            http2=True, verify=_trusting(ca), base_url=f"https://127.0.0.1:{port}"
        ) as client:

            async def send(number: int) -> None:
                answer = await client.post(_path(number), headers=_HEADERS, content=_BODY)
                assert answer.status_code == 200

            await _all(count, send)

    asyncio.run(main())


def aiohttp(ca: Path, port: int, count: int) -> None:
    """It speaks HTTP/1.1 alone: a connection for each push under way."""
    library = import_module("aiohttp")

    async def main() -> None:
        connector = library.TCPConnector(limit=UNDER_WAY, ssl=_trusting(ca, "http/1.1"))
        async with library.ClientSession(connector=connector) as client:

            async def send(number: int) -> None:
                url = f"https://127.0.0.1:{port}{_path(number)}"
                async with client.post(url, headers=_HEADERS, data=_BODY) as answer:
                    await answer.read()
                    assert answer.status == 200

            await _all(count, send)

    asyncio.run(main())


def pyreqwest(ca: Path, port: int, count: int) -> None:
    """Rust's reqwest."""
    builder = import_module("pyreqwest.client").ClientBuilder().add_root_certificate_pem(ca.read_bytes())

    async def main() -> None:
        async with builder.http2(True).build() as client:

            async def send(number: int) -> None:
                url = f"https://127.0.0.1:{port}{_path(number)}"
                answer = await client.post(url).headers(_HEADERS).body_bytes(_BODY).build().send()
                assert answer.status == 200

            await _all(count, send)

    asyncio.run(main())


def aioapns(ca: Path, port: int, count: int) -> None:
    """A client for Apple alone; its HTTP/2 is h2 in Python."""
    library, connection = import_module("aioapns"), import_module("aioapns.connection")
    connection.APNsProductionClientProtocol.APNS_SERVER = "127.0.0.1"
    connection.APNsProductionClientProtocol.APNS_PORT = port

    async def main() -> None:
        client = library.APNs(
            key=new_key(), key_id="ABCDE12345", team_id="TEAM567890", topic="com.x", ssl_context=_trusting(ca)
        )
        text = {
            "aps": {"alert": {"title": "Hello", "body": "x" * 300}},
            "campaign_token": "d9",
            "send_id": "1",
        }

        async def send(number: int) -> None:
            request = library.NotificationRequest(device_token=f"{number:064x}", message=text)
            assert (await client.send_notification(request)).is_successful

        await _all(count, send)

    asyncio.run(main())


def _trusting(ca: Path, protocol: str = "h2") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols([protocol])
    return context


def new_key() -> str:
    """A key as Apple gives them."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


CLIENTS: list[tuple[Callable[[Path, int, int], None], str, int]] = [
    (bare_libcurl, "pycurl", 40_000),
    (ours, "pycurl", 40_000),
    (pyreqwest, "pyreqwest", 20_000),
    (aiohttp, "aiohttp", 5_000),
    (aioapns, "aioapns", 3_000),
    (httpx, "httpx", 2_000),
]
"""Each with its package, and how many pushes take it a few seconds."""


def main() -> None:
    """Measure each client alone, one after another; a line for each."""
    wanted = sys.argv[1:] or [client.__name__ for client, _, _ in CLIENTS]
    with tempfile.TemporaryDirectory() as made, endpoint(Path(made)) as port:
        for client, package, count in CLIENTS:
            if client.__name__ not in wanted or find_spec(package) is None:
                continue
            client(Path(made, "ca.pem"), port, 200)
            began, worked = time.perf_counter(), time.process_time()
            client(Path(made, "ca.pem"), port, count)
            seconds, cpu = time.perf_counter() - began, time.process_time() - worked
            print(f"{client.__name__:14} {count / seconds:8,.0f}/s  {1e6 * cpu / count:6.1f} us of CPU each")


if __name__ == "__main__":
    main()
