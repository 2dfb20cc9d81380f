"""A provider in a process of its own, so that HTTP/2, TLS and encryption share no interpreter with the rest.

Python runs one thread at a time, and each half of a send keeps it busy: two processes use two cores
(docs/decisions/courier.md). Pushes go over a socket in batches, and their ends come back the same way. When the
server dies, the courier ends at once; when the courier dies, its pushes are held and the lane makes another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

import msgspec

from openrate.credentials import Credentials
from openrate.errors import OpenrateError
from openrate.model import Cause, Message
from openrate.ports.provider import Provider, Push, Result, Verdict
from openrate.providers.by_credentials import provider_for

_LAST_S = 5.0
"""Seconds that a courier gets to end."""
_REMEMBERED = 256
"""Messages after which both sides begin to number anew: more than the versions and languages of a send."""
_GATHER_S = 0.004
"""Seconds in which ends are gathered: telling of one costs as much as telling of hundreds."""
_STARTED_AT_ONCE = 32
"""Pushes begun before ends are looked for again."""
_SENT = Verdict(Result.SENT)
_LOST = Verdict(
    Result.HELD, Cause.UNAVAILABLE, "The process that speaks to the provider ended unexpectedly.", 1.0
)


class Errand(msgspec.Struct, frozen=True):
    """What ``provider_for`` is given."""

    credentials: Credentials
    dev: bool
    push_services: tuple[str, ...] = ()


class _Pushes(NamedTuple):
    """A batch to start, by column. A message is told once, with its number, and then named by that."""

    messages: list[tuple[int, Message]]
    keys: list[int]
    tokens: list[str]
    numbers: list[int]


class _Ends(NamedTuple):
    """What came to an end, by the keys of the pushes."""

    sent: list[int]
    others: list[tuple[int, Verdict]]


class _Ready(NamedTuple):
    """A courier's first word: that it can start, or why not."""

    error: str | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_errand = msgspec.msgpack.Decoder(Errand).decode
_decode_pushes = msgspec.msgpack.Decoder(_Pushes).decode
_decode_ends = msgspec.msgpack.Decoder(_Ends).decode
_decode_ready = msgspec.msgpack.Decoder(_Ready).decode


class Courier:
    """The provider of an errand, at work in another process (``ports.provider.Provider``).

    Raises:
        OpenrateError: the provider cannot be made, or its process does not start.
    """

    def __init__(self, errand: Errand) -> None:
        self._under_way: dict[int, Push] = {}
        self._messages: dict[int, tuple[int, Message]] = {}
        self._connection, theirs = Pipe()
        with theirs:
            handle = str(theirs.fileno())
            # In a session of its own, so that Ctrl-C reaches the server alone, which ends in order.
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
                [sys.executable, "-P", "-m", __name__, handle],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        error = self._introduce(errand)
        if error is not None:
            self.close()
            raise OpenrateError(error)

    def start(self, pushes: Sequence[Push]) -> None:
        """Hand pushes over; when nobody takes them, ``finished`` says so."""
        self._under_way.update((push.key, push) for push in pushes)
        with suppress(OSError):
            self._connection.send_bytes(_encode(self._batch(pushes)))

    def finished(self, wait: float) -> list[tuple[Push, Verdict]]:
        """What came to an end since the last call; waits up to ``wait`` seconds when nothing has."""
        ended: list[tuple[Push, Verdict]] = []
        try:
            while self._connection.poll(0 if ended else wait):
                ended += self._read(_decode_ends(self._connection.recv_bytes()))
        except (EOFError, OSError):
            ended += [(push, _LOST) for push in self._under_way.values()]
            self._under_way.clear()
        return ended

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        try:
            self._process.wait(_LAST_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _introduce(self, errand: Errand) -> str | None:
        """Tell the courier what it is for. Returns why it cannot be."""
        try:
            self._connection.send_bytes(_encode(errand))
            return _decode_ready(self._connection.recv_bytes()).error
        except (EOFError, OSError):
            return "The process that speaks to the provider did not start; the log says why."

    def _batch(self, pushes: Sequence[Push]) -> _Pushes:
        batch = _Pushes([], [], [], [])
        if len(self._messages) >= _REMEMBERED:
            self._messages.clear()
        for key, token, message in pushes:
            # By identity: the pushes of a send share the object, which is kept, so that no other gets its id.
            known = self._messages.get(id(message))
            if known is None:
                known = self._messages[id(message)] = (len(self._messages), message)
                batch.messages.append(known)
            batch.keys.append(key)
            batch.tokens.append(token)
            batch.numbers.append(known[0])
        return batch

    def _read(self, ends: _Ends) -> Iterator[tuple[Push, Verdict]]:
        for key in ends.sent:
            yield self._under_way.pop(key), _SENT
        for key, verdict in ends.others:
            yield self._under_way.pop(key), verdict


def main() -> None:
    """Be a courier, on the connection whose descriptor is the argument."""
    connection = Connection(int(sys.argv[1]))
    errand = _decode_errand(connection.recv_bytes())
    try:
        provider = provider_for(errand.credentials, errand.dev, errand.push_services)
    except OpenrateError as error:
        connection.send_bytes(_encode(_Ready(str(error))))
        return
    connection.send_bytes(_encode(_Ready()))
    batches = SimpleQueue[_Pushes]()
    Thread(target=_listen, args=(connection, batches), daemon=True).start()
    _carry(provider, connection, batches)


def _listen(connection: Connection, batches: SimpleQueue[_Pushes]) -> None:
    """Take what comes, always, so that two who write never wait for each other."""
    with suppress(EOFError, OSError):
        while True:
            batches.put(_decode_pushes(connection.recv_bytes()))
    os._exit(0)  # the server hung up: nothing more is to be sent, and nobody asks what became of the rest


def _carry(provider: Provider, connection: Connection, batches: SimpleQueue[_Pushes]) -> None:
    messages: dict[int, Message] = {}
    waiting: deque[Push] = deque()
    ended: list[tuple[Push, Verdict]] = []
    under_way, told_at = 0, 0.0
    while True:
        while not (under_way or waiting or ended) or not batches.empty():
            waiting += _pushes(batches.get(), messages)
        # Started all at once, they would all end at once, and server and courier would work by turns.
        some = [waiting.popleft() for _ in range(min(_STARTED_AT_ONCE, len(waiting)))]
        provider.start(some)
        under_way += len(some)
        done = provider.finished(0 if waiting else _GATHER_S)
        under_way -= len(done)
        ended += done
        now = time.monotonic()
        if ended and (now - told_at >= _GATHER_S or not under_way):
            connection.send_bytes(_encode(_ends(ended)))
            ended, told_at = [], now


def _pushes(batch: _Pushes, messages: dict[int, Message]) -> list[Push]:
    """A batch as pushes; ``messages`` are those told before."""
    if len(messages) >= _REMEMBERED:
        messages.clear()
    messages.update(batch.messages)
    columns = zip(batch.keys, batch.tokens, batch.numbers, strict=True)
    return [Push(key, token, messages[number]) for key, token, number in columns]


def _ends(ended: Iterable[tuple[Push, Verdict]]) -> _Ends:
    ends = _Ends([], [])
    for push, verdict in ended:
        if verdict.result is Result.SENT:
            ends.sent.append(push.key)
        else:
            ends.others.append((push.key, verdict))
    return ends


if __name__ == "__main__":
    main()
