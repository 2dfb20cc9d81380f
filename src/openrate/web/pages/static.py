"""Style sheets and scripts: read once, compressed once, and kept by browsers until they change."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

from openrate.errors import RouteNotFound
from openrate.web.call import Answer, Call
from openrate.web.routing import Route

_FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {
    ".css": b"text/css",
    ".js": b"text/javascript",
    ".svg": b"image/svg+xml",
}


class _File(NamedTuple):
    body: bytes
    compressed: bytes
    content_type: bytes


class Static:
    """The files below ``static/``, by name."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._urls: dict[str, str] = {}
        for path in sorted(_FOLDER.rglob("*")):
            if path.suffix in _TYPES:
                body = path.read_bytes()
                name = str(path.relative_to(_FOLDER))
                self._files[name] = _File(body, gzip.compress(body, 9, mtime=0), _TYPES[path.suffix])
                self._urls[name] = f"/static/{hashlib.sha256(body).hexdigest()[:12]}/{name}"

    def url(self, name: str) -> str:
        """Where a file is; the address changes with its content."""
        return self._urls[name]

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        places = ("/static/{version}/{name}", "/static/{version}/{folder}/{name}")
        return [Route("GET", place, self.get) for place in places]

    async def get(self, call: Call) -> Answer:
        """200 and the file; raises RouteNotFound."""
        file = self._files.get("/".join(call.parts[3:]))
        if file is None:
            raise RouteNotFound("There is no such file.")
        headers = [
            (b"cache-control", b"public, max-age=31536000, immutable"),
            (b"x-content-type-options", b"nosniff"),
            (b"vary", b"Accept-Encoding"),
        ]
        if "gzip" in (call.text(b"accept-encoding") or ""):
            headers.append((b"content-encoding", b"gzip"))
            return Answer(200, file.compressed, headers, file.content_type)
        return Answer(200, file.body, headers, file.content_type)
