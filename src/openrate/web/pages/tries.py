"""How often a password may be tried: by a browser in which that person was before, and by all others together.

The first carries what OWASP calls a device cookie. Without it, whoever tries wrong passwords for somebody all day
would keep them out all day.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from openrate import people
from openrate.commands.parts import Parts
from openrate.config import Settings
from openrate.errors import ApiMisuse, TooManyRequests, UsageError
from openrate.web.call import Answer, Call
from openrate.web.limits import SharedBuckets, address_name, client_address
from openrate.web.pages.door import is_https
from openrate.web.pages.visit import cookie, cookies

KNOWN_COOKIE = "openrate_known"
_KNOWN_S = 365 * 86_400
_TRIES, _TRIES_EACH_S = 10, 1 / 15
"""Of one known browser, of one address or for one person: so many at once, then one in fifteen seconds."""


class Tries:
    """Counts wrong passwords, and knows the browsers in which a right one was given.

    What a browser is known by is good for one person and one password of theirs, so that nobody who knew the old
    one has collected what lets them guess the new one faster.
    """

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._people = parts.people
        self._key = parts.records.secret("known-browsers", lambda: secrets.token_bytes(32))
        self._trusted = settings.trusted_proxies
        self._by_browser = SharedBuckets(_TRIES_EACH_S, _TRIES)
        self._by_address = SharedBuckets(_TRIES_EACH_S, _TRIES)
        self._by_person = SharedBuckets(_TRIES_EACH_S, _TRIES)
        self._in_turn = threading.BoundedSemaphore(2)

    @contextmanager
    def one(self, call: Call, email: str) -> Iterator[None]:
        """A try to be that person. It is counted before it is made, and not any more unless the password was wrong.

        No more are begun than passwords are compared at once: those that wait their turn do not count yet, so
        that many who are right at the same moment do not turn each other away.

        Raises:
            TooManyRequests: there were too many wrong ones.
        """
        with self._in_turn, ExitStack() as counted:
            try:
                for bucket, name in self._buckets(call, people.address_of(email)):
                    bucket.take(name)
                    counted.callback(bucket.give_back, name)
            except TooManyRequests as error:
                wait = f"Too many tries: wait {error.seconds} seconds, then try again."
                raise TooManyRequests(wait, error.seconds) from None
            try:
                yield
            except (ApiMisuse, UsageError):  # the password was wrong
                counted.pop_all()
                raise

    def know(self, call: Call, email: str, answer: Answer) -> Answer:
        """The answer to somebody who has proven to be that person: from now on their browser is known."""
        name = secrets.token_hex(16)
        value = f"{name}.{self._signature(name, people.address_of(email))}"
        kept = cookie(KNOWN_COOKIE, value, seconds=_KNOWN_S, secure=is_https(call))
        return answer._replace(headers=[*answer.headers, kept])

    def _buckets(self, call: Call, address: str) -> list[tuple[SharedBuckets, str]]:
        name, _, signature = cookies(call).get(KNOWN_COOKIE, "").partition(".")
        if hmac.compare_digest(signature.encode(), self._signature(name, address).encode()):
            return [(self._by_browser, name)]
        caller = address_name(client_address(call, self._trusted))
        return [(self._by_address, caller), (self._by_person, address)]

    def _signature(self, name: str, address: str) -> str:
        """Of a browser's name for a person; neither an address of somebody nor a hash has a space in it."""
        found = self._people.by_email(address)
        password = found[1] if found else None
        return hmac.digest(self._key, f"{name} {address} {password}".encode(), "sha256").hex()
