"""What is accepted and probably not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrate.campaign_parameters import Parameters, moment
from openrate.schedule import next_due
from openrate.web.pages.render import moment as shown

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", re.ASCII)
_REGION = re.compile(r"[A-Za-z]{2}|[0-9]{3}", re.ASCII)


def warnings(document: Parameters, now: int, *, was_live: bool) -> list[str]:
    """A sentence for each thing.

    Args:
        document: what would be accepted.
        now: milliseconds since 1970.
        was_live: whether the campaign has been live: its times were looked at then.
    """
    return [
        *_of_names(document),
        *_of_versions(document),
        *([] if was_live else _of_times(document, now)),
    ]


def _of_names(document: Parameters) -> Iterator[str]:
    targeting = document.get("targeting") or {}
    named = {language for messages in _messages(document).values() for language in messages if language}
    for name in sorted({*targeting.get("languages", []), *named}):
        if not _LANGUAGE.fullmatch(name):
            yield f"{name} is no code of a language, such as fr or pt-BR: probably nobody has it."
    for name in targeting.get("regions", []):
        if not _REGION.fullmatch(name):
            yield f"{name} is no code of a region, such as FR or BE: probably nobody is there."


def _of_versions(document: Parameters) -> Iterator[str]:
    found = _messages(document)
    if "b" in found and (missing := found["a"] ^ found["b"]):
        names = ", ".join(sorted(language or "everybody else" for language in missing))
        yield f"Only one of A and B has a message for {names}: the two are compared fairly where both have one."


def _of_times(document: Parameters, now: int) -> Iterator[str]:
    begins = document.get("push_time") or document.get("local_push_time")
    if not document.get("recurrence") or begins in {None, "now"} or moment(begins) > now:
        return
    following = next_due(document, now)
    if following is None:
        yield "Every time of it is past: it goes out once, as soon as it is live."
    else:
        yield f"Its first time is past: it goes out as soon as it is live, and then on {shown(following)} UTC."


def _messages(document: Parameters) -> dict[str, set[str]]:
    """The languages of the messages by version; the empty one is for everybody else."""
    given = document["messages"]
    by_version = given if isinstance(given, dict) else {"a": given}
    return {
        version: {message.get("language") or "" for message in messages}
        for version, messages in by_version.items()
    }
