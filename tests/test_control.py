"""The data folder's lock and the socket that takes commands."""

from __future__ import annotations

import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openrate.control import COMMAND_LINE, ControlSocket, Handle, Line, Talk, dial
from openrate.errors import OpenrateError, StoreBusy, StoreError, UsageError
from openrate.folder import SERVE, DataFolder, existing, held, made


class Ask(msgspec.Struct):
    word: str


class Heard:
    """What was said before the result."""

    by = COMMAND_LINE

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []
        self.parts: list[Any] = []

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def items(self, items: list[Any]) -> None:
        self.parts += items


@contextmanager
def listening(path: Path, handle: Handle) -> Iterator[Line]:
    server = ControlSocket(path, handle)
    line = dial(path)
    assert line is not None
    try:
        yield line
    finally:
        line.close()
        server.close()


def echo(line: bytes, _talk: Talk) -> Any:
    return msgspec.json.decode(line)["word"]


def failing(error: Exception) -> Handle:
    def handle(_line: bytes, _talk: Talk) -> Any:
        raise error

    return handle


def test_a_result_comes_back_and_the_line_stays_good_for_more(tmp_path: Path) -> None:
    with listening(tmp_path / "s", echo) as line:
        assert [line.ask(Ask(word), Heard()) for word in "ab"] == ["a", "b"]


def test_progress_and_items_come_before_the_result(tmp_path: Path) -> None:
    def handle(_line: bytes, talk: Talk) -> Any:
        talk.progress(1, 2)
        talk.items([{"n": 1}])
        talk.items([{"n": 2}])

    heard = Heard()
    with listening(tmp_path / "s", handle) as line:
        assert line.ask(Ask("x"), heard) is None
    assert heard.steps == [(1, 2)]
    assert heard.parts == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("error", "kind"), [(StoreError("Full."), OpenrateError), (UsageError("No."), UsageError)]
)
def test_an_error_comes_back_as_its_sentence(tmp_path: Path, error: Exception, kind: type[Exception]) -> None:
    with listening(tmp_path / "s", failing(error)) as line, pytest.raises(kind, match=str(error)):
        line.ask(Ask("x"), Heard())


def test_a_fault_of_ours_is_one_sentence_without_what_it_was_about(tmp_path: Path) -> None:
    with (
        listening(tmp_path / "s", failing(KeyError("secret"))) as line,
        pytest.raises(OpenrateError, match="its log has more") as raised,
    ):
        line.ask(Ask("x"), Heard())
    assert "secret" not in str(raised.value)


def test_the_socket_is_the_owners_alone(tmp_path: Path) -> None:
    with listening(tmp_path / "s", echo):
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    with listening(deep / "control.sock", echo) as line:
        assert line.ask(Ask("a"), Heard()) == "a"


def test_nobody_answers_where_there_is_no_socket(tmp_path: Path) -> None:
    assert dial(tmp_path / "s") is None


def test_the_socket_of_a_killed_server_is_nobody_and_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "s"))
    left.close()
    assert dial(tmp_path / "s") is None
    with listening(tmp_path / "s", echo) as line:
        assert line.ask(Ask("a"), Heard()) == "a"


def test_closing_ends_a_command_under_way_with_a_sentence(tmp_path: Path) -> None:
    begun = threading.Event()

    def handle(_line: bytes, talk: Talk) -> Any:
        begun.set()
        while True:
            time.sleep(0.01)
            talk.progress(0, 1)

    server = ControlSocket(tmp_path / "s", handle)
    line = dial(tmp_path / "s")
    assert line is not None

    def close() -> None:
        begun.wait()
        server.close()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(OpenrateError, match="stopping"):
        line.ask(Ask("x"), Heard())
    closer.join()
    line.close()
    assert not (tmp_path / "s").exists()


def test_hanging_up_ends_the_command(tmp_path: Path) -> None:
    ended = threading.Event()

    def handle(_line: bytes, talk: Talk) -> Any:
        try:
            while True:
                talk.progress(0, 1)
        finally:
            ended.set()

    class HangUp(Heard):
        def progress(self, done: int, total: int) -> None:  # noqa: ARG002 - whatever it is
            raise KeyboardInterrupt

    with listening(tmp_path / "s", handle) as line:
        with pytest.raises(KeyboardInterrupt):
            line.ask(Ask("x"), HangUp())
        line.close()
        assert ended.wait(5)


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    folder = made(tmp_path / "new" / "data")
    with held(folder, SERVE), pytest.raises(StoreBusy, match=r"in use by openrate serve \(process \d+\)"):
        _enter(held, folder)
    _enter(held, folder)


def test_a_short_command_is_waited_for(tmp_path: Path) -> None:
    folder = made(tmp_path)
    inside = threading.Event()

    def briefly() -> None:
        with held(folder, "openrate app list"):
            inside.set()
            time.sleep(0.2)

    thread = threading.Thread(target=briefly)
    thread.start()
    inside.wait()
    _enter(held, folder)
    thread.join()


def test_a_mistyped_folder_is_said_to_be_empty_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no Openrate data"):
        existing(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        made(tmp_path / "file" / "data")


def _enter(hold: Callable[..., Any], folder: DataFolder) -> None:
    with hold(folder, SERVE):
        pass
