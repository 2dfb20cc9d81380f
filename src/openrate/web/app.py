"""The HTTP interface, put together: doors, routes, front."""

from __future__ import annotations
