"""The document at ``/openapi.json``."""

from __future__ import annotations

from typing import Any

from openrate import __version__
from openrate.web.openapi import audiences, campaigns, installations, operations, sending
from openrate.web.openapi.errors import RESPONSES
from openrate.web.openapi.schemas import SCHEMAS

_ABOUT = (
    "Push campaigns and their statistics. `/1.1` is wire-compatible with the Batch Campaigns API 1.1; "
    "`/v1` is what a self-hosted server needs beside it. Every error is JSON of the same three fields, every "
    "answer has an `X-Request-Id`, a trailing slash is accepted and unknown query parameters are ignored."
)

_SECURITY = {
    "restKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Authorization",
        "description": "A REST API key: a company's secret, for servers. It opens all apps of that company.",
    },
    "installationToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "An installation token: a device speaks for itself with it, and for no one else.",
    },
    "metricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "What `OPENRATE_METRICS_TOKEN` says; not needed on the machine itself.",
    },
}


def document() -> dict[str, Any]:
    """The whole description, as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Openrate",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Campaigns", "description": "Create, change, list, read; the statistics."},
            {"name": "Installations and facts", "description": "Who there is, and what happened."},
            {"name": "Audiences", "description": "Whom a campaign goes to."},
            {"name": "Sending", "description": "How far what we send is."},
            {"name": "Operations", "description": "For those who run the server."},
        ],
        "paths": {
            **campaigns.PATHS,
            **installations.PATHS,
            **audiences.PATHS,
            **sending.PATHS,
            **operations.PATHS,
        },
        "components": {"schemas": SCHEMAS, "responses": RESPONSES, "securitySchemes": _SECURITY},
    }
