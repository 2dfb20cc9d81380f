"""What a campaign says to whom (``docs/sending.md``, "What"). Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Literal

from openrate.model import Campaign, Message

_MEDIA = ("icon", "picture", "audio", "video")
_HALF = 128


def version_of(campaign_token: str, installation_id: str) -> Literal["a", "b"]:
    """The version that an installation gets of an A/B campaign, at every occurrence the same.

    It is ``a`` when the SHA-256 of ``token:installation`` begins with a hexadecimal digit under 8: half of
    the installations, and another half for each campaign.
    """
    return "a" if sha256(f"{campaign_token}:{installation_id}".encode()).digest()[0] < _HALF else "b"


def choose(messages: Sequence[dict[str, Any]], language: str | None) -> dict[str, Any]:
    """The message for somebody of that language, such as ``fr`` or ``fr-CA``; None: it is not known.

    The first that there is of: the language itself, or what is left of it without its last parts (``fr-CA``
    takes ``fr``); no language; the same language of another place (``fr`` takes ``fr-CA``); any.
    Case does not matter, and ``_`` is as good as ``-``.
    """
    wanted = _subtags(language)
    by_tag: dict[tuple[str, ...], dict[str, Any]] = {}
    for message in messages:
        by_tag.setdefault(_subtags(message.get("language")), message)
    for length in range(len(wanted), -1, -1):
        if wanted[:length] in by_tag:
            return by_tag[wanted[:length]]
    related = (message for tag, message in by_tag.items() if tag[:1] == wanted[:1])
    return next(related, messages[0])


class Messages:
    """The messages of one occurrence; installations of one version and language share theirs.

    Args:
        campaign: which.
        send_id: names the occurrence.
        expires_at: milliseconds since 1970.
    """

    def __init__(self, campaign: Campaign, send_id: str, expires_at: int) -> None:
        self._campaign, self._send_id, self._expires_at = campaign, send_id, expires_at
        self._known: dict[tuple[str | None, str | None], Message] = {}

    def of(self, version: str | None, language: str | None) -> Message:
        """What somebody with that version (None on a plain campaign) and that language gets."""
        known = self._known.get((version, language))
        if known is None:
            messages = self._campaign.parameters["messages"]
            chosen = choose(messages if version is None else messages[version], language)
            known = message_of(self._campaign, chosen, self._send_id, self._expires_at)
            self._known[version, language] = known
        return known


def message_of(campaign: Campaign, chosen: dict[str, Any], send_id: str, expires_at: int) -> Message:
    """What one of the messages of a campaign says. Empty texts stand for none, as the callers send them."""
    given = campaign.parameters
    media = given.get("media", {})
    collapse = given.get("gcm_collapse_key", {})
    return Message(
        campaign_token=campaign.token,
        send_id=send_id,
        title=chosen.get("title") or None,
        body=chosen["body"],
        deeplink=chosen.get("deeplink") or given.get("deeplink") or None,
        custom_payload=given.get("custom_payload"),
        media={name: media[name] for name in _MEDIA if media.get(name)},
        is_urgent=given.get("priority", "high") == "high",
        is_background=given.get("push_type") == "background",
        collapse_key=(collapse.get("key") or None) if collapse.get("enabled") else None,
        expires_at=expires_at,
    )


def _subtags(language: str | None) -> tuple[str, ...]:
    return tuple(language.lower().replace("_", "-").split("-")) if language else ()
