"""The program as its users have it: processes, sockets, files."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from openrate import cli

OPENRATE = [sys.executable, "-m", "openrate"]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("OPENRATE_") and name not in {"COLUMNS", "LINES"}
}
"""Our own, without settings, and without the size of a terminal, which a test's own terminal knows."""
_SECONDS = 60

# A command is a process of its own, forked from one that has imported everything and done nothing:
# starting Python anew for each would make the tests three times as long.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["openrate.cli", "openrate.compose.server"])


class Done(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


def openrate(*arguments: str, stdin: str = "", **environment: str) -> Done:
    """Run a command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        files[0].write_text(stdin)
        process = _FORKS.Process(target=_run, args=(arguments, ENVIRONMENT | environment, files))
        process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"openrate {' '.join(arguments)} takes longer than {_SECONDS} s.")
        return Done(process.exitcode, files[1].read_text(), files[2].read_text())


def _run(arguments: tuple[str, ...], environment: dict[str, str], files: list[Path]) -> None:
    """In the new process: the command, with these as its standard files."""
    for number, file in enumerate(files):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a file descriptor, for as long as we live
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["openrate", *arguments]
    cli.main()


def answer(*arguments: str) -> Any:
    """What a command with --json prints; it must succeed."""
    done = openrate(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def refusal(*arguments: str, code: int = 1, **environment: str) -> str:
    """The one sentence of a command that must fail with that exit code."""
    done = openrate(*arguments, **environment)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


class Server(NamedTuple):
    """A server that runs."""

    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def server(data: Path, **environment: str) -> Iterator[Server]:
    """``openrate serve`` on a free port; ends with SIGTERM, which must go well."""
    log = data.with_name(data.name + ".log")
    with (
        log.open("a") as stderr,
        subprocess.Popen(
            [*OPENRATE, "serve", "--data", str(data), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=ENVIRONMENT | environment,
        ) as process,
    ):
        try:
            assert process.stdout
            said = process.stdout.readline()
            assert said.startswith("Openrate listens on http://"), log.read_text()
            yield Server(process, said.split()[-1])
            if process.poll() is None:
                process.terminate()
                assert process.wait(10) == 0, log.read_text()
        finally:
            process.kill()


def children(process: int) -> list[int]:
    """The processes that one has started and that still run."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for listed in lists for child in listed.read_text().split() if is_running(int(child))]


def is_running(process: int) -> bool:
    """Whether there is such a process and it has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Shop(NamedTuple):
    """An app made by the command line, and how to speak to it."""

    data: Path
    keys: dict[str, str]

    @classmethod
    def create(cls, data: Path, *more: str) -> Shop:
        options = ("--company", "Acme", "--name", "Shop", "--platform", "ios", *more)
        return cls(data, answer("app", "create", *options, "--data", str(data)))

    def call(self, server: Server, path: str, content: Any = None) -> Any:
        """One call with the REST key: POST with content, GET without; it must succeed."""
        headers = {"X-Authorization": self.keys["rest_api_key"]}
        method = "GET" if content is None else "POST"
        url = server.address + path.format(key=self.keys["live_key"])
        done = httpx.request(method, url, headers=headers, json=content, timeout=30)
        assert done.status_code in {200, 201}, done.text
        return done.json()

    def campaign(
        self, server: Server, *, versions: bool = False, push_time: str = "2026-03-10T10:00:00"
    ) -> str:
        """Create a campaign."""
        text = [{"body": "Hello"}]
        body = {
            "name": "Spring sale",
            "live": True,
            "push_time": push_time,
            "messages": {"a": text, "b": text} if versions else text,
        }
        return str(self.call(server, "/1.1/{key}/campaigns/create", body)["campaign_token"])

    def import_installations(self, server: Server, push_tokens: list[str]) -> None:
        """Bring installations with these push tokens from elsewhere."""
        rows = [
            {"platform": "ios", "installation_id": f"i{number}", "push_token": token}
            for number, token in enumerate(push_tokens)
        ]
        done = httpx.post(
            f"{server.address}/v1/{self.keys['live_key']}/installations/import",
            content=msgspec.json.Encoder().encode_lines(rows),
            headers={"X-Authorization": self.keys["rest_api_key"], "Content-Type": "application/x-ndjson"},
            timeout=120,
        )
        assert done.status_code == 200, done.text

    def report(self, server: Server, events: list[dict[str, Any]]) -> None:
        """Report facts, all of which must be accepted."""
        took = self.call(server, "/v1/{key}/events", events)
        assert took == {"accepted": len(events), "rejected": 0, "errors": []}

    def stats(self, server: Server, token: str) -> Any:
        """Ask for the statistics."""
        return self.call(server, f"/1.1/{{key}}/campaigns/stats/{token}")
