"""What is accepted and probably not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from openrate.campaign_parameters import PUSH_TIMES, Parameters
from openrate.model import Platform
from openrate.schedule import next_due
from openrate.web.pages.edit.sizes import what_is_too_long
from openrate.web.pages.render import moment as shown

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", re.ASCII)
_DIGITS = 3
_UNLISTED = {"XK"}
"""Kosovo: no code of ISO 3166, and yet what devices say."""


def warnings(document: Parameters, platform: Platform) -> list[str]:
    """A sentence for each thing in what would be accepted, but for its times."""
    return [*what_is_too_long(document, platform), *_of_names(document), *_of_versions(document)]


def what_is_past(document: Parameters, now: int) -> str:
    """What our sender makes of it when the first time of a campaign that was never live is past; else empty.

    Args:
        document: what would be accepted.
        now: milliseconds since 1970.
    """
    is_now = "now" in {document.get(name) for name in PUSH_TIMES}
    first = None if is_now else next_due(document, None)
    if first is None or first > now:
        return ""
    following = next_due(document, now)
    if not document.get("recurrence"):
        is_partly = following is not None
        where, there = ("Where it comes first, its", "there it") if is_partly else ("Its", "it")
        return f"{where} time is past: {there} goes out as soon as it is live."
    if following is None:
        return "Every time of it is past: it goes out once, as soon as it is live."
    return f"Its first time is past: it goes out as soon as it is live, and then on {shown(following)} UTC."


def _of_names(document: Parameters) -> Iterator[str]:
    targeting = document.get("targeting") or {}
    named = {language for messages in _messages(document).values() for language in messages if language}
    for name in sorted({*targeting.get("languages", []), *named}):
        if not _LANGUAGE.fullmatch(name):
            yield f"{name} is no code of a language, such as fr or pt-BR: probably nobody has it."
    for name in targeting.get("regions", []):
        if not _is_region(name):
            yield f"{name} is no code of a region, such as FR or BE: probably nobody is there."


def _of_versions(document: Parameters) -> Iterator[str]:
    found = _messages(document)
    if "b" in found and (missing := found["a"] ^ found["b"]):
        names = ", ".join(sorted(language or "everybody else" for language in missing))
        yield f"Only one of A and B has a message for {names}: the two are compared fairly where both have one."
    elif "b" in found and _words(document["messages"]["a"]) == _words(document["messages"]["b"]):
        yield "A and B say the same: there is nothing to compare."


def _words(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is said by language: the first message of each, without what is empty."""
    said: dict[str, dict[str, Any]] = {}
    for message in messages:
        words = {name: value for name, value in message.items() if value and name != "language"}
        said.setdefault(message.get("language") or "", words)
    return said


def _is_region(name: str) -> bool:
    """Whether it is a code of ISO 3166, or a number of the United Nations such as 419."""
    is_number = len(name) == _DIGITS and name.isascii() and name.isdecimal()
    return is_number or name.upper() in _regions()


@cache
def _regions() -> frozenset[str]:
    """The codes of two letters, of the table that comes with the time zones."""
    table = (resources.files("tzdata") / "zoneinfo/iso3166.tab").read_text("utf-8")
    return frozenset(line.partition("\t")[0] for line in table.splitlines() if line[:1] != "#") | _UNLISTED


def _messages(document: Parameters) -> dict[str, set[str]]:
    """The languages of the messages by version; the empty one is for everybody else."""
    given = document["messages"]
    by_version = given if isinstance(given, dict) else {"a": given}
    return {
        version: {message.get("language") or "" for message in messages}
        for version, messages in by_version.items()
    }
