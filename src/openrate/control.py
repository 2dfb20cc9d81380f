"""Commands for a running server, over a socket in its data folder.

Only the server holds the facts file, so every other command asks it. A connection carries one request after
another: a line of JSON, answered by lines of JSON of which the last is a result or an error.

    → {"command": "verify"}
    ← {"progress": [400000, 1200000]}      how far it is, any number of times
    ← {"items": [...]}                     a part of a long answer, any number of times
    ← {"result": ...}                      or {"error": "a sentence", "usage": false}

The socket is the user's who runs the server, and nobody else's (mode 0600): who can open it could open the
files as well, so there are no further keys.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from openrate.errors import OpenrateError, UsageError

logger = logging.getLogger(__name__)

_BACKLOG = 16
_GRACE = 1.0
"""Seconds that commands under way get to end when the server stops."""
_PLAIN_PATH = 100
"""Bytes of a path that every system takes as a socket's address (108 with the final zero on Linux)."""


class Talk(Protocol):
    """What a command says before its result. Either call may raise, which ends the command.

    Attributes:
        by: who asks, for the audit log.
    """

    by: str

    def progress(self, done: int, total: int) -> None:
        """How far it is, in facts or in whatever else there are many of."""

    def items(self, items: list[Any]) -> None:
        """A part of a long answer."""


COMMAND_LINE = "command line"
"""Who asks, when it is somebody with access to the data folder."""

Handle = Callable[[bytes, Talk], Any]
"""Runs the command in a request line and returns its result, or raises an OpenrateError."""


class _Reply(msgspec.Struct, omit_defaults=True):
    """One line of an answer."""

    progress: tuple[int, int] | None = None
    items: list[Any] | None = None
    result: Any = msgspec.UNSET
    error: str | None = None
    usage: bool = False


class _StoppingError(OpenrateError):
    """Ends a command because the server stops."""


class Line:
    """A connection to a running server; ask one thing at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._decode = msgspec.json.Decoder(_Reply).decode

    def ask(self, request: msgspec.Struct, talk: Talk) -> Any:
        """Send a request and pass on what is said until there is a result.

        Raises:
            UsageError, OpenrateError: what the server answered, or that it went away.
        """
        with suppress(ConnectionError):
            self._connection.sendall(msgspec.json.encode(request) + b"\n")
        while line := self._next_line():
            reply = self._decode(line)
            if reply.progress is not None:
                talk.progress(*reply.progress)
            elif reply.items is not None:
                talk.items(reply.items)
            elif reply.error is not None:
                raise (UsageError if reply.usage else OpenrateError)(reply.error)
            else:
                return reply.result
        raise OpenrateError("The server stopped before it had answered: ask again.")

    def _next_line(self) -> bytes:
        """Empty when the server has gone. What ``talk`` raises is its own: a pipe can break there too."""
        try:
            return self._lines.readline()
        except ConnectionError:
            return b""

    def close(self) -> None:
        """Hang up, which also ends a command that is under way."""
        self._lines.close()
        self._connection.close()


def dial(path: Path) -> Line | None:
    """A connection to the server whose socket this is; None when nobody listens at it.

    Raises:
        OpenrateError: the socket is another user's.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise OpenrateError(
            f"The server at {path} cannot be asked ({error.strerror}): run this as the user who runs it."
        ) from None
    return Line(connection)


class ControlSocket:
    """Takes commands until it is closed; each connection has a thread of its own."""

    def __init__(self, path: Path, handle: Handle) -> None:
        self._path = path
        self._handle = handle
        self._stopping = False
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._listener = _listen(path)
        self._thread = threading.Thread(target=self._accept_forever, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more commands, end those under way, and remove the socket."""
        self._stopping = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        self._thread.join(_GRACE)
        self._path.unlink(missing_ok=True)
        with self._lock:
            under_way = dict(self._open)
        for connection in under_way.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # an idle one hears the end; a busy one may still answer
        for thread in under_way:
            thread.join(_GRACE / len(under_way))

    def _accept_forever(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=[connection], name="command", daemon=True)
            with self._lock:
                self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    _Answer(connection, self._is_stopping).give(self._handle, line)
        except (OSError, _StoppingError):
            pass  # whoever asked has gone, or has been told
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _is_stopping(self) -> bool:
        return self._stopping


class _Answer:
    """Says what a command says to the other end of a connection."""

    by = COMMAND_LINE

    def __init__(self, connection: socket.socket, is_stopping: Callable[[], bool]) -> None:
        self._connection = connection
        self._is_stopping = is_stopping
        self._encode = msgspec.json.Encoder().encode

    def progress(self, done: int, total: int) -> None:
        """See ``Talk``."""
        self._say(_Reply(progress=(done, total)))

    def items(self, items: list[Any]) -> None:
        """See ``Talk``."""
        self._say(_Reply(items=items))

    def give(self, handle: Handle, line: bytes) -> None:
        """Run the command and send how it ended."""
        try:
            reply = _Reply(result=handle(line, self))
        except OpenrateError as error:
            reply = _Reply(error=str(error), usage=isinstance(error, UsageError))
        except ConnectionError:
            raise
        except Exception:  # a command that fails ends no server
            logger.exception("A command failed.")
            reply = _Reply(error="The server failed at this; its log has more.")
        self._send(reply)

    def _say(self, reply: _Reply) -> None:
        if self._is_stopping():
            raise _StoppingError("The server is stopping: ask again once it runs.")
        self._send(reply)

    def _send(self, reply: _Reply) -> None:
        self._connection.sendall(self._encode(reply) + b"\n")


def _listen(path: Path) -> socket.socket:
    """Listen at a path. What lies there was left by a killed server: the caller holds the folder."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(OSError):
            os.fchmod(listener.fileno(), 0o600)  # on Linux the mode it is born with, so never wider
        with _address(path) as address:
            listener.bind(address)
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OpenrateError(f"Cannot listen at {path}: {error.strerror}.") from None
    return listener


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """An address for a socket at a path of any length: a long one is named by its folder's open handle."""
    if len(os.fsencode(path)) <= _PLAIN_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
