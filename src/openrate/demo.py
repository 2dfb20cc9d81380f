"""``openrate demo``: a real server on a free port, facts over real HTTP, and numbers that must come out."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.rule import Rule as Line
from rich.syntax import Syntax
from rich.table import Table

from openrate.demo_facts import Event, Tokens, as_reported, documented, fortnight
from openrate.errors import OpenrateError
from openrate.examples import AB, PLAIN, Row, StatsCall

_BARS = "▁▂▃▄▅▆▇█"
_TEXT = [{"title": "Hello", "body": "There is something to see."}]
_SALE = {
    "a": [{"title": "20 % off today", "body": "Two days only: all coats and boots."}],
    "b": [{"title": "Spring sale", "body": "All coats and boots are cheaper until tomorrow."}],
}
_MARK = ".openrate-demo"
"""A file that says whose folder it is."""
_READER = "demo@example.com"
_EXAMPLE, _SDK = Path("examples/web"), Path("sdk/web")
"""The example site and what it uses, where the demo runs in a checkout."""
_PUSH_TIMES = {"push_time": "2026-03-02T07:00:00"}
_PATIENCE_S = 60
"""Seconds."""

Alone = Callable[[Path], AbstractContextManager[None]]


def run(keep: Path | None, alone: Alone) -> None:
    """Run the demo; about five seconds.

    Args:
        keep: where its data is left, so that its pages can be looked at; None leaves nothing.
        alone: sees that nobody works in the data of an older demo while it is removed.

    Raises:
        OpenrateError: a number is not what it must be, the server failed, or there is something else at ``keep``.
        StoreBusy: somebody works in the data of an older demo at ``keep``.
    """
    console = Console(width=None if sys.stdout.isatty() else 110)
    started = time.monotonic()
    with _folder(keep, alone) as folder, _server(folder) as address:
        console.print(f"[bold]openrate serve[/bold] listens on {address}, its data in {folder}")
        examples = _App.create(console, address, folder, "Example", "Documented")
        paper = _App.create(console, address, folder, "Gazette", "Reader")
        _show_documented(console, examples)
        _show_fortnight(console, paper)
        verified = _openrate(folder, "verify")
        password = _add_reader(folder)
        site = _add_site(folder) if keep and _EXAMPLE.exists() else None
    console.print(Line())
    console.print(
        "Both documented answers came out to the last digit, though every tenth fact was reported twice, "
        f"and all of them out of order.\n[bold]openrate verify[/bold]: {verified.strip()}\n"
        f"Done in {time.monotonic() - started:.0f} s."
    )
    if keep is None:
        console.print("The folder is gone. Now try: make serve")
    else:
        _show_way_in(console, folder, password, site)


@contextmanager
def _folder(keep: Path | None, alone: Alone) -> Iterator[Path]:
    """A folder for the demo alone: a temporary one, or ``keep``, where an older demo may have left its data."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="openrate-demo-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        if not (keep / _MARK).exists():
            raise OpenrateError(f"{keep} holds something else than an older demo: give another --keep.")
        data = keep / "data"
        with alone(data) if data.exists() else nullcontext():
            shutil.rmtree(keep)
    keep.mkdir(parents=True, exist_ok=True)
    (keep / _MARK).touch()
    yield keep


def _add_reader(folder: Path) -> str:
    """Somebody who may look at the pages; returns their password."""
    password = secrets.token_urlsafe(9)
    _openrate(folder, "user", "create", "--company", "Gazette", "--email", _READER, stdin=password)
    return password


def _add_site(folder: Path) -> str:
    """An app for browsers, which our sender sends for; returns where the example site finds it."""
    options = ["--company", "Gazette", "--name", "Hat shop", "--platform", "web", "--sender", "openrate"]
    app = msgspec.json.decode(_openrate(folder, "app", "create", *options, "--json"))
    options = ["--app", app["live_key"], "--provider", "webpush", "--subject", "mailto:demo@example.com"]
    known = msgspec.json.decode(_openrate(folder, "app", "credentials", "set", *options, "--json"))
    keys = {"server": "http://127.0.0.1:8000", "sdkKey": app["sdk_key"], "vapidKey": known["public_key"]}
    for part in (_EXAMPLE, _SDK):  # apart from the data, which is not to be served with them
        shutil.copytree(part, folder / "site" / part)
    return "http://127.0.0.1:8001/examples/web/?" + urlencode(keys)


def _show_way_in(console: Console, folder: Path, password: str, site: str | None) -> None:
    console.print("\nNow look at its pages:", style="bold")
    console.print(f"  {sys.argv[0]} serve --data {folder / 'data'}", highlight=False, soft_wrap=True)
    console.print(f"  http://127.0.0.1:8000 as {_READER} with the password {password}", soft_wrap=True)
    if site is not None:
        console.print("\nAnd make your browser an installation, on an example site:", style="bold")
        console.print(
            f"  {sys.executable} -m http.server 8001 --bind 127.0.0.1 --directory {folder / 'site'}",
            highlight=False,
            soft_wrap=True,
        )
        console.print(f"  {site}", highlight=False, soft_wrap=True)


class _App(NamedTuple):
    """An app of the demo, and how to call its server."""

    address: str
    live_key: str
    rest_key: str
    stats_call: StatsCall

    @classmethod
    def create(cls, console: Console, address: str, folder: Path, company: str, name: str) -> _App:
        """Make it by the command line, which asks the running server."""
        options = ["--company", company, "--name", name, "--platform", "ios"]
        made = msgspec.json.decode(_openrate(folder, "app", "create", *options, "--json"))
        console.print(f"[bold]openrate app create[/bold] {' '.join(options)}")
        call = StatsCall(address, made["live_key"], made["rest_api_key"])
        return cls(address, made["live_key"], made["rest_api_key"], call)

    def call(self, path: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
        """One request; the answer as JSON."""
        headers = {"X-Authorization": self.rest_key, "Content-Type": content_type}
        request = Request(self.address + path, data=body, headers=headers)  # noqa: S310 - our own server
        try:
            with urlopen(request, timeout=30) as response:  # noqa: S310 - the same
                return msgspec.json.decode(response.read())
        except HTTPError as error:
            raise OpenrateError(f"{path} answered {error.code}: {error.read().decode()}") from None

    def campaign(self, name: str, messages: Any, **parameters: Any) -> str:
        """Create a campaign; returns its token."""
        body = {"name": name, "live": True, "messages": messages, **_PUSH_TIMES, **parameters}
        made = self.call(f"/1.1/{self.live_key}/campaigns/create", msgspec.json.encode(body))
        return str(made["campaign_token"])

    def report(self, events: Sequence[Event]) -> int:
        """Report facts in four requests; returns how many were accepted."""
        accepted = 0
        for part in as_reported(events, 4):
            body = msgspec.json.Encoder().encode_lines(part)
            answer = self.call(f"/v1/{self.live_key}/events", body, "application/x-ndjson")
            if answer["rejected"]:
                raise OpenrateError(f"The server refused facts: {answer['errors'][0]['message']}")
            accepted += answer["accepted"]
        return accepted

    def behind(self) -> int:
        """How many facts are stored and not yet in the statistics."""
        with urlopen(self.address + "/metrics", timeout=30) as response:  # noqa: S310 - our own server
            figures = text_string_to_metric_families(response.read().decode())
        return next(int(each.samples[0].value) for each in figures if each.name == "openrate_log_behind")

    def stats(self, token: str) -> Any:
        """The statistics of a campaign."""
        return self.call(f"/1.1/{self.live_key}/campaigns/stats/{token}")


def _show_documented(console: Console, app: _App) -> None:
    """The two documented campaigns: the calls, then the answers, which must be the documented ones."""
    plain = app.campaign("The first example", _TEXT, push_time="2015-11-20T10:00:00")
    ab = app.campaign("The second example", {"a": _TEXT, "b": _TEXT}, push_time="2016-03-29T10:00:00")
    accepted = app.report(documented(plain, PLAIN) + documented(ab, AB))
    console.print(f"POST /1.1/…/campaigns/create twice, POST /v1/…/events: {accepted:,} facts accepted")
    call = app.stats_call._replace(token=plain)
    _show_calls(console, call)
    console.print(Line("The two documented answers", align="left"))
    for token, row in ((plain, PLAIN), (ab, AB)):
        answer = _settled(app, token)
        _show_json(console, answer)
        if answer != {"campaign_token": token, "detail": [row]}:
            raise OpenrateError(f"These numbers are wrong: expected {msgspec.json.encode(row).decode()}.")
    _run_python(call)


def _show_calls(console: Console, call: StatsCall) -> None:
    shown = (("cURL", "bash", call.curl), ("Python", "python", call.python), ("PHP", "php", call.php))
    for title, language, code in shown:
        console.print(Line(f"The statistics call in {title}", align="left"))
        _show_code(console, code.rstrip(), language)


def _show_json(console: Console, answer: Any) -> None:
    """An answer, with a line for each row and each version."""
    text = msgspec.json.format(msgspec.json.encode(answer), indent=0).decode()
    for place in ('"detail"', '"versions"', '"b"'):
        text = text.replace(f" {place}", f"\n  {place}")
    _show_code(console, text, "json")


def _show_code(console: Console, code: str, language: str) -> None:
    """Code in colours, whole: a line that is too long goes on in the next, and can be copied."""
    shown = Syntax(code, language, theme="ansi_dark", background_color="default").highlight(code)
    shown.rstrip()
    console.print(shown, soft_wrap=True)


def _run_python(call: StatsCall) -> None:
    """The printed Python must work as it is printed."""
    done = subprocess.run(  # noqa: S603 - our own example
        [sys.executable, "-c", call.python], capture_output=True, text=True, check=False, timeout=30
    )
    if "754 sent  26.5% opened" not in done.stdout:
        raise OpenrateError(f"The Python example does not work: {done.stdout}{done.stderr}")


def _show_fortnight(console: Console, app: _App) -> None:
    """A table of the open rates of three campaigns."""
    tokens = Tokens(
        news=app.campaign("Morning news", _TEXT, recurrence={"repeat_unit": "DAILY", "repeat_frequency": 1}),
        sale=app.campaign("Spring sale", _SALE),
        comeback=app.campaign("We miss you", _TEXT),
    )
    accepted = app.report(fortnight(tokens))
    console.print(Line(f"A fortnight of three campaigns: {accepted:,} facts", align="left"))
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for name in (
        "campaign",
        "days",
        "sent",
        "direct",
        "influenced",
        "re-engaged",
        "errors",
        "open rate",
        "by day",
    ):
        table.add_column(name, justify="left" if name in {"campaign", "by day"} else "right")
    for name, token in zip(("Morning news", "Spring sale", "We miss you"), tokens, strict=True):
        detail = _settled(app, token)["detail"]
        table.add_row(name, str(len(detail)), *_cells(detail), _sparkline([_rate(row) for row in detail]))
        for version in "ab" if "versions" in detail[0] else "":
            table.add_row(
                f"  version {version}", "", *_cells([row["versions"][version] for row in detail]), ""
            )
    console.print(table)


def _settled(app: _App, token: str) -> Any:
    """The statistics once every fact is in them: an acknowledged one may take a moment."""
    deadline = time.monotonic() + _PATIENCE_S
    while app.behind() and time.monotonic() < deadline:
        time.sleep(0.1)
    return app.stats(token)


def _cells(rows: Sequence[Row]) -> list[str]:
    names = ("sent", "direct_open", "influenced_open", "reengaged", "errors")
    totals = {name: sum(row.get(name, 0) for row in rows) for name in names}
    return [*(f"{totals[name]:,}" for name in names), f"{100 * _rate(totals):.1f} %"]


def _rate(row: Mapping[str, int]) -> float:
    return (row["direct_open"] + row["influenced_open"]) / row["sent"] if row["sent"] else 0.0


def _sparkline(rates: Sequence[float]) -> str:
    if len(rates) == 1:
        return ""
    most = max(rates) or 1
    return "".join(_BARS[round(rate / most * (len(_BARS) - 1))] for rate in rates)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """``openrate serve`` as a process of its own; gives its address and sees it end in good order."""
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "openrate", "serve", "--data", str(folder / "data"), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=_environment(),
        )
        try:
            said = server.stdout.readline() if server.stdout else ""
            if "http://" not in said:
                raise OpenrateError(f"The server did not start: {(folder / 'server.log').read_text()}")
            yield said.split()[-1]
            server.terminate()
            if server.wait(10) != 0:
                raise OpenrateError(f"The server ended badly: {(folder / 'server.log').read_text()}")
        finally:
            server.kill()
            server.wait()
            if server.stdout:
                server.stdout.close()


def _openrate(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run a command beside the server; returns what it printed."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "openrate", *arguments, "--data", str(folder / "data")],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
        timeout=60,
    )
    if done.returncode:
        raise OpenrateError(f"openrate {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Our own without settings, which are for another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENRATE_")}
