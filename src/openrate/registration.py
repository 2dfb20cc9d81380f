"""The body of ``POST /v1/{key}/installations``: its fields, their bounds, and what a refresh changes."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from openrate.audience import LONGEST_TEXT, is_name, stored_number
from openrate.errors import MalformedJsonBody, MalformedParameter, MissingParameter
from openrate.model import Installation, Platform

_ATTRIBUTES = 64
_COLLECTIONS = 64
_NAMES = '1 to 64 printable characters without " and \\'

_SHORT = "1 to 64 characters, none of them a control character"
_ACCEPTED = {
    "platform": "ios, android or web",
    "installation_id": "1 to 64 characters of A-Za-z0-9_.:-",
    "installation_secret": "22 to 64 characters",
    "push_token": (
        "1 to 4096 characters, none of them a control character, or for web the push subscription object, "
        "with an https endpoint and the keys p256dh and auth"
    ),
    "language": _SHORT,
    "region": _SHORT,
    "timezone": _SHORT,
    "app_version": _SHORT,
    "opted_in": "true or false",
    "custom_id": "1 to 512 characters, none of them a control character",
    "attributes": 'an object such as {"age": 34}',
    "tags": 'an object such as {"likes": ["tea"]}, up to 64 tags of 1 to 64 characters in each array',
}
"""What the types and patterns below mean, for those who sent something else."""

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:\-]{1,64}\Z")]
Secret = Annotated[str, Meta(min_length=22, max_length=64)]
Short = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z")]
PushToken = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,4096}\Z")]
Tags = Annotated[list[Short], Meta(max_length=64)]
CustomId = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,512}\Z")]


class SubscriptionKeys(msgspec.Struct):
    """The keys of a browser's push subscription, base64url."""

    p256dh: Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,256}\Z")]
    auth: Short


class Subscription(msgspec.Struct, omit_defaults=True):
    """A browser's push subscription, as ``PushSubscription.toJSON()`` writes it."""

    endpoint: Annotated[str, Meta(max_length=2048, pattern=r"^https://[^\x00-\x1f\x7f]*\Z")]
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
    tags: dict[str, Tags] | UnsetType | None = UNSET

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

    def check_platform(self, of_app: Platform) -> None:
        """Raise MalformedParameter when it is about another platform than the app's."""
        if self.platform is not of_app:
            raise MalformedParameter(
                f"platform is {self.platform.value}, but the key in the path is of an app for "
                f"{of_app.value}: send {of_app.value}, or use the key of the other app."
            )


_KEPT = (
    "push_token",
    "language",
    "region",
    "timezone",
    "app_version",
    "opted_in",
    "custom_id",
    "attributes",
    "tags",
)


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
    return registration_of(content)


def registration_of(content: dict[str, Any]) -> Registration:
    """The same of an object that was read.

    Raises:
        MissingParameter, MalformedParameter: as ``read_registration``.
    """
    if "platform" not in content:
        raise MissingParameter("platform is missing: send ios, android or web.")
    try:
        wanted = msgspec.convert(content, Registration)
    except msgspec.ValidationError as error:
        raise MalformedParameter(_in_words(str(error))) from None
    _check_push_token(wanted)
    if wanted.attributes:
        wanted.attributes = _checked_attributes(wanted.attributes)
    if wanted.tags:
        _check_names("tags", wanted.tags, _COLLECTIONS)
    return wanted


def _in_words(message: str) -> str:
    """The place that msgspec's message names, and what is accepted there."""
    place = message.partition(" - at `$.")[2].rstrip("`")
    field = re.split(r"[.\[]", place)[0]
    return f"{place} is not accepted: say {_ACCEPTED[field]}."


def _check_push_token(wanted: Registration) -> None:
    token = wanted.push_token
    if wanted.platform is Platform.WEB and isinstance(token, str):
        raise MalformedParameter(
            "push_token of a web installation is the push subscription object, not a string."
        )
    if wanted.platform is not Platform.WEB and isinstance(token, Subscription):
        raise MalformedParameter("push_token of an app is the string the platform gave, not an object.")


def _check_names(field: str, given: dict[str, Any], most: int) -> None:
    if len(given) > most:
        raise MalformedParameter(f"{field}: {len(given)} of them, at most {most} are accepted.")
    if not all(map(is_name, given)):
        raise MalformedParameter(f"{field}: a name has {_NAMES}.")


def _checked_attributes(given: dict[str, Any]) -> dict[str, Any]:
    """The attributes as they are kept."""
    _check_names("attributes", given, _ATTRIBUTES)
    return {name: _checked_value(name, value) for name, value in given.items()}


def _checked_value(name: str, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise MalformedParameter(f"attributes.{name}: a string, a number, a boolean or null is accepted.")
    if isinstance(value, str) and (len(value) > LONGEST_TEXT or "\x00" in value):
        raise MalformedParameter(
            f"attributes.{name}: at most {LONGEST_TEXT} characters, none of them NUL, are accepted."
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = stored_number(value)
    if number is None:
        raise MalformedParameter(
            f"attributes.{name}: whole numbers of 64 bits, and others up to 1e300, are accepted."
        )
    return number
