"""The shapes of bodies, as JSON Schema."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

INSTALLATION_ID = r"^[A-Za-z0-9_.:\-]{1,64}$"
_TOKEN = r"^[0-9a-f]{32}$"  # noqa: S105 - the form of one
_MINUTE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT = rf"^{_MINUTE}:[0-5][0-9]$"
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


def ref(name: str) -> Schema:
    """A reference to a schema below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _text(description: str, most: int, **more: Any) -> Schema:
    return {"type": "string", "maxLength": most, "description": description, **more}


def _object(properties: Schema, required: list[str] | None = None, **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        **more,
    }


def _nullable(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


_COUNTER = {"type": "integer", "minimum": 0}
_INNER = ("sent", "sent_optins", "direct_open", "influenced_open", "reengaged")
_TOKEN_FIELD = {"type": "string", "pattern": _TOKEN}

_COUNTS = dict.fromkeys(("recipients", "sent", "errors", "skipped"), _COUNTER)
_REASON = {"type": ["string", "null"], "description": "Why it waits, if it does."}
_SEND = _object(
    {
        "send_id": {"type": "string", "description": "The due time of the occurrence, as in push_time."},
        "state": {"type": "string", "enum": ["selecting", "sending", "done", "cancelled"]},
        "due_at": {"type": "string"},
        "finished_at": {"type": ["string", "null"]},
        **_COUNTS,
        "reason": _REASON,
    },
    ["send_id", "state", "due_at", "finished_at", *_COUNTS, "reason"],
)
_PROGRESS = _object(
    {
        "campaign_token": _TOKEN_FIELD,
        "state": {"type": "string", "enum": ["draft", "scheduled", "running", "completed", "stopped"]},
        **_COUNTS,
        "reason": _REASON,
        "sends": {"type": "array", "items": ref("Send")},
    },
    ["campaign_token", "state", *_COUNTS, "reason", "sends"],
)
_ERROR = _object(
    {
        "code": {"type": "integer", "enum": [0, 1, 2, 10, 12, 20, 30, 31, 32, 60]},
        "type": {"type": "string", "description": "The name that goes with the code."},
        "message": {
            "type": "string",
            "description": "A sentence for a person: what was wrong and what is accepted.",
        },
    },
    ["code", "type", "message"],
    additionalProperties=False,
)

_VERSION_ROW = _object(dict.fromkeys(_INNER, _COUNTER), list(_INNER), additionalProperties=False)
_PLAIN_ROW = _object(
    {"date": {"type": "string", "format": "date"}} | dict.fromkeys([*_INNER, "errors"], _COUNTER),
    ["date", *_INNER, "errors"],
    additionalProperties=False,
    description="A UTC day of a campaign without versions.",
)
_AB_TOTALS = ("sent", "direct_open", "influenced_open", "reengaged", "errors")
_AB_ROW = _object(
    {"date": {"type": "string", "format": "date"}}
    | dict.fromkeys(_AB_TOTALS, _COUNTER)
    | {
        "versions": _object(
            {"a": ref("VersionRow"), "b": ref("VersionRow")}, ["a", "b"], additionalProperties=False
        )
    },
    ["date", *_AB_TOTALS, "versions"],
    additionalProperties=False,
    description="A UTC day of an A/B campaign: totals, and both versions.",
)
_STATISTICS = _object(
    {
        "campaign_token": _TOKEN_FIELD,
        "detail": {"type": "array", "items": {"anyOf": [ref("PlainRow"), ref("VersionedRow")]}},
    },
    ["campaign_token", "detail"],
    additionalProperties=False,
)

_MESSAGE = _object(
    {
        "language": _text("A language code.", 64),
        "title": _text("May be empty.", 10_000),
        "body": _text("The text.", 10_000, minLength=1),
        "deeplink": _text("May be empty.", 10_000),
    },
    ["body"],
)
_MESSAGES = {"type": "array", "minItems": 1, "maxItems": 1_000, "items": ref("Message")}
_NAME = {"type": "string", "maxLength": 1_000}
_ADDRESS = {"type": "string", "maxLength": 10_000}
_NAMES = {"type": "array", "maxItems": 1_000, "items": _NAME}
_PUSH_TIME = {
    "anyOf": [{"type": "string", "const": "now"}, {"type": "string", "pattern": _MOMENT}],
    "description": "`now`, or `yyyy-MM-ddTHH:mm:ss` in UTC. In the past it is due at once.",
}
_TARGETING = _object(
    {
        "segments": {
            "type": "array",
            "maxItems": 1_000,
            "items": {"type": "string", "enum": ["NEW", "ENGAGED", "ONE_TIME", "DORMANT", "IMPORTED"]},
        },
        "languages": _NAMES,
        "regions": _NAMES,
        "query": {
            "type": ["object", "string"],
            "maxLength": 100_000,
            "description": "Conditions, or a string that holds them as JSON: docs/targeting.md.",
        },
        "audiences": _NAMES,
    }
)
_PARAMETERS: Schema = {
    "name": {**_NAME, "minLength": 3},
    "live": {"type": "boolean", "description": "false is a draft."},
    "messages": {
        "anyOf": [
            _MESSAGES,
            _object({"a": _MESSAGES, "b": _MESSAGES}, ["a", "b"], additionalProperties=False),
        ],
        "description": "A list, or for an A/B campaign an object with the lists `a` and `b`.",
    },
    "push_time": _PUSH_TIME,
    "local_push_time": {**_PUSH_TIME, "description": "The same form, in the device's own time."},
    "labels": {"type": "array", "maxItems": 3, "items": _NAME},
    "priority": {"type": "string", "enum": ["normal", "high"], "default": "high"},
    "time_to_live": {"type": "integer", "minimum": 1, "maximum": 2_419_200, "description": "Seconds."},
    "push_type": {"type": "string", "enum": ["alert", "background"]},
    "gcm_collapse_key": _object({"enabled": {"type": "boolean"}, "key": _NAME}),
    "recurrence": _object(
        {
            "repeat_unit": {"type": "string", "enum": ["DAILY", "WEEKLY", "MONTHLY"]},
            "repeat_frequency": {"type": "integer", "minimum": 1, "maximum": 10_000},
            "end_date": {"type": "string", "pattern": rf"^{_MINUTE}(:[0-5][0-9])?$"},
        },
        ["repeat_unit", "repeat_frequency"],
    ),
    "capping": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    "send_rate": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000_000,
        "description": "Messages per minute that our sender sends of it, at most.",
    },
    "targeting": ref("Targeting"),
    "media": _object(dict.fromkeys(("icon", "picture", "audio", "video"), _ADDRESS)),
    "deeplink": _ADDRESS,
    "custom_payload": {**_ADDRESS, "description": "A string that holds JSON."},
    "landing": {"type": "object"},
}
_SERVERS_OWN: Schema = {
    "campaign_token": _TOKEN_FIELD,
    "from_api": {"type": "boolean"},
    "dev_only": {"type": "boolean"},
    "created_date": {"type": "string", "pattern": _MOMENT},
}
_LISTED = ["campaign_token", "from_api", "dev_only", "created_date", "name", "live"]

_CAMPAIGN_CREATE = _object(
    _PARAMETERS,
    ["name", "live", "messages"],
    oneOf=[{"required": ["push_time"]}, {"required": ["local_push_time"]}],
    description="Keys that are not listed are kept and given back.",
)
_CAMPAIGN_UPDATE = _object(_PARAMETERS, description="Any of the parameters; the others stay.")
_CAMPAIGN = _object({**_SERVERS_OWN, **_PARAMETERS}, [*_LISTED, "messages"])
_CAMPAIGN_ITEM = _object(
    {
        **_SERVERS_OWN,
        "name": {"type": "string"},
        "live": {"type": "boolean"},
        "push_time": {"type": "string"},
        "local_push_time": {"type": "string"},
    },
    _LISTED,
)

_SHORT = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": _PRINTABLE}
_SUBSCRIPTION = _object(
    {
        "endpoint": {"type": "string", "pattern": "^https://", "maxLength": 2048},
        "expirationTime": {"type": ["number", "null"]},
        "keys": _object(
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
_REGISTRATION = _object(
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
        "platform": {"type": "string", "enum": ["ios", "android", "web"], "description": "That of the app."},
        "push_token": {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 4096, "pattern": _PRINTABLE},
                ref("Subscription"),
                {"type": "null"},
            ],
            "description": "A string on ios and android, the subscription object on web.",
        },
        "language": _nullable(_SHORT),
        "region": _nullable(_SHORT),
        "timezone": _nullable(_SHORT),
        "app_version": _nullable(_SHORT),
        "opted_in": {"type": "boolean", "default": True},
        "custom_id": _nullable(
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
_REGISTERED = _object(
    {
        "installation_id": {"type": "string", "pattern": INSTALLATION_ID},
        "installation_token": {"type": "string"},
    },
    ["installation_id", "installation_token"],
    additionalProperties=False,
)

_AT = {
    "type": "string",
    "format": "date-time",
    "description": "RFC 3339 with an offset; absent: the moment of receipt, for callers that never retry.",
}
_SEND_ID = {"type": "string", "pattern": INSTALLATION_ID, "description": "Absent: the UTC date of `at`."}
_OF_INSTALLATION = {"installation_id": {"type": "string", "pattern": INSTALLATION_ID}, "at": _AT}
_OF_DELIVERY = {
    "campaign_token": _TOKEN_FIELD,
    **_OF_INSTALLATION,
    "send_id": _SEND_ID,
    "version": {"type": "string", "enum": ["a", "b"], "description": "On an A/B campaign, and only there."},
    "platform": {"type": "string"},
    "language": {"type": "string"},
}
_CAUSES = ["unregistered", "invalid_token", "payload", "throttled", "unavailable", "expired", "other"]


def _event(kind: str, properties: Schema, required: list[str], description: str) -> Schema:
    return _object(
        {"type": {"type": "string", "const": kind}, **properties},
        ["type", *required],
        description=description,
    )


_EVENTS = {
    "PushSent": _event(
        "push_sent",
        {**_OF_DELIVERY, "opted_in": {"type": "boolean", "default": True}},
        ["campaign_token", "installation_id"],
        "The push service accepted it. Servers only.",
    ),
    "PushError": _event(
        "push_error",
        {**_OF_DELIVERY, "cause": {"type": "string", "enum": _CAUSES}},
        ["campaign_token", "installation_id", "cause"],
        "It could not be sent. Servers only.",
    ),
    "PushOpen": _event(
        "push_open",
        {"campaign_token": _TOKEN_FIELD, **_OF_INSTALLATION, "send_id": _SEND_ID},
        ["campaign_token"],
        "Somebody tapped the notification. A device may leave installation_id out.",
    ),
    "AppOpen": _event(
        "app_open",
        _OF_INSTALLATION,
        [],
        "The app or site came to the foreground. A device may leave installation_id out.",
    ),
}
_REFUSALS = [
    "malformed",
    "unknown_type",
    "missing_field",
    "unknown_campaign",
    "missing_version",
    "unknown_version",
    "not_allowed",
    "too_old",
    "in_future",
]
_REPORT = _object(
    {
        "accepted": _COUNTER,
        "rejected": _COUNTER,
        "errors": {
            "type": "array",
            "maxItems": 100,
            "items": _object(
                {
                    "index": {"type": "integer", "minimum": 0},
                    "code": {"type": "string", "enum": _REFUSALS},
                    "message": {"type": "string"},
                },
                ["index", "code", "message"],
            ),
        },
    },
    ["accepted", "rejected", "errors"],
    additionalProperties=False,
)

_SEGMENTS = ["IMPORTED", "NEW", "ONE_TIME", "DORMANT", "ENGAGED"]
_ESTIMATE = _object(
    {
        "installations": _COUNTER,
        "opted_in": _COUNTER,
        "segments": _object(dict.fromkeys(_SEGMENTS, _COUNTER), _SEGMENTS, additionalProperties=False),
        "unknown_audiences": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Named lists that there are not; nobody is in them.",
        },
    },
    ["installations", "opted_in", "segments", "unknown_audiences"],
    additionalProperties=False,
)
_AUDIENCE = _object(
    {
        "name": {"type": "string"},
        "installations": {**_COUNTER, "description": "How many ids are on it."},
        "updated_at": {"type": "string", "format": "date-time"},
    },
    ["name", "installations", "updated_at"],
    additionalProperties=False,
)

SCHEMAS: dict[str, Schema] = {
    "Error": _ERROR,
    "Targeting": _TARGETING,
    "Estimate": _ESTIMATE,
    "Audience": _AUDIENCE,
    "AudienceName": _object({"name": {"type": "string"}}, ["name"], additionalProperties=False),
    "Audiences": _object(
        {"audiences": {"type": "array", "items": ref("Audience")}}, ["audiences"], additionalProperties=False
    ),
    "Statistics": _STATISTICS,
    "PlainRow": _PLAIN_ROW,
    "VersionedRow": _AB_ROW,
    "VersionRow": _VERSION_ROW,
    "Message": _MESSAGE,
    "CampaignCreate": _CAMPAIGN_CREATE,
    "CampaignUpdate": _CAMPAIGN_UPDATE,
    "Campaign": _CAMPAIGN,
    "CampaignItem": _CAMPAIGN_ITEM,
    "CampaignToken": _object(
        {"campaign_token": _TOKEN_FIELD}, ["campaign_token"], additionalProperties=False
    ),
    "Subscription": _SUBSCRIPTION,
    "Registration": _REGISTRATION,
    "Registered": _REGISTERED,
    "Retired": _object({"installation_id": {"type": "string"}}, ["installation_id"]),
    **_EVENTS,
    "Event": {"anyOf": [ref(name) for name in _EVENTS]},
    "Report": _REPORT,
    "Send": _SEND,
    "Progress": _PROGRESS,
    "Status": _object({"status": {"type": "string"}}, ["status"]),
}
