"""Companies, their apps and their keys: made, shown once, checked (``http-api.md``, "Keys")."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

from openrate.errors import ApiMisuse, AuthenticationInvalid, OpenrateError, UsageError
from openrate.model import App, By, Platform, RestKey, Rule, Scope, Sender, window
from openrate.ports.records import Records

_NAME_LENGTH = 100
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_NO_KEYS = [(bytes(32), RestKey(0, 0, Scope.READ, 0, 0))]
"""Compared with when the app key is unknown, so that this takes as long as a company with one key."""


class Made(NamedTuple):
    """A new app; with its company's first REST key, if the company is new too."""

    app: App
    rest_key: str | None


class Access(NamedTuple):
    """What a request may reach: an app, in the live or the development world, with a REST key."""

    app: App
    dev: bool
    key_id: int
    scope: Scope

    def by(self, now: int) -> By:
        """Who changes something with it, for the audit log."""
        return By(f"REST key {self.key_id}", now)


def create_app(  # noqa: PLR0913 - what an app is made of
    records: Records, company: str, name: str, platform: Platform, sender: Sender, by: By
) -> Made:
    """Make an app, and its company when there is none of that name.

    Raises:
        UsageError: a name cannot be used.
        OpenrateError: the company has an app of that name on that platform.
    """
    _check_name("company", company)
    _check_name("app", name)
    known = records.company(company)
    owner = known or records.create_company(company, Rule(), by)
    if any(app.name == name and app.platform is platform for app in records.apps(owner.id)):
        raise OpenrateError(f"{company} has an app {name} for {platform.value} already: choose another name.")
    app = records.create_app(
        owner.id,
        name,
        platform,
        sender,
        live=secrets.token_hex(15).upper(),
        dev="DEV" + secrets.token_hex(14)[:27].upper(),
        sdk=secrets.token_hex(16).upper(),
        by=by,
    )
    # Last, so that a crash before it shows up as a company without a key, which openrate company key create mends.
    rest_key = None if known else create_key(records, owner.id, Scope.FULL, by)[1]
    return Made(app, rest_key)


def create_key(records: Records, company_id: int, scope: Scope, by: By) -> tuple[RestKey, str]:
    """Make a REST key: what is kept of it, and the key itself, which nothing can show again."""
    secret = secrets.token_hex(16)
    return records.add_key(company_id, _hash(secret), scope, by.at, by), secret


def set_rule(records: Records, company_id: int, rule: Rule, by: By) -> None:
    """Set the attribution windows of a company; raises UsageError as ``check_rule`` does."""
    check_rule(rule)
    records.set_rule(company_id, rule, by)


def check_rule(rule: Rule) -> None:
    """Raise UsageError when a window is out of its range (``metrics.md``, "Deliveries")."""
    _check_window("reengage_window", rule.reengage_window, _HOUR, 7 * _DAY)
    _check_window("influence_window", rule.influence_window, _MINUTE, rule.reengage_window)
    _check_window("inactive_after", rule.inactive_after, _DAY, 365 * _DAY)


def authorize(records: Records, api_key: str, x_authorization: str | None, *, write: bool) -> Access:
    """What a REST key opens at an app key.

    An unknown app key costs the same hash and comparison as a known one, and every key of the company is
    compared with, so that the time of an answer says no more than the answer.

    Args:
        records: where keys are looked up.
        api_key: the Live, Dev or SDK key in the path.
        x_authorization: the REST key, if one was sent.
        write: whether the call changes something.

    Raises:
        AuthenticationInvalid: a key is missing, unknown, revoked or of another company.
        ApiMisuse: the key is good for reading only.
    """
    app = records.app_by_key(api_key)
    key = _matching(_NO_KEYS if app is None else records.keys(app.company_id), x_authorization or "")
    if app is None or key is None:
        raise AuthenticationInvalid
    if write and key.scope is not Scope.FULL:
        raise ApiMisuse("This REST key is for reading only: send one with the scope full.")
    return Access(app, api_key == app.dev_key, key.id, key.scope)


def _matching(keys: list[tuple[bytes, RestKey]], secret: str) -> RestKey | None:
    """The key that is not revoked and has this secret; looks at all of them whatever it finds."""
    hashed, found = _hash(secret), None
    for known, key in keys:
        if hmac.compare_digest(known, hashed) and key.revoked_at is None:
            found = key
    return found


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _check_name(what: str, name: str) -> None:
    if not 1 <= len(name) <= _NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise UsageError(
            f"The name of the {what} cannot be used: 1 to {_NAME_LENGTH} printable characters are accepted, "
            "without spaces at either end."
        )


def _check_window(name: str, given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        raise UsageError(f"{name} is {window(given)}: {window(least)} to {window(most)} is accepted.")
