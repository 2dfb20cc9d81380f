"""Templates and what every page has: its headers, its navigation, and numbers as people read them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

from openrate import __version__
from openrate.errors import StoreError, StoreFull
from openrate.model import window
from openrate.ports.event_log import EventLog
from openrate.web.call import Answer, Call
from openrate.web.pages.static import Static
from openrate.web.pages.visit import FORGET_SAID, Visit, Visitor, html, said

_SMALL = 1_000
"""Bytes that are not worth compressing."""
_CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY = [
    (b"content-security-policy", _CONTENT_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
]
_SECTIONS = [
    ("campaigns", "/campaigns", "Campaigns"),
    ("audience", "/audience", "Audience"),
    ("activity", "/activity", "Activity"),
    ("settings", "/settings", "Settings"),
]


class Renderer:
    """Makes pages of templates. What a template asks for and does not get is a fault of ours, and loud."""

    def __init__(self, static: Static, log: EventLog) -> None:
        self._environment = _environment()
        self._environment.globals |= {
            "static": static.url,
            "sections": _SECTIONS,
            "openrate_version": __version__,
            "why_facts_are_refused": partial(why_facts_are_refused, log),
        }

    def page(self, visit: Visit, template: str, *, status: int = 200, **content: Any) -> Answer:
        """A whole page for somebody who is signed in."""
        return self._answer(visit.call, visit.visitor, template, status, content | {"visit": visit})

    def fragment(self, visit: Visit, template: str, **content: Any) -> Answer:
        """A part of a page, for htmx."""
        return self._answer(visit.call, visit.visitor, template, 200, content | {"visit": visit})

    def open_page(self, call: Call, template: str, *, status: int = 200, **content: Any) -> Answer:
        """A page for somebody who is not signed in."""
        return self._answer(call, None, template, status, content)

    def error(
        self, call: Call, visitor: Visitor | None, status: int, answer: Answer, back: str | None
    ) -> Answer:
        """A page that says what went wrong, in the words of the answer of the error catalogue.

        Args:
            call: what was asked.
            visitor: who asked, if they are signed in.
            status: of the answer.
            answer: of the error catalogue.
            back: the page with the form that was sent, if it was one.
        """
        message = msgspec.json.decode(answer.body)["message"]
        content = {"status": status, "message": message, "request_id": call.id, "back": back}
        shown = self._answer(call, visitor, "error.html", status, content)
        return shown._replace(headers=[*shown.headers, *answer.headers])

    def _answer(
        self, call: Call, visitor: Visitor | None, template: str, status: int, content: dict[str, Any]
    ) -> Answer:
        words = said(call)
        section = call.scope["path"].split("/")[1]
        body = self._environment.get_template(template).render(
            content | {"visitor": visitor, "section": section, "said": words}
        )
        headers = [*_SECURITY, *([FORGET_SAID] if words else [])]
        answer = html(body, status, headers)
        if len(body) < _SMALL or "gzip" not in (call.text(b"accept-encoding") or ""):
            return answer
        packed = gzip.compress(answer.body, 5, mtime=0)
        return answer._replace(body=packed, headers=[*headers, (b"content-encoding", b"gzip")])


class _Compiled(BytecodeCache):
    """What templates were compiled to, once for the process: 0.7 s for all of them."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what there is."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def compile_templates() -> None:
    """Compile them all, so that nobody waits for it who is the first to look at a page."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("openrate.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    environment.filters |= _FILTERS
    return environment


def why_facts_are_refused(log: EventLog) -> str:
    """What every page says while nothing can be stored; else empty. Costs a look at the disk's free space."""
    try:
        log.check()
    except StoreFull:
        return "Facts are refused: the disk of the server is full. Numbers do not grow until there is room."
    except (StoreError, OSError):
        return "The last facts that came could not be stored and were refused: the server's log says why."
    return ""


def number(value: int) -> str:
    """``1,234,567``."""
    return f"{value:,}"


def percent(rate: float) -> str:
    """A rate with one digit: ``26.5 %``."""
    return f"{100 * rate:.1f} %"


def moment(at: int | None) -> str:
    """Milliseconds since 1970 as ``2026-03-10 23:30`` (UTC); empty when there is none."""
    return "" if at is None else _time(at).strftime("%Y-%m-%d %H:%M")


def day(at: int) -> str:
    """Milliseconds since 1970 as ``2026-03-10`` (UTC)."""
    return _time(at).strftime("%Y-%m-%d")


def iso(at: int) -> str:
    """Milliseconds since 1970 for a ``<time datetime>``."""
    return _time(at).isoformat(timespec="milliseconds")


def ago(at: int, now: int) -> str:
    """How long ago, in the largest unit that fits: ``3 minutes ago``."""
    seconds = max(now - at, 0) // 1000
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def span(seconds: int) -> str:
    """10800 seconds as ``3 hours``."""
    short = window(seconds)
    count, unit = short[:-1], _UNITS[short[-1]]
    return f"{count} {unit}{'' if count == '1' else 's'}"


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(min(max(at, _FIRST_MS), _LAST_MS) / 1000, UTC)


_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_000
"""The ends of the calendar, the years 1 and 9999: what a zone makes of them may be beyond."""
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_FILTERS: dict[str, Callable[..., str]] = {
    "number": number,
    "percent": percent,
    "moment": moment,
    "iso": iso,
    "ago": ago,
    "span": span,
}
