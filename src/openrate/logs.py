"""Messages of the server as JSON lines on stderr, beside the request log."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

import msgspec

_encode = msgspec.json.Encoder().encode


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "at": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _encode(line).decode()


def to_stderr() -> TextIO:
    """Send messages to stderr from now on; returns the stream, which the request log shares."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Libraries below are told about through our own messages.
    for name in ("alembic", "_granian", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return sys.stderr
