"""Installations: who they are, how they prove it, and what lets them go (``http-api.md``, ``/v1``)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import jwt
import msgspec

from openrate.errors import ApiMisuse, AuthenticationInvalid, RouteNotFound
from openrate.model import App, Fact, FactType, Installation
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog, FactColumns
from openrate.ports.records import Records
from openrate.registration import Registration

_SIGNING_KEY = "installation-tokens"
_KEY_BYTES = 32
_VERIFIED = 100_000
"""Installations whose token is remembered as verified; about 400 bytes each."""
_STRIPES = 256
"""Locks that registrations of one installation queue at."""


class Name(NamedTuple):
    """An installation id is a name inside one app and one world."""

    app_id: int
    dev: bool
    installation_id: str


class Registered(NamedTuple):
    """What a registration answers."""

    installation_id: str
    installation_token: str
    is_new: bool


class _Claims(msgspec.Struct):
    """What a token says: app, development world, installation id, version."""

    app: int
    dev: bool
    sub: str
    ver: int


class Installations:
    """Registers, refreshes, recognises and retires installations. Every method is safe from any thread."""

    def __init__(self, records: Records, log: EventLog, clock: Clock) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        self._keys = self._read_keys()
        self._verified: OrderedDict[Name, str] = OrderedDict()
        self._retired = 0
        self._lock = threading.Lock()
        self._stripes = [threading.Lock() for _ in range(_STRIPES)]

    def register(
        self, app: App, dev: bool, wanted: Registration, *, bearer: str | None, is_server: bool
    ) -> Registered:
        """Register an installation, or refresh one that proves itself.

        A first registration is reported as the fact ``installed``, which is durable before anything else
        is kept: a crash in between leaves a fact too many about the same installation, which changes no
        number, and never one too few. Blocks until then.

        Args:
            app: the app of the key in the path.
            dev: whether that is the Dev key.
            wanted: the body.
            bearer: the installation token, if one was sent.
            is_server: whether a REST key of the app's company came with the request.

        Raises:
            MalformedParameter: another platform than the app's.
            ApiMisuse: a device says who it belongs to.
            AuthenticationInvalid: the id exists, and neither its token nor its secret nor a REST key came.
            StoreError: the fact could not be stored; nothing was kept.
        """
        wanted.check_platform(app.platform)
        _check_owner(wanted, is_server=is_server)
        speaker = None if bearer is None else self.speaker(app, dev, bearer)
        if speaker is not None and wanted.installation_id not in {msgspec.UNSET, speaker}:
            raise AuthenticationInvalid
        name = Name(app.id, dev, speaker or _given(wanted.installation_id) or secrets.token_hex(16))
        with self._stripes[hash(name) % _STRIPES]:
            known = self._records.installation(*name)
            if known is None:
                return self._add(name, wanted)
            if not (is_server or speaker or _has_secret(known, wanted)):
                raise AuthenticationInvalid
            self._records.put_installation(wanted.applied_to(known, _hash(wanted)), self._clock.now())
            return Registered(known.installation_id, self._sign(known), is_new=False)

    def take(self, app: App, dev: bool, batch: Sequence[Registration]) -> None:
        """Register or refresh many for a server; each has an id, and the later of two of one id refreshes it.

        As with one, the facts ``installed`` are durable before anything else is kept. Blocks until all is.

        Raises:
            StoreError: nothing was kept, or nothing but facts.
        """
        names = [Name(app.id, dev, str(wanted.installation_id)) for wanted in batch]
        with ExitStack() as held:
            # In one order, so that two imports do not wait for each other for ever.
            for stripe in sorted({hash(name) % _STRIPES for name in names}):
                held.enter_context(self._stripes[stripe])
            ids = [name.installation_id for name in names]
            known = self._records.installations(app.id, dev, ids)
            at = self._clock.now()
            self._report_installed(
                app.id, dev, [name for name in dict.fromkeys(ids) if name not in known], at
            )
            for name, wanted in zip(names, batch, strict=True):
                before = known.get(name.installation_id) or _fresh(name, wanted)
                known[name.installation_id] = wanted.applied_to(before, _hash(wanted))
            self._records.put_installations(list(known.values()), at)

    def speaker(self, app: App, dev: bool, token: str) -> str:
        """The id of the installation of this app and world that ``token`` speaks for.

        A token seen before costs a parse and a comparison; only a new one is verified and looked up.

        Raises:
            AuthenticationInvalid: the token is not ours, void, or one of another app or world.
        """
        remembered = self.remembered(app, dev, token)
        if remembered is not None:
            return remembered
        claims = _unverified(token)
        if claims is None or claims.app != app.id or claims.dev != dev:
            raise AuthenticationInvalid
        self._verify(Name(app.id, dev, claims.sub), claims, token)
        return claims.sub

    def remembered(self, app: App, dev: bool, token: str) -> str | None:
        """What ``speaker`` would answer, when that takes no look into the records; never blocks."""
        claims = _unverified(token)
        if claims is None or claims.app != app.id or claims.dev != dev:
            return None
        known = self._verified.get(Name(app.id, dev, claims.sub))
        return claims.sub if known is not None and hmac.compare_digest(known, token) else None

    def retire(self, app: App, dev: bool, installation_id: str) -> None:
        """Remove an installation; its token is void from then on.

        Raises:
            RouteNotFound: this app has no such installation.
        """
        name = Name(app.id, dev, installation_id)
        with self._stripes[hash(name) % _STRIPES]:
            found = self._records.delete_installation(*name)
            with self._lock:
                self._retired += 1
                self._verified.pop(name, None)
        if not found:
            raise RouteNotFound("There is no installation of that id in this app.")

    def rotate_key(self) -> None:
        """Sign with a new key from now on. Tokens of the key before stay good until the next rotation."""
        with self._lock:
            current = self._read_keys()[0]
            self._records.replace_secret(_SIGNING_KEY, secrets.token_bytes(_KEY_BYTES) + current)
            self._keys = self._read_keys()
            self._retired += 1
            self._verified.clear()

    def _add(self, name: Name, wanted: Registration) -> Registered:
        """A first registration: the fact, then the record."""
        at = self._clock.now()
        self._report_installed(name.app_id, name.dev, [name.installation_id], at)
        fresh = _fresh(name, wanted)
        self._records.put_installation(wanted.applied_to(fresh, _hash(wanted)), at)
        # The records remember the version of one that was removed; the token must carry what they kept.
        kept = self._records.installation(*name) or fresh
        return Registered(name.installation_id, self._sign(kept), is_new=True)

    def _report_installed(self, app_id: int, dev: bool, ids: Sequence[str], at: int) -> None:
        installed = [Fact(app_id, FactType.INSTALLED, each, at) for each in ids]
        self._log.append(app_id, dev, FactColumns.of(installed)).result()

    def _sign(self, installation: Installation) -> str:
        claims = {
            "app": installation.app_id,
            "dev": installation.dev,
            "sub": installation.installation_id,
            "ver": installation.token_version,
        }
        return jwt.encode(claims, self._keys[0], algorithm="HS256")

    def _verify(self, name: Name, claims: _Claims, token: str) -> None:
        """Check signature and version, and remember the token unless something was retired meanwhile."""
        retired = self._retired
        if not any(_is_signed_with(key, token) for key in self._keys):
            raise AuthenticationInvalid
        known = self._records.installation(*name)
        if known is None or known.token_version != claims.ver:
            raise AuthenticationInvalid
        with self._lock:
            if retired != self._retired:
                return
            self._verified[name] = token
            if len(self._verified) > _VERIFIED:
                self._verified.popitem(last=False)

    def _read_keys(self) -> list[bytes]:
        """The signing key, and the one before it if there was one."""
        kept = self._records.secret(_SIGNING_KEY, _new_key)
        return [kept[i : i + _KEY_BYTES] for i in range(0, min(len(kept), 2 * _KEY_BYTES), _KEY_BYTES)]


def _new_key() -> bytes:
    return secrets.token_bytes(_KEY_BYTES)


def _fresh(name: Name, wanted: Registration) -> Installation:
    """What is kept of a new installation before anything it says."""
    return Installation(
        app_id=name.app_id,
        installation_id=name.installation_id,
        dev=name.dev,
        platform=wanted.platform,
        secret_hash=None,
        token_version=1,
    )


def _check_owner(wanted: Registration, *, is_server: bool) -> None:
    said = (wanted.custom_id, wanted.attributes, wanted.tags)
    if not is_server and any(value is not msgspec.UNSET for value in said):
        raise ApiMisuse(
            "custom_id, attributes and tags say who an installation belongs to: send them with a REST key."
        )


def _given(value: str | msgspec.UnsetType) -> str | None:
    return None if isinstance(value, msgspec.UnsetType) else value


def _hash(wanted: Registration) -> bytes | None:
    secret = _given(wanted.installation_secret)
    return None if secret is None else hashlib.sha256(secret.encode()).digest()


def _has_secret(known: Installation, wanted: Registration) -> bool:
    """Whether the body proves that it comes from the installation, compared in constant time."""
    hashed = _hash(wanted)
    return (
        hashed is not None
        and known.secret_hash is not None
        and hmac.compare_digest(hashed, known.secret_hash)
    )


def _unverified(token: str) -> _Claims | None:
    """What the token claims, believed only after ``_verify``."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():  # noqa: PLR2004 - header, payload, signature
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return _decode_claims(payload)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


def _is_signed_with(key: bytes, token: str) -> bool:
    try:
        jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False})
    except jwt.InvalidTokenError:
        return False
    return True


_decode_claims: Callable[[bytes], _Claims] = msgspec.json.Decoder(_Claims).decode
