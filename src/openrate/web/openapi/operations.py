"""Health, figures and the description itself, as OpenAPI paths."""

from __future__ import annotations

from typing import Any

from openrate.web.openapi.errors import HEADERS, errors, success
from openrate.web.openapi.shapes import Schema, object_of, ref


def _read(identity: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "get": {
            "operationId": identity,
            "summary": summary,
            "tags": ["Operations"],
            "security": [],
            "responses": responses,
            **more,
        }
    }


def _of_type(description: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "headers": HEADERS, "content": {media_type: {"schema": schema}}}


SCHEMAS: dict[str, Schema] = {"Status": object_of({"status": {"type": "string"}}, ["status"])}

PATHS: dict[str, Any] = {
    "/healthz": _read(
        "alive",
        "Does the process live",
        {"200": success("It does.", ref("Status"), {"status": "alive"}), **errors()},
    ),
    "/readyz": _read(
        "ready",
        "Can it store and answer",
        {"200": success("It can; 503 says why not.", ref("Status"), {"status": "ready"}), **errors()},
    ),
    "/metrics": _read(
        "metrics",
        "Figures for Prometheus",
        {
            "200": _of_type("The text format.", "text/plain", {"type": "string"}),
            **errors(401, 403),
        },
        security=[{}, {"metricsToken": []}],
        description="For this machine only, unless OPENRATE_METRICS_TOKEN is set and sent as a bearer token.",
    ),
    "/openapi.json": _read(
        "openapi",
        "This description",
        {"200": _of_type("OpenAPI 3.1.", "application/json", {"type": "object"}), **errors()},
    ),
    "/docs": _read(
        "docs",
        "This description as a page",
        {"200": _of_type("HTML that loads nothing else.", "text/html", {"type": "string"}), **errors()},
    ),
}
