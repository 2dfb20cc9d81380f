"""The request log: one JSON line per request, written behind the requests' back."""

from __future__ import annotations

import threading
import time
from typing import TextIO

from openrate.web.call import Call

_EVERY = 0.2
"""Seconds a line may wait to be written."""
_KEPT = 50_000
"""Lines kept while the reader of the log does not keep up; more are dropped, and their number is logged."""

_About = tuple[str, str, int | None, int]
_Row = tuple[float, str, _About, float]


class AccessLog:
    """Takes a row per request and writes it from its own thread.

    A request only appends to a list, so neither a slow disk nor a reader that has stopped reading can hold up
    an answer. No row has a path, a header, a body or an address in it: those hold keys and personal data.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._rows: list[_Row] = []
        self._dropped = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        if stream is not None:
            self._thread.start()

    def add(self, call: Call, status: int, seconds: float) -> None:
        """Log that ``call`` was answered with ``status`` just now, after so long."""
        if self._stream is None:
            return
        if len(self._rows) >= _KEPT:
            self._dropped += 1
            return
        about = call.method, call.route, call.app_id, status
        self._rows.append((time.time(), call.id, about, seconds * 1000))

    def close(self) -> None:
        """Write what is left, waiting for a slow reader at most a second."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        if not self._rows or self._stream is None:
            return
        # One list for good: a row appended meanwhile stays in it.
        count = len(self._rows)
        rows = self._rows[:count]
        del self._rows[:count]
        lines = _lines(rows)
        if self._dropped:
            lines.append(f'{{"dropped_log_lines":{self._dropped}}}\n')
            self._dropped = 0
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (OSError, ValueError):
            # Whoever read the log has gone. Serving goes on without it.
            self._stream = None


def _lines(rows: list[_Row]) -> list[str]:
    """The rows as JSON. Written by hand: every string in them is one of ours, and it is half the cost."""
    lines, second, stamp = [], 0, ""
    middles = {about: _middle(*about) for about in {row[2] for row in rows}}
    for at, request_id, about, ms in rows:
        if int(at) != second:
            second = int(at)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        lines.append(
            f'{{"at":"{stamp}.{int(at % 1 * 1000):03d}Z","id":"{request_id}"{middles[about]}{ms:.3f}}}\n'
        )
    return lines


def _middle(method: str, route: str, app_id: int | None, status: int) -> str:
    app = "null" if app_id is None else app_id
    return f',"method":"{method}","route":"{route}","app":{app},"status":{status},"ms":'
