"""The shapes of all bodies, as JSON Schema by name; those of a few lines stand in the page that uses them."""

from __future__ import annotations

from openrate.web.openapi import (
    audience_schemas,
    campaign_schemas,
    errors,
    fact_schemas,
    installation_schemas,
    operations,
    sending,
    statistics_schemas,
)
from openrate.web.openapi.shapes import INSTALLATION_ID, Schema, ref

__all__ = ["INSTALLATION_ID", "SCHEMAS", "ref"]

SCHEMAS: dict[str, Schema] = {
    **errors.SCHEMAS,
    **campaign_schemas.SCHEMAS,
    **statistics_schemas.SCHEMAS,
    **installation_schemas.SCHEMAS,
    **fact_schemas.SCHEMAS,
    **audience_schemas.SCHEMAS,
    **sending.SCHEMAS,
    **operations.SCHEMAS,
}
