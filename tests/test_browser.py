"""The browser that the other tests drive."""

from __future__ import annotations

import asyncio

from playwright.sync_api import Page, Route

from browser import axe_violations

_ADDRESS = "https://shop.example/"
_BARRIERS = '<html lang="en"><title>Shop</title><main><h1>Shop</h1><img id="hat" src="data:,"></main>'


def _show(page: Page, body: str) -> None:
    def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": "default-src 'none'"}
        route.fulfill(body=body, content_type="text/html", headers=headers)

    page.route(_ADDRESS, answer)
    page.goto(_ADDRESS)


def test_axe_finds_a_picture_without_words_in_a_page_that_allows_no_script(page: Page) -> None:
    _show(page, _BARRIERS)
    assert axe_violations(page) == ["critical: image-alt: Images must have alternative text at #hat"]


def test_axe_has_nothing_against_a_page_without_barriers(page: Page) -> None:
    _show(page, _BARRIERS.replace("<img", '<img alt="A hat"'))
    assert axe_violations(page) == []


def test_other_tests_may_run_loops_after_one_with_a_browser() -> None:
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"
