"""The shapes of registrations."""

from __future__ import annotations

from openrate.model import Platform
from openrate.web.openapi.shapes import INSTALLATION_ID, Schema, nullable, object_of, ref

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
_SHORT = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": _PRINTABLE}
_SUBSCRIPTION = object_of(
    {
        "endpoint": {"type": "string", "pattern": "^https://", "maxLength": 2048},
        "expirationTime": {"type": ["number", "null"]},
        "keys": object_of(
            {
                "p256dh": {"type": "string", "minLength": 1, "maxLength": 256},
                "auth": {"type": "string", "minLength": 1, "maxLength": 64},
            },
            ["p256dh", "auth"],
        ),
    },
    ["endpoint", "keys"],
    description="A browser's push subscription, as PushSubscription.toJSON() writes it.",
)
_REGISTRATION = object_of(
    {
        "installation_id": {
            "type": "string",
            "pattern": INSTALLATION_ID,
            "description": "Made by the server when absent.",
        },
        "installation_secret": {
            "type": "string",
            "minLength": 22,
            "maxLength": 64,
            "description": "Made by the device; the same id with the same secret gets its token again.",
        },
        "platform": {"type": "string", "enum": list(Platform), "description": "That of the app."},
        "push_token": {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 4096, "pattern": _PRINTABLE},
                ref("Subscription"),
                {"type": "null"},
            ],
            "description": "A string on ios and android, the subscription object on web.",
        },
        "language": nullable(_SHORT),
        "region": nullable(_SHORT),
        "timezone": nullable(_SHORT),
        "app_version": nullable(_SHORT),
        "opted_in": {"type": "boolean", "default": True},
        "custom_id": nullable(
            {
                "type": "string",
                "minLength": 1,
                "maxLength": 512,
                "pattern": _PRINTABLE,
                "description": "With a REST key only.",
            }
        ),
        "attributes": {
            "type": ["object", "null"],
            "maxProperties": 64,
            "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": 512},
            "description": "With a REST key only; flat. A name has no quotation mark and no backslash.",
        },
        "tags": {
            "type": ["object", "null"],
            "maxProperties": 64,
            "additionalProperties": {"type": "array", "maxItems": 64, "items": _SHORT},
            "description": "With a REST key only; collections of tags, by name.",
        },
    },
    ["platform"],
    description="A field that is absent leaves what is known as it is; null takes it away.",
)
_REGISTERED = object_of(
    {
        "installation_id": {"type": "string", "pattern": INSTALLATION_ID},
        "installation_token": {"type": "string"},
    },
    ["installation_id", "installation_token"],
    additionalProperties=False,
)

SCHEMAS: dict[str, Schema] = {
    "Subscription": _SUBSCRIPTION,
    "Registration": _REGISTRATION,
    "Registered": _REGISTERED,
    "Retired": object_of({"installation_id": {"type": "string"}}, ["installation_id"]),
}
