"""The documents are tested like code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openrate.config import Settings
from openrate.demo_facts import documented
from openrate.examples import AB, PLAIN, StatsCall
from program import ENVIRONMENT, OPENRATE, Shop, server
from test_cli import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


_CAPITALS = {
    "live_key": "LIVE_API_KEY",
    "rest_api_key": "REST_API_KEY",
    "campaign_token": "CAMPAIGN_TOKEN",
}


def done(command: str, given: dict[str, str], folder: Path) -> str:
    """What a command of a page prints, with these in the place of what it says; it must succeed."""
    for words, value in given.items():
        command = command.replace(words, value)
    ran = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        input="a long enough password\n",  # for the command that asks for one
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert ran.returncode == 0, f"{command}\n{ran.stderr}"
    return ran.stdout


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [link for link in _LINK.findall(page.read_text("utf-8")) if not link.startswith("http")]
    for target in targets:
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page.name} links to {target}"


@pytest.mark.parametrize("setting", Settings.__struct_fields__)
def test_every_setting_is_documented_with_its_default(setting: str) -> None:
    rows = re.findall(
        rf"^\| `OPENRATE_{setting.upper()}` \| (.*?) \|", text("docs/operations.md"), re.MULTILINE
    )
    default = getattr(Settings(data=Path()), setting)
    number = f"{default:g}" if isinstance(default, float) else str(default)
    expected = "none" if setting == "data" or default in {None, ()} else f"`{number}`"
    assert rows == [expected]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_documented(path: tuple[str, ...]) -> None:
    assert f"`openrate {' '.join(path)}`" in text("docs/operations.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    mentioned = re.findall(r"openrate ((?:[a-z]+(?:-[a-z]+)* ?)+)", page.read_text("utf-8"))
    nouns = {path[0] for path in COMMANDS}
    for words in mentioned:
        path = tuple(words.split())
        if path[0] in nouns:
            assert any(path[: len(known)] == known or known[: len(path)] == path for known in COMMANDS), words


def test_every_target_of_make_that_is_mentioned_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for page in PAGES:
        mentioned = re.findall(r"(?:`|^)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
        assert set(mentioned) <= targets, page


def test_the_readme_begins_with_two_commands() -> None:
    first = _FENCE.search(text("README.md"))
    assert first
    assert first[2].split("\n") == ["make demo", "make test", ""]
    assert len(text("README.md")[: first.start()].strip().split("\n\n")[1].splitlines()) == 5


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour uses curl")
def test_the_tour_of_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    tour = text("README.md").partition("## A short tour")[2].partition("## Where to read on")[0]
    commands = re.split(r"\n+(?=\.venv|curl)", "\n".join(code for _, code in _FENCE.findall(tour)))
    with server(tmp_path / "data") as running:
        given = {
            ".venv/bin/openrate": " ".join(OPENRATE),
            "http://127.0.0.1:8000": running.address,
            "curl": "curl --silent --show-error --fail",
        }
        everything = ""
        for command in commands:
            said = done(command, given, tmp_path)
            everything += said
            learned = re.findall(r'(live_key|rest_api_key|campaign_token)"?[: ]+"?(\w+)', said)
            given |= {_CAPITALS[name]: value for name, value in learned}
    assert re.search(r"Last days \(Shop\).*^\S+ +1 +1 +0", everything, re.MULTILINE | re.DOTALL), everything
    assert "you@example.com" in everything


def test_the_page_about_the_statistics_call_shows_the_examples_as_they_are() -> None:
    shown = {
        language: code for language, code in _FENCE.findall(text("docs/statistics.md")) if language != "json"
    }
    call = StatsCall()
    assert shown == {"sh": call.curl, "python": call.python, "php": call.php}


def test_the_documented_answers_come_out_and_the_python_example_works(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "data")
    with server(tmp_path / "data") as running:
        plain, ab = shop.campaign(running), shop.campaign(running, versions=True)
        shop.report(running, documented(plain, PLAIN) + documented(ab, AB))
        assert shop.stats(running, plain)["detail"] == [PLAIN]
        assert shop.stats(running, ab)["detail"] == [AB]
        code = dict(_FENCE.findall(text("docs/statistics.md")))["python"]
        for placeholder, value in (
            ("http://127.0.0.1:8000", running.address),
            ("LIVE_API_KEY", shop.keys["live_key"]),
            ("REST_API_KEY", shop.keys["rest_api_key"]),
            ("CAMPAIGN_TOKEN", plain),
        ):
            code = code.replace(placeholder, value)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT
        )
    assert done.stdout == "2015-11-20  754 sent  26.5% opened\n"


def test_the_documented_rows_are_those_of_the_interface() -> None:
    for page in ("docs/http-api.md", "docs/statistics.md"):
        squeezed = re.sub(r"\s", "", text(page))
        for row in (PLAIN, AB):
            assert re.sub(r"[\s']", "", str(row)) in squeezed.replace('"', ""), page


def test_every_dependency_is_explained() -> None:
    wanted = re.search(r"^dependencies = \[(.*?)\]", text("pyproject.toml"), re.DOTALL | re.MULTILINE)
    assert wanted
    names = re.findall(r'"([a-z-]+)>=', wanted[1])
    explained = re.findall(r"^\| ([a-z-]+) \|", text("docs/dependencies.md"), re.MULTILINE)
    assert sorted(explained) == sorted(names)


def test_the_two_pages_of_the_specification_are_linked_from_the_readme() -> None:
    links = _LINK.findall(text("README.md"))
    assert {"docs/metrics.md", "docs/http-api.md", "docs/statistics.md", "docs/operations.md"} <= set(links)
