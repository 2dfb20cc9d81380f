"""Imports go one way (CONTRIBUTING.md, "How the code reads")."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import openrate

ROOT = Path(openrate.__file__).parent
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
VOCABULARY = {"model", "errors", "conditions"}
MIDDLE = {
    "activity",
    "attribution",
    "audience",
    "campaign_parameters",
    "campaigns",
    "commands",
    "companies",
    "control",
    "credentials",
    "delivery",
    "events",
    "explanation",
    "folder",
    "ingest",
    "inspections",
    "installation_import",
    "installations",
    "messages",
    "overview",
    "refusals",
    "people",
    "registration",
    "schedule",
    "stats",
    "stats_csv",
    "times",
}
EDGES = {"providers", "storage", "web"}
"""They are next to each other: none may know another."""
SHARED = {"config", "payloads", "ports"}
DEMO = {"demo", "demo_facts", "examples"}
"""A program that uses the server from outside: it may know how to print, and nothing within."""

MAY_IMPORT = {
    "__init__": set[str](),
    "model": set[str](),
    "errors": set[str](),
    "conditions": set[str](),
    "ports": VOCABULARY | {"ports"},
    "config": VOCABULARY,
    "payloads": VOCABULARY,
    "logs": set[str](),
    **dict.fromkeys(MIDDLE, VOCABULARY | SHARED | MIDDLE),
    "providers": VOCABULARY | SHARED | {"credentials", "providers"},
    "storage": VOCABULARY | SHARED | {"attribution", "audience", "storage"},
    "web": VOCABULARY | SHARED | MIDDLE - {"control", "folder"} | {"examples", "web", "__init__"},
    **dict.fromkeys(DEMO, {"errors"} | DEMO),
    "compose": VOCABULARY | SHARED | MIDDLE | EDGES | {"compose", "logs"},
    "cli": VOCABULARY
    | SHARED
    | {"commands", "control", "folder", "stats"}
    | {"compose", "demo", "cli", "__init__"},
    "__main__": {"cli"},
}


def layer(module: Path) -> str:
    return module.parts[0].removesuffix(".py")


def imported(module: Path) -> Iterator[str]:
    """The top-level names inside the package that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse((ROOT / module).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "openrate":
            names = [f"openrate.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            names = [node.module or ""]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "openrate":
                top = rest.partition(".")[0]
                yield "__init__" if top in {"", "__version__"} else top


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_what_lies_below_it(module: Path) -> None:
    wrong = {name for name in imported(module) if name not in MAY_IMPORT[layer(module)]}
    assert not wrong, f"{module} imports {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_import_hides_in_a_function(module: Path) -> None:
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    hidden = [
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, f"{module} imports inside functions, in lines {hidden}"


def test_only_compose_names_adapters() -> None:
    namers = {layer(m) for m in MODULES if layer(m) not in EDGES and EDGES & set(imported(m))}
    assert namers == {"compose"}


def test_a_command_that_asks_a_running_server_loads_neither_stores_nor_web() -> None:
    heavy = {"alembic", "duckdb", "granian", "litestar", "numpy", "plotext", "sqlalchemy"}
    show = "import sys, openrate.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert not heavy & set(loaded.stdout.split())
