"""Reading bodies: limits hold while reading, and nothing a client sends is too clever."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterable

import pytest
import zstandard

from openrate.errors import BodyTooLarge, Maintenance, MalformedJsonBody, MalformedParameter
from openrate.web.bodies import read_body
from openrate.web.call import Call, Message
from openrate.web.limits import Inflight

LIMIT = 1 << 20


class Sender:
    """A client that sends these chunks, and counts how many were taken from it."""

    def __init__(self, chunks: Iterable[bytes], *, hangs_up: bool = False, slow: float = 0) -> None:
        self.chunks = list(chunks)
        self.taken = 0
        self.hangs_up = hangs_up
        self.slow = slow

    async def receive(self) -> Message:
        await asyncio.sleep(self.slow)
        if self.taken == len(self.chunks) and self.hangs_up:
            return {"type": "http.disconnect"}
        chunk = self.chunks[self.taken]
        self.taken += 1
        more = self.taken < len(self.chunks) or self.hangs_up
        return {"type": "http.request", "body": chunk, "more_body": more}


def read(sender: Sender, encoding: str | None = None, limit: int = LIMIT, **more: object) -> bytes:
    headers = [] if encoding is None else [(b"content-encoding", encoding.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    call = Call(scope, sender.receive)
    return asyncio.run(read_body(call, limit, **more))  # type: ignore[arg-type]  # lease and seconds, by name


def cut(data: bytes, size: int = 1000) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


DATA = b'{"type":"app_open"}\n' * 5000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (None, DATA),
        ("identity", DATA),
        ("gzip", gzip.compress(DATA)),
        ("gzip", gzip.compress(DATA[:1000]) + gzip.compress(DATA[1000:])),
        ("GZIP", gzip.compress(DATA)),
        ("zstd", zstandard.compress(DATA)),
        ("zstd", zstandard.compress(DATA[:1000]) + zstandard.compress(DATA[1000:])),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_every_encoding_arrives_whole_however_it_is_cut(encoding: str | None, body: bytes, size: int) -> None:
    if size == 1:
        body = body if encoding not in {None, "identity"} else body[:2000]
    expected = DATA if encoding not in {None, "identity"} else body
    assert read(Sender(cut(body, size)), encoding) == expected


def test_an_empty_body_is_an_empty_body_in_every_encoding() -> None:
    for encoding in (None, "gzip", "zstd"):
        assert read(Sender([b""]), encoding) == b""


def test_a_body_over_the_limit_is_refused_before_the_rest_is_read() -> None:
    sender = Sender([b"x" * (1 << 18)] * 100)
    with pytest.raises(BodyTooLarge):
        read(sender)
    assert sender.taken == 5


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_refused_early(encoding: str) -> None:
    zeros = b"\0" * (256 << 20)
    bomb = gzip.compress(zeros, 9) if encoding == "gzip" else zstandard.compress(zeros)
    sender = Sender(cut(bomb, 2000))
    with pytest.raises(BodyTooLarge):
        read(sender, encoding)
    assert sender.taken <= 2


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_garbage_and_truncated_streams_are_malformed(encoding: str) -> None:
    whole = gzip.compress(DATA) if encoding == "gzip" else zstandard.compress(DATA)
    for body in (b"not compressed", whole[:-3], whole + b"tail", b"\x1f\x8b"):
        with pytest.raises(MalformedJsonBody):
            read(Sender([body]), encoding)


def test_many_empty_streams_are_not_a_way_to_burn_time() -> None:
    with pytest.raises(MalformedJsonBody):
        read(Sender([gzip.compress(b"") * 5000]), "gzip")


def test_a_window_that_would_take_the_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = compressor.compress(DATA) + compressor.flush()
    with pytest.raises(MalformedJsonBody):
        read(Sender([body]), "zstd")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "\xff", "gzip;q=1"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(MalformedParameter):
        read(Sender([zlib.compress(DATA)]), encoding)


def test_a_body_that_breaks_off_is_malformed() -> None:
    with pytest.raises(MalformedJsonBody, match="broke off"):
        read(Sender([DATA], hangs_up=True))


def test_a_slow_body_is_given_up() -> None:
    with pytest.raises(MalformedJsonBody, match="did not arrive"):
        read(Sender([b"x"] * 1000, slow=0.01), seconds=0.1)


def test_bytes_under_way_are_counted_and_given_back() -> None:
    inflight = Inflight(1000)
    with inflight.lease() as lease:
        read(Sender([b"x" * 600]), lease=lease)
        assert inflight.held == 600
        with pytest.raises(Maintenance), inflight.lease() as other:
            read(Sender([b"x" * 600]), lease=other)
        assert inflight.held == 600
    assert inflight.held == 0
