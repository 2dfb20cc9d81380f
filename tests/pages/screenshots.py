"""Takes the pictures of the pages that the README shows (``make screenshots``), of the data that the demo leaves."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Page, sync_playwright

from program import OPENRATE, server

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "demo/data"
IMAGES = ROOT / "docs/images"
EMAIL = f"pictures-{secrets.token_hex(3)}@example.com"
PASSWORD = secrets.token_urlsafe(12)


class Picture(NamedTuple):
    """A page, and how it is looked at; sizes in CSS pixels."""

    name: str
    path: str
    scheme: Literal["light", "dark"]
    width: int
    height: int


PICTURES = [
    Picture("campaigns", "", "light", 1200, 560),
    Picture("campaign", "/campaigns/{token}", "light", 1200, 1300),
    Picture("edit", "/campaigns/{token}/edit", "light", 1200, 1300),
    Picture("phone", "/campaigns/{token}", "dark", 390, 844),
]


def main() -> None:
    """Serve the demo's data, look at its pages, and leave a file for each."""
    person = ["--company", "Gazette", "--email", EMAIL, "--data", str(DATA)]
    subprocess.run([*OPENRATE, "user", "create", *person], input=PASSWORD, text=True, check=True)
    IMAGES.mkdir(exist_ok=True)
    with server(DATA) as running, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=False
        )
        for picture in PICTURES:
            page = chromium.new_page(
                color_scheme=picture.scheme, viewport={"width": picture.width, "height": picture.height}
            )
            token = signed_in(page, running.address)
            page.goto(running.address + (picture.path.format(token=token) or "/campaigns"))
            page.wait_for_timeout(1_500)  # until the charts are drawn
            page.screenshot(path=IMAGES / f"{picture.name}.png")
            page.close()
        chromium.close()


def signed_in(page: Page, address: str) -> str:
    """Sign in as a person does; returns the token of the A/B campaign."""
    page.goto(address + "/sign-in")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    href = page.get_by_role("link", name="Spring sale").get_attribute("href")
    assert href
    return href.rpartition("/")[2]


if __name__ == "__main__":
    main()
