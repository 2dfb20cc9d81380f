"""The data folder: what lies where, and that one process at a time works in it.

DIR/
  records.db     companies, apps, keys, campaigns, installations
  facts.duckdb   the facts and the day rows derived from them
  control.sock   where the running server takes commands
  credentials.key  seals provider credentials, unless OPENRATE_CREDENTIALS_KEY does
  lock           held by the process that has the facts file open; names it
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from openrate.errors import StoreBusy, StoreError

SERVE = "openrate serve"
_PATIENCE = 10.0
"""Seconds to wait for a short command that holds the folder; a server is not waited for."""
_PAUSE = 0.05


class DataFolder(NamedTuple):
    """Names inside the data folder."""

    path: Path

    @property
    def records(self) -> Path:
        """The SQLite database."""
        return self.path / "records.db"

    @property
    def facts(self) -> Path:
        """The DuckDB file."""
        return self.path / "facts.duckdb"

    @property
    def credentials_key(self) -> Path:
        """The key that seals provider credentials, apart from the database that holds them."""
        return self.path / "credentials.key"

    @property
    def control(self) -> Path:
        """The socket of the running server."""
        return self.path / "control.sock"

    @property
    def lock(self) -> Path:
        """The file whose lock says that somebody works here."""
        return self.path / "lock"


def existing(path: Path) -> DataFolder:
    """The folder, which must have been used before.

    Raises:
        StoreError: there are no records in it, most likely the path was mistyped; or it cannot be looked into.
    """
    folder = DataFolder(path)
    try:
        is_there = folder.records.exists()
    except OSError as error:
        raise StoreError(f"The data folder {path} cannot be used: {error.strerror}.") from None
    if not is_there:
        raise StoreError(f"{path} holds no Openrate data: check --data, or begin with openrate app create.")
    return folder


def made(path: Path) -> DataFolder:
    """The folder, made for this user alone when it is not there.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The data folder {path} cannot be made: {error.strerror}.") from None
    return DataFolder(path)


@contextmanager
def held(folder: DataFolder, purpose: str, option: str = "--data") -> Iterator[None]:
    """Hold the folder for this process alone; the kernel lets go of it when the process dies.

    Args:
        folder: what to hold.
        purpose: the command, for the sentence that others get.
        option: what names another folder, for the sentence when this one is held.

    Raises:
        StoreBusy: another process holds it. A short command is waited for, a server is not.
        StoreError: the folder cannot be written.
    """
    try:
        handle = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"The data folder {folder.path} cannot be used: {error.strerror}.") from None
    try:
        _wait_for(handle, folder, option)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()} {purpose}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def is_held_by_server(folder: DataFolder) -> bool:
    """Whether the one who holds the folder is a server; of a folder that nobody holds, who held it last."""
    return _holder(folder)[1] == SERVE


def _wait_for(handle: int, folder: DataFolder, option: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if is_held_by_server(folder) or time.monotonic() > deadline:
                raise StoreBusy(_busy(folder, option)) from None
            time.sleep(_PAUSE)
        else:
            return


def _holder(folder: DataFolder) -> tuple[str, str]:
    """Process id and command of who holds the folder, or held it last."""
    try:
        number, _, purpose = folder.lock.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    except OSError:
        return "", ""
    return number, purpose


def _busy(folder: DataFolder, option: str) -> str:
    number, purpose = _holder(folder)
    who = f"{purpose} (process {number})" if purpose else "another process"
    return f"The data folder {folder.path} is in use by {who}: stop that first, or give another {option}."
