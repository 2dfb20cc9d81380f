"""Who comes in: sessions, roles, forged forms, and what is shown to whom something goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from openrate import people
from openrate.commands.parts import Parts
from openrate.errors import ApiError, ApiMisuse, OpenrateError, RouteNotFound, StoreError
from openrate.model import Role
from openrate.web.bodies import read_body
from openrate.web.call import Answer, Call, Handler
from openrate.web.failures import failure
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import (
    REFRESH,
    SESSION_COOKIE,
    Fields,
    View,
    Visit,
    Visitor,
    cookies,
    local_path,
    redirect,
)

_LARGEST_FORM = 4 << 20
"""Bytes; a campaign in all languages has 300,000."""
_LARGEST_OPEN_FORM = 16 << 10
"""Bytes of a form of somebody who is not signed in."""
_ENDED = "Your session has ended, so nothing was changed. Sign in to go back to where you were."

Open = Callable[[Call, Fields], Answer]
"""Makes a page for whoever asks."""


class Door:
    """Stands before every page."""

    def __init__(self, parts: Parts, renderer: Renderer) -> None:
        self._parts = parts
        self._renderer = renderer

    def page(self, view: View, role: Role = Role.VIEWER) -> Handler:
        """A page that is only looked at, by those who have this role."""

        async def handler(call: Call) -> Answer:
            return await asyncio.to_thread(self._visit, call, Fields(), view, role)

        return handler

    def action(self, view: View, role: Role = Role.VIEWER) -> Handler:
        """What a form does, for those who have this role. It is read only if somebody is signed in."""

        async def handler(call: Call) -> Answer:
            try:
                check_origin(call)
                if await asyncio.to_thread(self.visitor, call) is None:
                    return _to_sign_in(call)
                form = await read_form(call, _LARGEST_FORM)
            except Exception as error:  # noqa: BLE001 - whatever it is, they get a page that says so
                return self._failed(call, error, None)
            return await asyncio.to_thread(self._visit, call, form, view, role)

        return handler

    def open_page(self, view: Open) -> Handler:
        """A page for those who are not signed in."""

        async def handler(call: Call) -> Answer:
            return await asyncio.to_thread(self._enter, call, Fields(), view)

        return handler

    def open_action(self, view: Open) -> Handler:
        """What a form does for those who are not signed in."""

        async def handler(call: Call) -> Answer:
            try:
                check_origin(call)
                form = await read_form(call, _LARGEST_OPEN_FORM)
            except Exception as error:  # noqa: BLE001 - the same
                return self._failed(call, error, None)
            return await asyncio.to_thread(self._enter, call, form, view)

        return handler

    def visitor(self, call: Call) -> Visitor | None:
        """Who is signed in with this browser."""
        secret = cookies(call).get(SESSION_COOKIE)
        if secret is None:
            return None
        asks_by_itself = call.method == "GET" and b"hx-request" in call.headers
        now = self._parts.clock.now()
        session = people.session_of(self._parts.people, secret, now, is_used=not asks_by_itself)
        if session is None:
            return None
        companies = self._parts.records.companies()
        company = next(each for each in companies if each.id == session.person.company_id)
        return Visitor(session, company, secret)

    def _visit(self, call: Call, form: Fields, view: View, role: Role) -> Answer:
        visitor = None
        try:
            visitor = self.visitor(call)
            if visitor is None:
                return _to_sign_in(call)
            _admit(visitor, role, form if call.method == "POST" else None)
            query = Fields.parsed(call.scope["query_string"])
            return view(Visit(call, visitor, query, form, self._parts.clock.now()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets a page that says so
            return self._failed(call, error, visitor)

    def _enter(self, call: Call, form: Fields, view: Open) -> Answer:
        try:
            return view(call, form)
        except Exception as error:  # noqa: BLE001 - the same
            return self._failed(call, error, None)

    def _failed(self, call: Call, error: Exception, visitor: Visitor | None) -> Answer:
        """Back to the form that something was wrong with; else a page that says what it is."""
        if isinstance(error, RouteNotFound) and call.method == "GET" and b"hx-request" in call.headers:
            return REFRESH  # a part of a page of something that is gone
        is_wrong = isinstance(error, OpenrateError) and not isinstance(error, ApiError | StoreError)
        back = _form_of(call)
        if is_wrong and visitor is not None and back is not None:
            return redirect(back, str(error), is_error=True)
        answer = failure(ApiMisuse(str(error)) if is_wrong else error, call)
        status = 400 if is_wrong else answer.status
        return self._renderer.error(call, visitor, status, answer, back)


def _admit(visitor: Visitor, role: Role, form: Fields | None) -> None:
    """Raise ApiMisuse unless the form is the visitor's own, and they have this role or one that may do more."""
    if form is not None:
        visitor.check_csrf(form["csrf"])
    if not visitor.may(role):
        raise ApiMisuse(f"This is for the role {role} and above; yours is {visitor.session.person.role}.")


async def read_form(call: Call, limit: int) -> Fields:
    """What a form sent, in ``limit`` bytes at most.

    Raises:
        MalformedParameter, BodyTooLarge: it is no form, or too long.
    """
    call.media_type("application/x-www-form-urlencoded")
    return Fields.parsed(await read_body(call, limit))


def check_origin(call: Call) -> None:
    """Refuse forms that other sites send, by what browsers say of where a request comes from (Fetch Metadata).

    Raises:
        ApiMisuse: it comes from another site.
    """
    site = call.text(b"sec-fetch-site")
    origin = call.text(b"origin")
    if site is not None:
        is_own = site in {"same-origin", "none"}
    else:
        is_own = origin is not None and host_of(origin) == call.text(b"host")
    if not is_own:
        raise ApiMisuse("This form was sent by another site: open the page here and send it again.")


def is_https(call: Call) -> bool:
    """Whether the browser sees the page over TLS, which a proxy may end before us."""
    return (call.text(b"origin") or "").startswith("https://")


def _to_sign_in(call: Call) -> Answer:
    if b"hx-request" in call.headers:
        to = "/sign-in?next=" + quote(path_of(call.text(b"hx-current-url") or "") or "/campaigns")
        return Answer(401, b"", [(b"hx-redirect", to.encode())], b"text/html")
    query = call.scope["query_string"].decode("latin-1")
    here = call.scope["path"] + ("?" + query if query else "")
    if call.method == "POST":
        return redirect("/sign-in?next=" + quote(_form_of(call) or "/campaigns"), _ENDED, is_error=True)
    return redirect("/sign-in" if here == "/" else "/sign-in?next=" + quote(here))


def _form_of(call: Call) -> str | None:
    """The page of ours with the form that was sent."""
    if call.method != "POST":
        return None
    referer = call.text(b"referer") or ""
    if host_of(referer) != call.text(b"host"):
        return None
    return local_path(path_of(referer) or "")


def path_of(address: str) -> str | None:
    """The path and query in an address that a header holds; None when it is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.path + ("?" + parts.query if parts.query else "")


def host_of(address: str) -> str | None:
    """The host and port in an address that a header holds; None when it is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None
