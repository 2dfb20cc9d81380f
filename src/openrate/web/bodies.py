"""Reading request bodies, with every limit held while reading and not after."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from typing import Protocol

import zstandard

from openrate.errors import ApiError, BodyTooLarge, Maintenance, MalformedJsonBody, MalformedParameter
from openrate.web.call import Call
from openrate.web.limits import Lease

CAMPAIGN_BODY = 1 << 20
"""Bytes of a body on ``/1.1`` and of a registration."""
SERVER_EVENTS_BODY = 64 << 20
"""Bytes of a report by a server, decompressed."""
DEVICE_EVENTS_BODY = 256 << 10
"""Bytes of a report by a device, decompressed."""

_DISCARDED = 64 << 10
"""Bytes of a body that are read although nobody wants them, so that the connection can go on."""
_DISCARD_SECONDS = 1.0
"""How long they may take to arrive."""

_STEP = 256 << 10
"""Bytes that gzip may put out in one step."""
_ZSTD_SLICE = 256
"""Bytes of zstd taken in one step. A block of 4 bytes can put out 128 KiB, so a step is at most 8 MiB."""
_ZSTD_WINDOW = 8 << 20
"""The window RFC 8878 asks decoders to support; more is refused, for it is memory the sender chooses."""
_MEMBERS = 1_000
"""Compressed streams one after the other in one body; without a bound, empty ones are a way to burn time."""
_THREAD_ABOVE = 16 << 10
"""Compressed bytes above which a step is worth a thread, so that the other requests do not wait for it."""


class Sink:
    """Collects pieces and refuses more than ``limit`` bytes of them."""

    def __init__(self, limit: int, lease: Lease | None = None) -> None:
        self._limit = limit
        self._lease = lease
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def room(self) -> int:
        """Bytes that still fit."""
        return self._limit - self._size

    def write(self, piece: bytes) -> None:
        """Keep a piece; raises BodyTooLarge over the limit, Maintenance when too much is under way."""
        self._size += len(piece)
        if self._size > self._limit:
            raise too_large(self._limit)
        if self._lease is not None:
            self._lease.grow(len(piece))
        self._pieces.append(piece)

    def joined(self) -> bytes:
        """Everything, in one piece."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


class Decoder(Protocol):
    """Turns what arrives into what was meant, into a Sink, in bounded steps."""

    def feed(self, data: bytes) -> None:
        """Take more of the body."""

    def finish(self) -> None:
        """The body is complete; raises MalformedJsonBody when the stream in it is not."""


class Plain:
    """No Content-Encoding."""

    def __init__(self, sink: Sink) -> None:
        self.feed = sink.write

    def finish(self) -> None:
        """Nothing can be missing."""


class Gzip:
    """RFC 1952, several members allowed."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._stream = zlib.decompressobj(wbits=31)
        self._members = 1
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Decompress, at most 256 KiB ahead of the limit."""
        self._begun = self._begun or bool(data)
        while data:
            if self._stream.eof:
                self._stream, self._members = zlib.decompressobj(wbits=31), _one_more(self._members)
            try:
                piece = self._stream.decompress(data, min(_STEP, self._sink.room + 1))
            except zlib.error:
                raise MalformedJsonBody("The body is not the gzip that Content-Encoding says.") from None
            self._sink.write(piece)
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def finish(self) -> None:
        """Refuse a stream that was cut off."""
        if self._begun and not self._stream.eof:
            raise MalformedJsonBody("The gzip body is incomplete.")


class Zstd:
    """RFC 8878, several frames allowed."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._stream = self._decompressor.decompressobj()
        self._members = 1
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Decompress slice by slice: this decoder cannot be told how much to put out at most."""
        self._begun = self._begun or bool(data)
        for start in range(0, len(data), _ZSTD_SLICE):
            part = data[start : start + _ZSTD_SLICE]
            while part:
                part = self._step(part)

    def _step(self, part: bytes) -> bytes:
        if self._stream.eof:
            self._stream, self._members = self._decompressor.decompressobj(), _one_more(self._members)
        try:
            piece = self._stream.decompress(part)
        except zstandard.ZstdError:
            raise MalformedJsonBody(
                "The body is not the zstd that Content-Encoding says, or its window is over 8 MiB."
            ) from None
        self._sink.write(piece)
        return self._stream.unused_data if self._stream.eof else b""

    def finish(self) -> None:
        """Refuse a stream that was cut off."""
        if self._begun and not self._stream.eof:
            raise MalformedJsonBody("The zstd body is incomplete.")


def _one_more(members: int) -> int:
    if members >= _MEMBERS:
        raise MalformedJsonBody(f"The body holds more than {_MEMBERS} compressed streams; send one.")
    return members + 1


def decoder_for(encoding: str | None, sink: Sink) -> Decoder:
    """The decoder a Content-Encoding names.

    Raises:
        MalformedParameter: an encoding this server does not know, or several on top of each other.
    """
    match (encoding or "identity").strip().lower():
        case "identity" | "":
            return Plain(sink)
        case "gzip" | "x-gzip":
            return Gzip(sink)
        case "zstd":
            return Zstd(sink)
        case _:
            raise MalformedParameter("Content-Encoding is not known: accepted are gzip, zstd and identity.")


_UNITS = {"MiB": 1 << 20, "KiB": 1 << 10}


def too_large(limit: int) -> BodyTooLarge:
    """The refusal of a body over ``limit`` bytes."""
    size = next((f"{limit // n} {unit}" for unit, n in _UNITS.items() if limit % n == 0), f"{limit} bytes")
    return BodyTooLarge(f"The body, decompressed, is too large: at most {size} is accepted.")


async def read_body(call: Call, limit: int, *, lease: Lease | None = None, seconds: float = 30) -> bytes:
    """The whole body, decompressed.

    Args:
        call: the request.
        limit: bytes, for the compressed and for the decompressed body alike.
        lease: counts the bytes that are held, if they are limited together.
        seconds: how long the body may take to arrive.

    Raises:
        BodyTooLarge: as soon as the limit is passed, or announced to be passed.
        MalformedJsonBody: not what Content-Encoding says, cut off, broken off, or too slow.
        MalformedParameter: an unknown Content-Encoding.
        Maintenance: too many bytes under way, or the server ends before the body has arrived.
    """
    sink = Sink(limit, lease)
    decoder = decoder_for(call.text(b"content-encoding"), sink)
    announced = call.headers.get(b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(seconds) as call.reading:
            await _pump(call, decoder, limit)
    except TimeoutError:
        if call.is_cut_short:
            raise Maintenance("The server is shutting down: send this again in a few seconds.") from None
        raise MalformedJsonBody(f"The body did not arrive within {seconds:g} seconds.") from None
    finally:
        call.reading = None
    decoder.finish()
    return sink.joined()


async def discard_body(call: Call) -> None:
    """Read what is left of the body of a request that is answered without it, if that is soon done.

    Otherwise ``call.is_read`` stays false, and the connection must end with the answer (RFC 9112, section 9.6).
    """
    announced = call.headers.get(b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > _DISCARDED:
        return
    with suppress(TimeoutError, ApiError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            await _pump(call, Plain(Sink(_DISCARDED)), _DISCARDED)


async def _pump(call: Call, decoder: Decoder, limit: int) -> None:
    """Feed the decoder from the connection."""
    received = 0
    more = True
    while more:
        message = await call.receive()
        if message["type"] == "http.disconnect":
            raise MalformedJsonBody("The body broke off before its end.")
        data = bytes(message.get("body", b""))
        more = message.get("more_body", False)
        call.is_read = not more
        received += len(data)
        if received > limit:
            raise too_large(limit)
        if len(data) > _THREAD_ABOVE and not isinstance(decoder, Plain):
            await asyncio.to_thread(decoder.feed, data)
        else:
            decoder.feed(data)
