"""Credentials in the database: encrypted with a key that lies outside it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from openrate.credentials.kinds import Credentials, provider_of
from openrate.errors import StoreError, UsageError
from openrate.model import App, By
from openrate.ports.provider import CredentialStore

_decode_sealed = msgspec.json.Decoder(Credentials).decode


class Seal:
    """Encrypts credentials for the database, and opens them again.

    Args:
        key: 32 bytes as base64url, the form of ``OPENRATE_CREDENTIALS_KEY``.

    Raises:
        UsageError: the key has another form.
    """

    def __init__(self, key: str) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise UsageError(
                "The key for credentials is wrong: 32 bytes as base64url are accepted."
            ) from None

    def close(self, credentials: Credentials) -> bytes:
        """Encrypt."""
        return self._fernet.encrypt(msgspec.json.encode(credentials))

    def open(self, sealed: bytes) -> Credentials:
        """Decrypt.

        Raises:
            StoreError: they were encrypted with another key, or are damaged.
        """
        try:
            opened: Credentials = _decode_sealed(self._fernet.decrypt(sealed))
        except (InvalidToken, msgspec.MsgspecError):
            raise StoreError(
                "The credentials were sealed with another key: bring back credentials.key of this data folder "
                "or OPENRATE_CREDENTIALS_KEY, or set the credentials again."
            ) from None
        return opened


class Vault:
    """The credentials of apps: sealed on their way into the store, opened on their way out."""

    def __init__(self, store: CredentialStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def of(self, app_id: int) -> Credentials | None:
        """An app's credentials, if it has some; raises StoreError when they cannot be opened."""
        sealed = self._store.get(app_id)
        return None if sealed is None else self._seal.open(sealed)

    def sealed(self, app_id: int) -> bytes | None:
        """What tells an app's credentials from others, without opening them."""
        return self._store.get(app_id)

    def apps(self) -> set[int]:
        """The ids of all apps that have credentials."""
        return self._store.apps()

    def put(self, app: App, credentials: Credentials, by: By) -> None:
        """Keep credentials, instead of those before."""
        self._store.put(app, provider_of(credentials), self._seal.close(credentials), by)

    def remove(self, app: App, by: By) -> bool:
        """Forget them; False when there were none."""
        return self._store.remove(app, by)


def seal_of(key: str | None, path: Path) -> Seal:
    """The seal with ``key``, or with the one in the file ``path``, made at first use for this user alone.

    Raises:
        UsageError: the key has a wrong form.
        StoreError: the file cannot be read or made.
    """
    if key is not None:
        return Seal(key)
    try:
        with suppress(FileExistsError):
            _write_once(path, Fernet.generate_key())
        return Seal(path.read_text("ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"The key for credentials in {path} cannot be used: {error}.") from None


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; two processes that do so at once end with one of the two."""
    if path.exists():
        return
    part = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
        os.link(part, path)
    finally:
        os.close(handle)
        part.unlink()
