"""Many HTTPS requests at once on few connections: HTTP/2 by libcurl's multi interface.

One thread uses a client. The cost that counts is Python per request, so handles are used again with what they
have set already, nothing is called per header, and sockets are waited for with epoll, which, unlike libcurl's
``select``, knows no largest file descriptor.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pycurl

from openrate.errors import OpenrateError

Tag = TypeVar("Tag")

MAX_ANSWER = 65_536
"""Bytes of an answer's body that are read."""
_CONNECT_MS = 10_000
_ANSWER_MS = 30_000
_CONNECTIONS_PER_HOST = 32
"""Google takes 100 requests at once on a connection; 20,000 a second, answered after 0.1 s, need 20."""
_CONNECTIONS = 128
_FIRST_ERROR = 400
_IDLE_HANDLES = 4096
"""Handles kept for later, a few KiB each."""
_OPTIONS = (
    (pycurl.POST, 1),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTPS),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
    (pycurl.PIPEWAIT, 1),
    (pycurl.FOLLOWLOCATION, 0),
    (pycurl.SSL_VERIFYPEER, 1),
    (pycurl.SSL_VERIFYHOST, 2),
    (pycurl.PROXY, ""),
    (pycurl.CONNECTTIMEOUT_MS, _CONNECT_MS),
    (pycurl.TIMEOUT_MS, _ANSWER_MS),
    (pycurl.NOSIGNAL, 1),
    (pycurl.USERAGENT, "Openrate"),
)
"""What every handle has set."""
_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class Request(NamedTuple):
    """A POST. Headers that are the same object as those of a request before cost nothing."""

    url: str
    headers: list[str]
    body: bytes


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: of HTTP; 0 when there was no answer.
        body: at most ``MAX_ANSWER`` bytes; the rest of a longer one is not waited for.
        retry_after: seconds that the server asked to wait.
        failure: why there was no answer.
        is_forbidden: there was none because ``may_connect`` said no.
    """

    status: int
    body: bytes = b""
    retry_after: float | None = None
    failure: str = ""
    is_forbidden: bool = False


class Http2Client(Generic[Tag]):
    """Sends requests, each under a tag of the caller's, and gives back their answers as they come.

    It speaks https alone, verifies who answers, follows no redirect, keeps no cookie, and goes through no
    proxy of the environment. The body of an answer is read only to ``MAX_ANSWER``.

    Args:
        ca_file: certificates to trust instead of the system's.
        may_connect: asked for each address, as text, before a connection to it is opened.

    Raises:
        OpenrateError: this machine has no certificates to trust.
    """

    def __init__(
        self, *, ca_file: Path | None = None, may_connect: Callable[[str], bool] | None = None
    ) -> None:
        self._trust = _trust(ca_file)
        self._may_connect = may_connect
        self._epoll = select.epoll()
        self._due: float | None = None
        self._idle: list[_Slot[Tag]] = []
        self._busy: dict[pycurl.Curl, _Slot[Tag]] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, _CONNECTIONS_PER_HOST)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, _CONNECTIONS)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _CONNECTIONS)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def start(self, tag: Tag, request: Request) -> None:
        """Begin a request; it moves on in ``finished``."""
        slot = self._idle.pop() if self._idle else self._new_slot()
        slot.load(tag, request)
        self._busy[slot.handle] = slot
        self._multi.add_handle(slot.handle)

    def finished(self, wait: float) -> list[tuple[Tag, Answer]]:
        """What was answered, or failed, since the last call; waits up to ``wait`` seconds for the first."""
        until = time.monotonic() + wait
        while True:
            self._act(until)
            done = self._collect()
            if done or time.monotonic() >= until:
                return done

    def close(self) -> None:
        """Hang up; requests under way are forgotten."""
        for handle in self._busy:
            self._multi.remove_handle(handle)
        for slot in [*self._busy.values(), *self._idle]:
            slot.close()
        self._busy.clear()
        self._idle.clear()
        self._multi.close()
        self._epoll.close()

    def _act(self, until: float) -> None:
        """Move every request on as far as it goes, after waiting for something to happen."""
        now = time.monotonic()
        if self._due is not None and self._due <= now:
            self._due = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            until = now
        nearest = until if self._due is None else min(until, self._due)
        for descriptor, events in self._epoll.poll(max(0.0, nearest - now)):
            self._multi.socket_action(descriptor, _directions(events))

    def _collect(self) -> list[tuple[Tag, Answer]]:
        done: list[tuple[Tag, Answer]] = []
        more = 1
        while more:
            more, answered, failed = self._multi.info_read()
            done += [self._ended(handle, "") for handle in answered]
            done += [self._ended(handle, _failure(code, text)) for handle, code, text in failed]
        return done

    def _ended(self, handle: pycurl.Curl, failure: str) -> tuple[Tag, Answer]:
        self._multi.remove_handle(handle)
        slot = self._busy.pop(handle)
        ended = slot.unload(failure)
        if len(self._idle) < _IDLE_HANDLES:
            self._idle.append(slot)
        else:
            slot.close()
        return ended

    def _watch(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        """Libcurl says which sockets it waits for."""
        if what == pycurl.POLL_REMOVE:
            self._epoll.unregister(descriptor)
            return
        try:
            self._epoll.modify(descriptor, _EVENTS[what])
        except FileNotFoundError:
            self._epoll.register(descriptor, _EVENTS[what])

    def _set_timer(self, milliseconds: int) -> None:
        """Libcurl says when it wants to be called at the latest."""
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _new_slot(self) -> _Slot[Tag]:
        handle = pycurl.Curl()
        for option, value in (*_OPTIONS, *self._trust):
            handle.setopt(option, value)
        return _Slot(handle, self._may_connect)


class _Slot(Generic[Tag]):
    """A handle that is used again and again, and the request that it carries."""

    def __init__(self, handle: pycurl.Curl, may_connect: Callable[[str], bool] | None) -> None:
        self.handle = handle
        self._may_connect = may_connect
        self._last = Request("", [], b"")
        self._body = b""
        self._is_forbidden = False
        self._is_cut = False
        self._opened: list[socket.socket] = []
        self._tag: Tag
        handle.setopt(pycurl.WRITEFUNCTION, self._write)
        if may_connect is not None:
            handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open)

    def load(self, tag: Tag, request: Request) -> None:
        """Take up a request; what is the same object as last time is set already."""
        last, self._last, self._tag = self._last, request, tag
        setopt = self.handle.setopt
        if request.url is not last.url:
            setopt(pycurl.URL, request.url)
        if request.headers is not last.headers:
            setopt(pycurl.HTTPHEADER, request.headers)
        if request.body is not last.body:
            setopt(pycurl.POSTFIELDS, request.body)

    def unload(self, failure: str) -> tuple[Tag, Answer]:
        """The tag and what came of its request."""
        body, self._body = self._body, b""
        is_forbidden, self._is_forbidden = self._is_forbidden, False
        is_cut, self._is_cut = self._is_cut, False
        self._close_sockets()
        if failure and not is_cut:
            return self._tag, Answer(0, failure=failure, is_forbidden=is_forbidden)
        getinfo = self.handle.getinfo
        status = getinfo(pycurl.RESPONSE_CODE)
        retry_after = getinfo(pycurl.RETRY_AFTER) if status >= _FIRST_ERROR else 0
        return self._tag, Answer(status, body, retry_after or None)

    def close(self) -> None:
        """Let go of the handle."""
        self._close_sockets()
        self.handle.close()

    def _write(self, piece: bytes) -> int:
        """Keep a piece of the body; less than its length ends the request, of which the status is known."""
        if len(self._body) + len(piece) > MAX_ANSWER:
            self._is_cut = True
            return 0
        self._body += piece
        return len(piece)

    def _open(self, _purpose: int, address: Any) -> Any:
        """Open a socket to the very address that was looked at, so that no second look-up can change it."""
        family, kind, protocol, where = address
        if self._may_connect is None or not self._may_connect(where[0]):
            self._is_forbidden = True
            return pycurl.SOCKET_BAD
        # libcurl is given a copy of the descriptor, so this one is closed by us.
        self._opened.append(socket.socket(family, kind, protocol))
        return self._opened[-1]

    def _close_sockets(self) -> None:
        while self._opened:
            self._opened.pop().close()


def _failure(code: int, text: str) -> str:
    """Why there is no answer; libcurl has no words for a connection that ends in the middle of HTTP/2."""
    return f"{text or 'the connection broke'} (libcurl {code})"


def _directions(events: int) -> int:
    """What epoll saw, in the words of libcurl."""
    directions = 0
    if events & select.EPOLLIN:
        directions |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        directions |= pycurl.CSELECT_OUT
    if events & (select.EPOLLERR | select.EPOLLHUP):
        directions |= pycurl.CSELECT_ERR
    return directions


def _trust(ca_file: Path | None) -> list[tuple[int, str]]:
    """Where libcurl finds the certificates to trust: a wheel of it does not know where a system keeps them."""
    if ca_file is not None:
        return [(pycurl.CAINFO, str(ca_file))]
    known = ssl.get_default_verify_paths()
    paths = [(pycurl.CAINFO, known.cafile), (pycurl.CAPATH, known.capath)]
    found = [(option, path) for option, path in paths if path is not None]
    if not found:
        raise OpenrateError(
            "This machine has no certificates to trust: install ca-certificates, or set SSL_CERT_FILE."
        )
    return found
