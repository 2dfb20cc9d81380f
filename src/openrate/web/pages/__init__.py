"""The pages that people look at: server-rendered, for one company each, behind a sign-in."""

from __future__ import annotations

from openrate.web.pages.routes import Pages

__all__ = ["Pages"]
