"""The pages that people look at: server-rendered, for one company each, behind a sign-in."""

from __future__ import annotations

from openrate.web.pages.routes import pages

__all__ = ["pages"]
