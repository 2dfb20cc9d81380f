"""The shapes of audiences."""

from __future__ import annotations

from openrate.conditions import Segment
from openrate.web.openapi.shapes import COUNTER, Schema, object_of, ref

_SEGMENTS = [segment.name for segment in Segment]
_ESTIMATE = object_of(
    {
        "installations": COUNTER,
        "opted_in": COUNTER,
        "segments": object_of(dict.fromkeys(_SEGMENTS, COUNTER), _SEGMENTS, additionalProperties=False),
        "unknown_audiences": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Named lists that there are not; nobody is in them.",
        },
    },
    ["installations", "opted_in", "segments", "unknown_audiences"],
    additionalProperties=False,
)
_AUDIENCE = object_of(
    {
        "name": {"type": "string"},
        "installations": {**COUNTER, "description": "How many ids are on it."},
        "updated_at": {"type": "string", "format": "date-time"},
    },
    ["name", "installations", "updated_at"],
    additionalProperties=False,
)

SCHEMAS: dict[str, Schema] = {
    "Estimate": _ESTIMATE,
    "Audience": _AUDIENCE,
    "AudienceName": object_of({"name": {"type": "string"}}, ["name"], additionalProperties=False),
    "Audiences": object_of(
        {"audiences": {"type": "array", "items": ref("Audience")}}, ["audiences"], additionalProperties=False
    ),
}
