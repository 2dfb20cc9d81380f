"""What takes long to load, loaded when a command first uses it, as ``late.stores`` and so on.

The stores take 0.4 s and the web server as long again. A command that asks a running server needs neither.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openrate import demo
    from openrate.cli import plot
    from openrate.compose import server, stores

__all__ = ["demo", "plot", "server", "stores"]

_MODULES = {
    "demo": "openrate.demo",
    "plot": "openrate.cli.plot",
    "server": "openrate.compose.server",
    "stores": "openrate.compose.stores",
}


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(name)
    return import_module(_MODULES[name])
