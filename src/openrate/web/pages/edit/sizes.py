"""How long the messages of a campaign are as pushes, and which are longer than is sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from openrate import payloads
from openrate.campaign_parameters import Parameters
from openrate.errors import ApiError
from openrate.messages import message_of
from openrate.model import Campaign, Platform
from openrate.web.pages.edit.form import Form
from openrate.web.pages.edit.kinds import MESSAGE

_TOKEN, _SEND_ID = "0" * 32, "2026-03-10T09:00:00"
"""As long as those that a push will have."""
_NAMED = 3
"""Messages that are too long, each in a sentence; of others only how many they are."""


class Size(NamedTuple):
    """Bytes of a push, and the most that are sent."""

    bytes: int
    most: int

    @property
    def is_too_long(self) -> bool:
        """Whether it will be refused."""
        return self.bytes > self.most


class Sizes:
    """How long the messages in a form are, also while other fields are wrong."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def of(self, prefix: str) -> dict[Platform, Size]:
        """Of the message whose fields have names that begin so, on each platform."""
        typed = {
            part: kind.read(kind.as_sent(self._form.text(prefix + part))) for part, kind in MESSAGE.items()
        }
        return {platform: _size(platform, self._document, typed) for platform in Platform}

    @cached_property
    def _document(self) -> Parameters:
        try:
            return self._form.document()
        except ApiError:
            return {}


def what_is_too_long(document: Parameters, platform: Platform) -> Iterator[str]:
    """A sentence for each message that is longer than is sent to a platform; for some, if they are many."""
    given = document["messages"]
    by_version = given if isinstance(given, dict) else {"": given}
    found = [
        (_named(version, message, len(messages)), size)
        for version, messages in by_version.items()
        for message in messages
        if (size := _size(platform, document, message)).is_too_long
    ]
    for name, size in found[:_NAMED]:
        yield (
            f"{name} is too long to be sent: as a push, with its links, media and payload, it has about "
            f"{size.bytes:,} bytes, and {size.most:,} are the most."
        )
    if (more := len(found) - _NAMED) > 0:
        yield f"{more:,} more message{' is' if more == 1 else 's are'} too long."


def _size(platform: Platform, document: Parameters, message: dict[str, Any]) -> Size:
    unnamed = Campaign(0, 0, _TOKEN, document, False, False, False, 0, False)
    pushed = message_of(unnamed, message, _SEND_ID, 0)
    return Size(payloads.size(platform, pushed), payloads.MOST_BYTES[platform])


def _named(version: str, message: dict[str, Any], of_how_many: int) -> str:
    """Which message it is, in words."""
    language = message.get("language")
    whose = f" in {language}" if language else " for everybody else" if of_how_many > 1 else ""
    return f"The message{whose}{f' of {version.upper()}' if version else ''}"
