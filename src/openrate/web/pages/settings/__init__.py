"""Settings: apps and their keys, REST keys, credentials, windows, people, and who changed what."""

from __future__ import annotations

from openrate.web.pages.settings.routes import settings_routes

__all__ = ["settings_routes"]
