"""People who sign in to the pages: added, let in, and turned away.

Passwords are kept as Argon2 hashes, with the parameters that RFC 9106 recommends where memory is short. Sessions
and links are secrets of 256 bits, of which the SHA-256 is kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from contextlib import suppress
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from openrate.errors import ApiMisuse, OpenrateError, StoreError, UsageError
from openrate.model import DAY_MS, By, Person, Role
from openrate.ports.people import People, Session

SESSION_MS = 30 * DAY_MS
"""How long somebody stays signed in at most."""
UNUSED_MS = 7 * DAY_MS
"""How long a session lives that nobody uses."""
LINK_MS = 3 * DAY_MS
"""How long the link is good with which a person chooses a password."""
_TOUCH_MS = 60_000
SHORTEST, _LONGEST = 10, 200
"""Characters of a password."""
_LONGEST_EMAIL = 254
_LONGEST_AGENT = 200
_EMAIL = re.compile(r"[^@\s\"'<>(),:;\\]{1,64}@[a-z0-9.-]{1,189}")

_hasher = PasswordHasher()
_WRONG = "This address and this password do not belong together."
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB and four threads for a moment."""


def add(people: People, company_id: int, email: str, role: Role, by: By) -> Person:
    """Make a person of a company, who has no password yet.

    Raises:
        UsageError: that is no e-mail address.
        OpenrateError: somebody has the address already, in whatever company.
    """
    return people.add(company_id, _address(email), role, by)


def make_link(people: People, person: Person, by: By) -> str:
    """A secret with which a person may choose a password within ``LINK_MS``; shown this once."""
    secret = secrets.token_urlsafe(32)
    people.set_link(person, hashed(secret), by.at + LINK_MS, by)
    return secret


def set_password(
    people: People, person: Person, password: str, by: By, link_hash: bytes | None = None
) -> bool:
    """Replace a person's password, which signs them out everywhere; False: the link that is named is not theirs.

    Raises:
        UsageError: the password is too short or too long.
    """
    check_password(password)
    with _AT_ONCE:
        made = _hasher.hash(password)
    return people.set_password(person, made, by, link_hash)


def check_password(password: str) -> None:
    """Raise UsageError when a password is too short or too long."""
    if not SHORTEST <= len(password) <= _LONGEST:
        characters = "1 character" if len(password) == 1 else f"{len(password)} characters"
        raise UsageError(f"The password has {characters}: {SHORTEST} to {_LONGEST} are accepted.")


def set_role(people: People, person: Person, role: Role, by: By) -> None:
    """Give a person another role; raises OpenrateError when nobody could manage the company any more."""
    if role is not person.role:
        people.set_role(person, role, by)


def known(people: People, email: str) -> Person:
    """The person of that address; raises OpenrateError when there is none."""
    found = people.by_email(address_of(email))
    if found is None:
        raise OpenrateError(f"There is nobody with the address {email[:_LONGEST_EMAIL]}.")
    return found[0]


def address_of(email: str) -> str:
    """An address as it is kept, of whatever was typed."""
    return email.strip().lower()[:_LONGEST_EMAIL]


def sign_in(people: People, email: str, password: str, agent: str, at: int) -> str:
    """Begin a session; the secret that the browser keeps.

    Raises:
        ApiMisuse: the two do not belong together; whether there is such a person is not told, nor by the time it takes.
    """
    found = people.by_email(address_of(email))
    person, known_hash = (None, None) if found is None else found
    is_right = _is_right(known_hash or _nobody(), password)
    if person is None or known_hash is None or not is_right:
        raise ApiMisuse(_WRONG)
    people.end_sessions_before(at - SESSION_MS, at - UNUSED_MS)
    secret = secrets.token_urlsafe(32)
    if not people.begin_session(person.id, hashed(secret), agent[:_LONGEST_AGENT], at, known_hash):
        raise ApiMisuse(_WRONG)  # it was changed meanwhile
    return secret


def check_current(people: People, email: str, password: str) -> None:
    """Raise UsageError unless this is the person's password now."""
    found = people.by_email(email)
    if found is None or found[1] is None or not _is_right(found[1], password):
        raise UsageError("The current password is not right.")


def session_of(people: People, secret: str, at: int, *, is_used: bool = True) -> Session | None:
    """The session that a browser's secret opens, unless it has ended.

    Args:
        people: where sessions are kept.
        secret: the browser's.
        at: milliseconds since 1970.
        is_used: whether somebody is there; a page that asks by itself does not keep a session alive.
    """
    session = people.session(hashed(secret))
    if session is None or at > session.created_at + SESSION_MS or at > session.seen_at + UNUSED_MS:
        return None
    if is_used and at > session.seen_at + _TOUCH_MS:
        with suppress(StoreError):  # a full disk keeps nobody from reading; facts that are refused say enough
            people.touch_session(session.id, at)
    return session


def hashed(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


@cache
def _nobody() -> str:
    """Compared with when there is no such person, so that this takes as long as a wrong password."""
    return _hasher.hash(secrets.token_hex(16))


def _is_right(known_hash: str, password: str) -> bool:
    if len(password) > _LONGEST:
        return False
    try:
        with _AT_ONCE:
            return _hasher.verify(known_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _address(email: str) -> str:
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise UsageError("That is no e-mail address: one such as name@example.com is accepted.")
    return address
