"""What people see of a send: while they watch it in a terminal of their width, and when they ask later."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from program import ENVIRONMENT, OPENRATE, Server, Shop, answer, openrate, refusal, server
from sending import wait_until

LONG = "The great big spring sale of all our shops in Europe, the Americas and Asia, at half the price"
HELD = "The stub was told that its credentials are refused."
PROGRESS = "campaign", "progress"
SEND = "campaign", "send"


class Place(NamedTuple):
    """A shop that we send for with the stub, and its server."""

    shop: Shop
    running: Server

    @property
    def data(self) -> tuple[str, str]:
        return "--data", str(self.shop.data)

    def campaign(self, **parameters: Any) -> str:
        """A campaign that is not live yet."""
        body = {"name": "Spring sale", "live": False, "messages": [{"body": "Hello"}], **parameters}
        return str(self.shop.call(self.running, "/1.1/{key}/campaigns/create", body)["campaign_token"])

    def change(self, token: str, what: str, **parameters: Any) -> None:
        self.shop.call(self.running, f"/1.1/{{key}}/campaigns/{what}/{token}", parameters)


def shop_with(data: Path, push_tokens: list[str]) -> Iterator[Place]:
    shop = Shop.create(data, "--sender", "openrate")
    answer(
        "app", "credentials", "set", "--app", shop.keys["live_key"], "--provider", "stub", "--data", str(data)
    )
    with server(data) as running:
        shop.import_installations(running, push_tokens)
        yield Place(shop, running)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    yield from shop_with(tmp_path_factory.mktemp("watch") / "data", ["one", "two", "three"])


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One whose sends wait, with a reason."""
    yield from shop_with(tmp_path_factory.mktemp("held") / "data", ["stub:held"])


class Seen(NamedTuple):
    """What was shown on a terminal until it showed the awaited, as one text, then what Ctrl-C left."""

    shown: str
    left: str
    returncode: int


def watched(token: str, place: Place, awaited: str, width: int = 80) -> Seen:
    """``campaign send --watch`` in a terminal; ended with Ctrl-C when it shows what is awaited."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, width))
    with subprocess.Popen(
        [*OPENRATE, *SEND, token, "--watch", *place.data],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=ENVIRONMENT | {"TERM": "xterm"},
        # Whoever runs the tests in the background ignores Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread of ours holds a lock
    ) as process:
        os.close(theirs)
        try:
            shown = b""
            while awaited.encode() not in shown:
                shown += os.read(ours, 65_536)
            process.send_signal(signal.SIGINT)
            left = b"".join(_rest(ours))
            returncode = process.wait(20)
        finally:
            process.kill()
    os.close(ours)
    return Seen(_words(shown), _words(left), returncode)


def _rest(terminal: int) -> Iterator[bytes]:
    """What is still shown; a terminal says with an error that nobody writes to it any more."""
    with suppress(OSError):
        while piece := os.read(terminal, 65_536):
            yield piece


def _words(shown: bytes) -> str:
    """Without what moves the cursor and colours the text."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode(errors="replace")).replace("\r", "\n")


def test_a_campaign_for_later_is_watched_with_its_time_and_counts_nobody(place: Place) -> None:
    token = place.campaign(push_time="2199-03-10T09:00:00")
    seen = watched(token, place, "Scheduled for 2199-03-10 09:00 UTC.")
    assert "recipients" not in seen.shown


def test_one_by_local_time_says_when_it_goes_on(place: Place) -> None:
    token = place.campaign(local_push_time="2199-01-01T00:00:00")
    seen = watched(token, place, "UTC.")
    assert "Scheduled for 2198-12-31 10:00 UTC." in seen.shown
    assert "recipients" not in seen.shown


def test_ctrl_c_says_that_the_sending_goes_on_and_how_to_see_it(place: Place) -> None:
    token = place.campaign(push_time="2199-03-10T09:00:00")
    seen = watched(token, place, "Scheduled")
    assert seen.returncode == 130
    assert f"the sending goes on: openrate campaign progress {token} shows" in seen.left
    assert answer(*PROGRESS, token, *place.data)["state"] == "scheduled"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_reason_and_a_long_name_leave_the_bar_its_line(held: Place, width: int) -> None:
    token = held.campaign(name=LONG, push_time="now")
    seen = watched(token, held, HELD, width)
    lines = [line.strip() for line in seen.shown.split("\n")]
    assert max(map(len, lines)) <= width
    assert HELD in lines
    assert any(line.startswith(LONG[: width - 1]) for line in lines)
    assert any(re.fullmatch(r"━+ 0 of 1 recipients .*", line) for line in lines)


def test_a_reason_stands_below_the_table(held: Place) -> None:
    token = held.campaign(push_time="now")
    answer(*SEND, token, *held.data)
    wait_until(lambda: answer(*PROGRESS, token, *held.data)["reason"] is not None)
    lines = openrate(*PROGRESS, token, *held.data).stdout.splitlines()
    assert lines[-1].endswith(f": {HELD}")
    assert max(len(line.rstrip()) for line in lines[:-1]) <= 80


def test_who_watches_through_a_pipe_reads_once_when_it_is_due(place: Place) -> None:
    token = place.campaign(push_time="2199-03-10T09:00:00")
    command = [*OPENRATE, *SEND, token, "--watch", *place.data]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True) as process:
        assert process.stderr
        first = process.stderr.readline()
        place.change(token, "update", live=False)
        rest = process.stderr.read()
    assert (first, rest) == ("Spring sale: Scheduled for 2199-03-10 09:00 UTC.\n", "")


def test_watching_ends_with_the_campaign(place: Place) -> None:
    done = openrate(*SEND, place.campaign(push_time="now"), "--watch", *place.data)
    assert done.returncode == 0
    assert "Spring sale: completed" in done.stdout


def test_a_completed_campaign_is_not_sent_again(place: Place) -> None:
    token = place.campaign(push_time="now")
    openrate(*SEND, token, "--watch", *place.data)
    for _ in range(2):
        sentence = refusal(*SEND, token, *place.data)
        assert sentence.endswith("Spring sale was completed already: create a new campaign to send again.")
        place.change(token, "update", live=False)


def test_a_deleted_campaign_is_shown_as_deleted(held: Place) -> None:
    token = held.campaign(push_time="now")
    answer(*SEND, token, *held.data)
    held.change(token, "delete")
    assert answer(*PROGRESS, token, *held.data)["state"] == "deleted"
    assert answer("campaign", "show", token, *held.data)["state"] == "deleted"
    assert "was deleted" in refusal(*SEND, token, *held.data)


def test_without_a_server_people_learn_who_sends(tmp_path: Path) -> None:
    for place in shop_with(tmp_path / "data", []):
        token = place.campaign(push_time="2199-03-10T09:00:00")
    done = openrate(*SEND, token, *place.data)
    assert done.returncode == 0
    assert done.stdout.endswith("Scheduled for 2199-03-10 09:00 UTC.\n")
    assert done.stderr == "No server runs: it is sent only while openrate serve runs.\n"
    assert "start openrate serve" in refusal(*SEND, token, "--watch", *place.data)


def test_an_app_of_another_sender_is_told_how_to_change_that(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "data")
    with server(shop.data) as running:
        token = shop.campaign(running)
        place = Place(shop, running)
        sentence = refusal(*SEND, token, *place.data)
        assert f"openrate app set --app {shop.keys['live_key']} --sender openrate" in sentence
