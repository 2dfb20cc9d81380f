"""The shapes of the statistics."""

from __future__ import annotations

from openrate.model import COUNTERS
from openrate.web.openapi.shapes import CAMPAIGN_TOKEN, COUNTER, Schema, object_of, ref

_INNER = COUNTERS[:-1]
"""Of a version: errors are counted for both together."""

_VERSION_ROW = object_of(dict.fromkeys(_INNER, COUNTER), list(_INNER), additionalProperties=False)
_PLAIN_ROW = object_of(
    {"date": {"type": "string", "format": "date"}} | dict.fromkeys(COUNTERS, COUNTER),
    ["date", *COUNTERS],
    additionalProperties=False,
    description="A UTC day of a campaign without versions.",
)
_AB_TOTALS = [name for name in COUNTERS if name != "sent_optins"]
_AB_ROW = object_of(
    {"date": {"type": "string", "format": "date"}}
    | dict.fromkeys(_AB_TOTALS, COUNTER)
    | {
        "versions": object_of(
            {"a": ref("VersionRow"), "b": ref("VersionRow")}, ["a", "b"], additionalProperties=False
        )
    },
    ["date", *_AB_TOTALS, "versions"],
    additionalProperties=False,
    description="A UTC day of an A/B campaign: totals, and both versions.",
)
_STATISTICS = object_of(
    {
        "campaign_token": CAMPAIGN_TOKEN,
        "detail": {"type": "array", "items": {"anyOf": [ref("PlainRow"), ref("VersionedRow")]}},
    },
    ["campaign_token", "detail"],
    additionalProperties=False,
)

SCHEMAS: dict[str, Schema] = {
    "Statistics": _STATISTICS,
    "PlainRow": _PLAIN_ROW,
    "VersionedRow": _AB_ROW,
    "VersionRow": _VERSION_ROW,
}
