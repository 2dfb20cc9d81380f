"""The body of ``POST /v1/{key}/installations``: its fields, their bounds, and what a refresh changes."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from openrate.errors import MalformedJsonBody, MalformedParameter, MissingParameter
from openrate.model import Installation, Platform

_ATTRIBUTES = 64
_NAME_LENGTH = 64
_VALUE_LENGTH = 512

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:\-]{1,64}\Z")]
Secret = Annotated[str, Meta(min_length=22, max_length=64)]
Short = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z")]
PushToken = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,4096}\Z")]
CustomId = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,512}\Z")]


class SubscriptionKeys(msgspec.Struct):
    """The keys of a browser's push subscription, base64url."""

    p256dh: Annotated[str, Meta(min_length=1, max_length=256)]
    auth: Annotated[str, Meta(min_length=1, max_length=64)]


class Subscription(msgspec.Struct, omit_defaults=True):
    """A browser's push subscription, as ``PushSubscription.toJSON()`` writes it."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^https://")]
    keys: SubscriptionKeys
    expirationTime: float | None = None  # noqa: N815 - the browser's name


class Registration(msgspec.Struct):
    """What a device, or a server for it, says about an installation.

    A field that is absent leaves what is known as it is; ``null`` takes it away.
    """

    platform: Platform
    installation_id: Id | UnsetType = UNSET
    installation_secret: Secret | UnsetType = UNSET
    push_token: PushToken | Subscription | UnsetType | None = UNSET
    language: Short | UnsetType | None = UNSET
    region: Short | UnsetType | None = UNSET
    timezone: Short | UnsetType | None = UNSET
    app_version: Short | UnsetType | None = UNSET
    opted_in: bool | UnsetType = UNSET
    custom_id: CustomId | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET

    def applied_to(self, known: Installation, secret_hash: bytes | None) -> Installation:
        """The installation after this. A secret is taken only where there was none: it names the device."""
        changes: dict[str, Any] = {
            name: value for name in _KEPT if (value := getattr(self, name)) is not UNSET
        }
        if isinstance(self.push_token, Subscription):
            changes["push_token"] = msgspec.json.encode(self.push_token).decode()
        if secret_hash is not None and known.secret_hash is None:
            changes["secret_hash"] = secret_hash
        return msgspec.structs.replace(known, **changes)


_KEPT = ("push_token", "language", "region", "timezone", "app_version", "opted_in", "custom_id", "attributes")


def read_registration(body: bytes) -> Registration:
    """The body as a Registration.

    Raises:
        MalformedJsonBody: not a JSON object.
        MissingParameter: no platform.
        MalformedParameter: a field of the wrong type or over its bounds; the message names it.
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedJsonBody("The body is not JSON: send one JSON object.") from None
    if not isinstance(content, dict):
        raise MalformedJsonBody("The body is not a JSON object.")
    if "platform" not in content:
        raise MissingParameter("platform is missing: send ios, android or web.")
    try:
        wanted = msgspec.convert(content, Registration)
    except msgspec.ValidationError as error:
        raise MalformedParameter(_readable(str(error))) from None
    _check_push_token(wanted)
    _check_attributes(wanted.attributes)
    return wanted


def _readable(message: str) -> str:
    """``push_token: expected ...`` from msgspec's wording."""
    said, _, place = message.partition(" - at `$.")
    field = re.sub(r"`$", "", place)
    return f"{field}: {said[:1].lower()}{said[1:]}." if field else f"{said}."


def _check_push_token(wanted: Registration) -> None:
    token = wanted.push_token
    if wanted.platform is Platform.WEB and isinstance(token, str):
        raise MalformedParameter(
            "push_token of a web installation is the push subscription object, not a string."
        )
    if wanted.platform is not Platform.WEB and isinstance(token, Subscription):
        raise MalformedParameter("push_token of an app is the string the platform gave, not an object.")


def _check_attributes(attributes: dict[str, Any] | UnsetType | None) -> None:
    if not attributes:
        return
    if len(attributes) > _ATTRIBUTES:
        raise MalformedParameter(
            f"attributes: {len(attributes)} of them, at most {_ATTRIBUTES} are accepted."
        )
    for name, value in attributes.items():
        if not 1 <= len(name) <= _NAME_LENGTH:
            raise MalformedParameter(f"attributes: a name has 1 to {_NAME_LENGTH} characters.")
        if isinstance(value, dict | list):
            raise MalformedParameter(f"attributes.{name}: a string, a number, a boolean or null is accepted.")
        if isinstance(value, str) and len(value) > _VALUE_LENGTH:
            raise MalformedParameter(f"attributes.{name}: at most {_VALUE_LENGTH} characters are accepted.")
