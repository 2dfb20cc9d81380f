"""A real browser for every test: the fixtures ``browser``, ``context`` and ``page``, and what axe finds.

A plugin of pytest, named in conftest.py. The browser is the system's Chromium. Where there is none, tests that want
it are skipped, and fail if ``CI`` is ``true``.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NODE_MODULES = Path(__file__).parent / "pages/node_modules"
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 20_000
"""For each step in the browser: other tests keep the machine busy."""


def require(found: object, missing: str) -> None:
    """Skip the test, or fail it if ``CI`` is ``true``, when something that it needs is not there."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{missing} (make test installs it)", pytrace=False)
    pytest.skip(missing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that tests were left out."""
    if _CHROMIUM is None:
        terminalreporter.write_line("No Chromium: the tests that need a browser were left out.", red=True)


class _Started(NamedTuple):
    browser: Browser
    loop: AbstractEventLoop


@pytest.fixture(scope="session")
def _started() -> Iterator[_Started]:
    """Chromium, once in each process of the tests."""
    require(_CHROMIUM, "There is no Chromium")
    driver = sync_playwright().start()
    # Without a sandbox, which root in a container has no right to: it shows our own pages only.
    browser = driver.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS, chromium_sandbox=False)
    started = _Started(browser, asyncio.get_running_loop())
    _set_running(None)
    yield started
    _set_running(started.loop)
    browser.close()
    driver.stop()


def _set_running(loop: AbstractEventLoop | None) -> None:
    """Between tests Playwright's loop stands still, and other tests have loops of their own in this thread."""
    asyncio._set_running_loop(loop)


@pytest.fixture
def browser(_started: _Started) -> Iterator[Browser]:
    """Chromium. A test that wants contexts of its own closes them."""
    _set_running(_started.loop)
    yield _started.browser
    _set_running(None)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of the browser: no cookies, nothing stored, no permissions."""
    with browser.new_context() as context:
        context.set_default_timeout(_PATIENCE_MS)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()


def axe_violations(page: Page) -> list[str]:
    """What axe-core (WCAG 2 A and AA, and its good practices) has against the page as it is shown now.

    A line for each kind, such as ``serious: color-contrast: Elements must meet … at #total``. It goes past the page's
    content security policy without changing it.
    """
    axe = NODE_MODULES / "axe-core/axe.min.js"
    require(axe.exists(), "There is no axe-core")
    session = page.context.new_cdp_session(page)
    run = f"{axe.read_text('utf-8')}; axe.run()"
    answer = session.send(
        "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True}
    )
    session.detach()
    assert "exceptionDetails" not in answer, answer
    return [_said(found) for found in answer["result"]["value"]["violations"]]


def _said(found: dict[str, Any]) -> str:
    places = ", ".join(" ".join(map(str, node["target"])) for node in found["nodes"])
    return f"{found['impact']}: {found['id']}: {found['help']} at {places}"
