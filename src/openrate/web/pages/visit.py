"""One request of a person, and how it is answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote

from openrate.errors import ApiMisuse, MalformedParameter, RouteNotFound
from openrate.model import App, By, Campaign, Company, Role
from openrate.ports.people import Session
from openrate.ports.records import Records
from openrate.web.call import Answer, Call, Headers

SESSION_COOKIE = "openrate_session"
_SAID_COOKIE = "openrate_said"
_LONGEST_SAID = 300
"""Characters; a browser keeps cookies of up to 4,096 bytes, and a character may take 12 there."""
_MOST_FIELDS = 10_000
_RANKS = list(Role)
_SALT = 16


class Fields:
    """What came in a query or in a form, by name. What is not there is the empty text."""

    def __init__(self, given: Mapping[str, list[str]] | None = None) -> None:
        self._given = given or {}

    @classmethod
    def parsed(cls, text: bytes) -> Fields:
        """Read ``a=1&b=2``; raises MalformedParameter when it is not that."""
        try:
            return cls(
                parse_qs(
                    text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
                )
            )
        except ValueError:
            raise MalformedParameter(
                "The form cannot be read: load the page again and send it anew."
            ) from None

    def __getitem__(self, name: str) -> str:
        """The first value of that name, without spaces at its ends; empty when there is none."""
        return self.all(name)[0].strip() if self.all(name) else ""

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def all(self, name: str) -> list[str]:
        """Every value of that name, as it came."""
        return self._given.get(name, [])


def whole(text: str, digits: int) -> int | None:
    """The number that a text is in so many digits at most; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


class Visitor(NamedTuple):
    """Somebody who is signed in."""

    session: Session
    company: Company
    secret: str

    @property
    def email(self) -> str:
        """With what they sign in."""
        return self.session.person.email

    @property
    def may_edit(self) -> bool:
        """Whether they may write campaigns."""
        return self.may(Role.EDITOR)

    @property
    def may_manage(self) -> bool:
        """Whether they may do everything."""
        return self.may(Role.MANAGER)

    def may(self, role: Role) -> bool:
        """Whether they have this role or one that may do more."""
        return _RANKS.index(self.session.person.role) >= _RANKS.index(role)

    def csrf(self) -> str:
        """What a form of theirs carries, different each time, so that a compressed page does not give it away."""
        salt = secrets.token_bytes(_SALT)
        mixed = bytes(a ^ b for a, b in zip(self._csrf(), salt + salt, strict=True))
        return base64.urlsafe_b64encode(salt + mixed).decode()

    def check_csrf(self, given: str) -> None:
        """Raise ApiMisuse unless it came from a form of theirs."""
        try:
            raw = base64.urlsafe_b64decode(given.encode("ascii", "replace"))
        except ValueError:
            raw = b""
        salt, mixed = raw[:_SALT], raw[_SALT:]
        token = bytes(a ^ b for a, b in zip(mixed, salt + salt, strict=False))
        if not hmac.compare_digest(token, self._csrf()):
            raise ApiMisuse("This form is out of date: load the page again and send it anew.")

    def _csrf(self) -> bytes:
        return hashlib.sha256(b"csrf " + self.secret.encode()).digest()


class Visit(NamedTuple):
    """A request for a page of somebody who is signed in.

    Attributes:
        query: what stands behind the question mark.
        form: what was sent with POST.
        now: milliseconds since 1970.
    """

    call: Call
    visitor: Visitor
    query: Fields
    form: Fields
    now: int

    @property
    def company(self) -> Company:
        """Whose pages these are."""
        return self.visitor.company

    @property
    def by(self) -> By:
        """Who changes something here, for the audit log."""
        return By(self.visitor.email, self.now)

    @property
    def is_fragment(self) -> bool:
        """Whether a part of a page is asked for, by htmx."""
        return b"hx-request" in self.call.headers


View = Callable[[Visit], Answer]
"""Makes a page. It runs in a thread, so it may wait for the stores."""


def find_app(apps: list[App], live_key: str) -> App | None:
    """The app of that Live key among these, if it is one of them."""
    return next((app for app in apps if app.live_key == live_key), None)


def find_campaign(records: Records, visit: Visit, token: str = "") -> tuple[App, Campaign]:
    """The campaign of that token, or of that in the path, and its app, if it is one of the visitor's company.

    Raises:
        RouteNotFound: there is no such campaign, or it was deleted.
    """
    campaign = records.campaign_of(visit.company.id, token or visit.call.parts[2])
    if campaign is None or campaign.deleted_at is not None:
        raise RouteNotFound("There is no such campaign here: it may have been deleted.")
    return next(app for app in records.apps(visit.company.id) if app.id == campaign.app_id), campaign


def html(body: str, status: int = 200, headers: Headers = ()) -> Answer:
    """A page, or a part of one."""
    return Answer(status, body.encode(), headers, b"text/html")


def csv_file(name: str, text: str) -> Answer:
    """A file to be saved, or copied by a button."""
    headers = [
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Answer(200, text.encode(), headers, b"text/csv")


NOTHING_NEW = Answer(204, b"", (), b"text/html")
"""The part of a page that was asked for is as it was."""
REFRESH = Answer(200, b"", [(b"hx-refresh", b"true")], b"text/html")
"""The page of which a part was asked for is to be loaded anew."""


def redirect(to: str, said: str = "", *, is_error: bool = False) -> Answer:
    """Go on to another page, which shows what is said, once."""
    headers = [(b"location", to.encode())]
    said = said[:_LONGEST_SAID]
    if said:
        kind = "error" if is_error else "done"
        headers.append(cookie(_SAID_COOKIE, kind + ":" + quote(said), seconds=60, secure=False))
    return Answer(303, b"", headers, b"text/html")


def local_path(address: str) -> str | None:
    """The address, if every browser reads it as one of ours; it may be whatever somebody made up."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() and address.isascii() else None


def said(call: Call) -> tuple[str, str] | None:
    """What the page before had to say, and whether it is ``done`` or an ``error``."""
    kind, _, text = cookies(call).get(_SAID_COOKIE, "").partition(":")
    return (kind, unquote(text)) if kind in {"done", "error"} and text else None


FORGET_SAID = (
    b"set-cookie",
    f"{_SAID_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax".encode(),
)


def cookie(name: str, value: str, *, seconds: int, secure: bool) -> tuple[bytes, bytes]:
    """A cookie for this site's pages alone, out of reach for scripts."""
    text = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    return b"set-cookie", text.encode()


def cookies(call: Call) -> dict[str, str]:
    """The cookies that came, by name; of several of one name the first."""
    pairs = [part.strip().partition("=") for part in (call.text(b"cookie") or "").split(";")]
    return {name: value for name, _, value in reversed(pairs) if name}


def base_url(call: Call) -> str:
    """Where this server is for whoever asked, as far as they and their proxy say: to be shown, and not relied on."""
    scheme = "https" if call.text(b"x-forwarded-proto") == "https" else "http"
    return f"{scheme}://{call.text(b'host') or 'localhost'}"
