"""What the shapes of bodies are made of, as JSON Schema; those of each page stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

INSTALLATION_ID = r"^[A-Za-z0-9_.:\-]{1,64}$"
MINUTE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]"
MOMENT = rf"^{MINUTE}:[0-5][0-9]$"
COUNTER: Schema = {"type": "integer", "minimum": 0}
CAMPAIGN_TOKEN: Schema = {"type": "string", "pattern": r"^[0-9a-f]{32}$"}


def ref(name: str) -> Schema:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str, most: int, **more: Any) -> Schema:
    """A string of at most so many characters."""
    return {"type": "string", "maxLength": most, "description": description, **more}


def object_of(properties: Schema, required: Sequence[str] = (), **more: Any) -> Schema:
    """An object with these properties."""
    return {
        "type": "object",
        "properties": properties,
        **({"required": list(required)} if required else {}),
        **more,
    }


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}
