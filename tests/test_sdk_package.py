"""The browser SDK as a package: what it weighs, and that its types say what it does."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tomllib
from pathlib import Path

from browser import NODE_MODULES, require
from visitor import ROOT

SDK = ROOT / "sdk/web"
_USES = """
import openrate from "openrate";
import inNode = require("openrate");
const options: openrate.Options = { server: "https://push.example.com", sdkKey: "SDK_KEY" };
const id: string | null = await openrate.start({ ...options, vapidKey: "VAPID" });
const willCome: boolean = await openrate.subscribe();
const { waiting, installationId }: openrate.State = await openrate.state();
await openrate.report({ type: "push_open", campaign_token: "…", send_id: "…" });
await openrate.stop();
// @ts-expect-error the SDK key is missing
openrate.start({ server: "https://push.example.com" });
"""


def typescript(folder: Path, *arguments: str) -> str:
    """What the compiler has against these; nothing, it is hoped."""
    compiler = NODE_MODULES / ".bin/tsc"
    require(shutil.which("node") and compiler.exists(), "There is no TypeScript")
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext")
    done = subprocess.run(
        [compiler, *options, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_page_and_worker_together_take_less_than_4_kb() -> None:
    sizes = [len(gzip.compress((SDK / name).read_bytes(), 9)) for name in ("openrate.js", "openrate-sw.js")]
    assert sum(sizes) < 4000, sizes


def test_the_package_has_the_version_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    package = json.loads((SDK / "package.json").read_text("utf-8"))
    assert package["version"] == project["version"]
    assert all((SDK / name).exists() for name in [*package["files"], package["main"], package["types"]])


def test_the_types_say_how_it_is_used(tmp_path: Path) -> None:
    shutil.copytree(SDK, tmp_path / "node_modules/openrate")
    (tmp_path / "page.mts").write_text(_USES)
    assert typescript(tmp_path, "page.mts") == ""


def test_it_can_be_loaded_where_there_is_no_browser() -> None:
    require(shutil.which("node"), "There is no Node")
    program = "console.log(Object.keys(require('./openrate.js')).join(' '))"
    done = subprocess.run(["node", "-e", program], cwd=SDK, capture_output=True, text=True, check=True)
    assert done.stdout == "start subscribe stop state report sync\n"
