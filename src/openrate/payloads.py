"""What the push of each platform consists of (docs/providers.md, "What arrives"), and how long it may be.

Nothing here reads or writes: the providers send it, and the pages say beforehand what is too long.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from openrate.model import Message, Platform

MOST_BYTES: Mapping[Platform, int] = {Platform.ANDROID: 4096, Platform.IOS: 4096, Platform.WEB: 3993}
"""What Google, Apple and RFC 8030 (section 7.2) take; of the last, what is left beside the encryption."""
_encode = msgspec.json.Encoder().encode


def size(platform: Platform, message: Message) -> int:
    """Bytes of a message, as ``MOST_BYTES`` are counted."""
    match platform:
        case Platform.ANDROID:
            return size_of_fcm(fcm(message, 0))
        case Platform.IOS:
            return len(apns(message))
        case Platform.WEB:
            return len(webpush(message))


def fcm(message: Message, seconds: int) -> dict[str, Any]:
    """The message for Google without its token; ``seconds`` are left of its time to live.

    Values of ``data`` are strings.
    """
    shown = {"title": message.title, "body": message.body, "image": message.media.get("picture")}
    shown = {name: value for name, value in shown.items() if value}
    data = _fields_for_app(message)
    if "media" in data:
        data["media"] = _encode(message.media).decode()
    android: dict[str, Any] = {"priority": "HIGH" if message.is_urgent else "NORMAL", "ttl": f"{seconds}s"}
    if message.collapse_key:
        android["collapse_key"] = message.collapse_key
    made: dict[str, Any] = {"data": data, "android": android}
    if not message.is_background:
        android["notification"] = {"tag": occurrence(message)}
        made["notification"] = shown
    return made


def size_of_fcm(made: dict[str, Any]) -> int:
    """Bytes of a message for Google as Google counts them: keys and values."""
    counted = made.get("notification", {}), made["data"]
    return sum(
        len(name.encode()) + len(value.encode()) for fields in counted for name, value in fields.items()
    )


def apns(message: Message) -> bytes:
    """The body of the request to Apple."""
    aps: dict[str, Any] = {}
    if message.is_background:
        aps["content-available"] = 1
    else:
        alert = {"title": message.title} if message.title else {}
        aps |= {"alert": {**alert, "body": message.body}, "sound": "default"}
        if message.media:
            aps["mutable-content"] = 1  # an extension of the app fetches them
    return _encode({"aps": aps} | _fields_for_app(message))


def webpush(message: Message) -> bytes:
    """The text that the service worker reads."""
    shown = {
        "title": message.title,
        "body": message.body,
        "tag": occurrence(message),
        "background": message.is_background,
    }
    return _encode(_fields_for_app(message) | {name: value for name, value in shown.items() if value})


def occurrence(message: Message) -> str:
    """A name of 32 letters for a campaign's send: where two notifications bear the same, one is shown."""
    named = f"{message.campaign_token} {message.send_id}".encode()
    return base64.urlsafe_b64encode(hashlib.sha256(named).digest()[:24]).decode()


def _fields_for_app(message: Message) -> dict[str, Any]:
    """What the app reads of a push beside what the platform shows; of one in the background it reads the words too."""
    said = {
        "campaign_token": message.campaign_token,
        "send_id": message.send_id,
        "title": message.title if message.is_background else None,
        "body": message.body if message.is_background else None,
        "deeplink": message.deeplink,
        "media": message.media,
        "custom_payload": message.custom_payload,
    }
    return {name: value for name, value in said.items() if value}
