"""The shapes of campaigns."""

from __future__ import annotations

from openrate.conditions import Segment
from openrate.web.openapi.shapes import CAMPAIGN_TOKEN, MINUTE, MOMENT, Schema, object_of, ref, text

_MESSAGE = object_of(
    {
        "language": text("A language code.", 64),
        "title": text("May be empty.", 10_000),
        "body": text("The text.", 10_000, minLength=1),
        "deeplink": text("May be empty.", 10_000),
    },
    ["body"],
)
_MESSAGES = {"type": "array", "minItems": 1, "maxItems": 1_000, "items": ref("Message")}
_NAME = {"type": "string", "maxLength": 1_000}
_ADDRESS = {"type": "string", "maxLength": 10_000}
_NAMES = {"type": "array", "maxItems": 1_000, "items": _NAME}
_PUSH_TIME = {
    "anyOf": [{"type": "string", "const": "now"}, {"type": "string", "pattern": MOMENT}],
    "description": "`now`, or `yyyy-MM-ddTHH:mm:ss` in UTC. In the past it is due at once.",
}
_TARGETING = object_of(
    {
        "segments": {
            "type": "array",
            "maxItems": 1_000,
            "items": {"type": "string", "enum": [segment.name for segment in Segment]},
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
            object_of({"a": _MESSAGES, "b": _MESSAGES}, ["a", "b"], additionalProperties=False),
        ],
        "description": "A list, or for an A/B campaign an object with the lists `a` and `b`.",
    },
    "push_time": _PUSH_TIME,
    "local_push_time": {**_PUSH_TIME, "description": "The same form, in the device's own time."},
    "labels": {"type": "array", "maxItems": 3, "items": _NAME},
    "priority": {"type": "string", "enum": ["normal", "high"], "default": "high"},
    "time_to_live": {"type": "integer", "minimum": 1, "maximum": 2_419_200, "description": "Seconds."},
    "push_type": {"type": "string", "enum": ["alert", "background"]},
    "gcm_collapse_key": object_of({"enabled": {"type": "boolean"}, "key": _NAME}),
    "recurrence": object_of(
        {
            "repeat_unit": {"type": "string", "enum": ["DAILY", "WEEKLY", "MONTHLY"]},
            "repeat_frequency": {"type": "integer", "minimum": 1, "maximum": 10_000},
            "end_date": {"type": "string", "pattern": rf"^{MINUTE}(:[0-5][0-9])?$"},
        },
        ["repeat_unit", "repeat_frequency"],
    ),
    "capping": {
        "type": "integer",
        "minimum": 0,
        "maximum": 1_000_000,
        "description": "Pushes of it that an installation gets at most, in all; 0: no limit.",
    },
    "send_rate": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000_000,
        "description": "Messages per minute that our sender sends of it, at most.",
    },
    "targeting": ref("Targeting"),
    "media": object_of(dict.fromkeys(("icon", "picture", "audio", "video"), _ADDRESS)),
    "deeplink": _ADDRESS,
    "custom_payload": {**_ADDRESS, "description": "A string that holds JSON."},
    "landing": {"type": "object"},
}
_SERVERS_OWN: Schema = {
    "campaign_token": CAMPAIGN_TOKEN,
    "from_api": {"type": "boolean"},
    "dev_only": {"type": "boolean"},
    "created_date": {"type": "string", "pattern": MOMENT},
}
_LISTED = ["campaign_token", "from_api", "dev_only", "created_date", "name", "live"]

_CAMPAIGN_CREATE = object_of(
    _PARAMETERS,
    ["name", "live", "messages"],
    oneOf=[{"required": ["push_time"]}, {"required": ["local_push_time"]}],
    description="Keys that are not listed are kept and given back.",
)
_CAMPAIGN_UPDATE = object_of(_PARAMETERS, description="Any of the parameters; the others stay.")
_CAMPAIGN = object_of({**_SERVERS_OWN, **_PARAMETERS}, [*_LISTED, "messages"])
_CAMPAIGN_ITEM = object_of(
    {
        **_SERVERS_OWN,
        "name": {"type": "string"},
        "live": {"type": "boolean"},
        "push_time": {"type": "string"},
        "local_push_time": {"type": "string"},
    },
    _LISTED,
)

SCHEMAS: dict[str, Schema] = {
    "Message": _MESSAGE,
    "Targeting": _TARGETING,
    "CampaignCreate": _CAMPAIGN_CREATE,
    "CampaignUpdate": _CAMPAIGN_UPDATE,
    "Campaign": _CAMPAIGN,
    "CampaignItem": _CAMPAIGN_ITEM,
    "CampaignToken": object_of(
        {"campaign_token": CAMPAIGN_TOKEN}, ["campaign_token"], additionalProperties=False
    ),
}
