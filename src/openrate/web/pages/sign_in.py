"""Signing in and out, the link with which somebody chooses a password, and one's own account."""

from __future__ import annotations

from openrate import people
from openrate.commands.parts import Parts
from openrate.config import Settings
from openrate.errors import (
    ApiError,
    ApiMisuse,
    MalformedParameter,
    OpenrateError,
    RouteNotFound,
    TooManyRequests,
    UsageError,
)
from openrate.model import By, Person
from openrate.web.call import Answer, Call
from openrate.web.pages.door import Door, is_https
from openrate.web.pages.render import Renderer
from openrate.web.pages.tries import Tries
from openrate.web.pages.visit import SESSION_COOKIE, Fields, Visit, cookie, local_path, redirect, whole
from openrate.web.routing import Route

_NEXT_LENGTH = 2_000
_LONGEST_NUMBER = 18
"""Digits of a session's number."""
_USED = "This link was used already, or has expired: ask a manager for another one."
_BROWSERS = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
]
"""The more special first: they all say that they are others, too."""
_SYSTEMS = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
]


class SignIn:
    """The pages before the sign-in, and the one about oneself."""

    def __init__(self, settings: Settings, parts: Parts, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._door = door
        self._renderer = renderer
        self._tries = Tries(settings, parts)

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        door = self._door
        return [
            Route("GET", "/sign-in", door.open_page(self.form)),
            Route("POST", "/sign-in", door.open_action(self.sign_in)),
            Route("POST", "/sign-out", door.action(self.sign_out)),
            Route("GET", "/welcome/{link}", door.open_page(self.welcome)),
            Route("POST", "/welcome/{link}", door.open_action(self.choose_password)),
            Route("GET", "/account", door.page(self.account)),
            Route("POST", "/account/password", door.action(self.change_password)),
            Route("POST", "/account/sessions", door.action(self.end_session)),
        ]

    def form(self, call: Call, _form: Fields) -> Answer:
        """Asks for address and password."""
        if self._door.visitor(call) is not None:
            return redirect("/campaigns")
        query = Fields.parsed(call.scope["query_string"])
        return self._asked(call, query["next"])

    def sign_in(self, call: Call, form: Fields) -> Answer:
        """Lets somebody in, or asks again."""
        email, agent = form["email"], call.text(b"user-agent") or "unknown"
        password, now = form.all("password"), self._parts.clock.now()
        try:
            with self._tries.one(call, email):
                secret = people.sign_in(
                    self._parts.people, email, password[0] if password else "", agent, now
                )
        except (ApiMisuse, TooManyRequests) as error:
            return self._asked(call, form["next"], email, error)
        kept = cookie(SESSION_COOKIE, secret, seconds=people.SESSION_MS // 1000, secure=is_https(call))
        location = (b"location", (local_path(form["next"]) or "/campaigns").encode())
        return self._tries.know(call, email, Answer(303, b"", [location, kept], b"text/html"))

    def sign_out(self, visit: Visit) -> Answer:
        """Ends the session of this browser."""
        session = visit.visitor.session
        self._parts.people.end_session(session.person.id, session.id)
        forgotten = cookie(SESSION_COOKIE, "", seconds=0, secure=is_https(visit.call))
        return Answer(303, b"", [(b"location", b"/sign-in"), forgotten], b"text/html")

    def welcome(self, call: Call, _form: Fields) -> Answer:
        """Asks whoever has a link for a password."""
        person = self._invited(call)
        return self._welcome(call, person)

    def choose_password(self, call: Call, form: Fields) -> Answer:
        """Sets the password of whoever has a link, which is too long to be guessed."""
        person, link = self._invited(call), people.hashed(call.parts[2])
        by = By(person.email, self._parts.clock.now())
        try:
            if not people.set_password(self._parts.people, person, _new_password(form), by, link):
                raise RouteNotFound(_USED)
        except UsageError as error:
            return self._welcome(call, person, str(error))
        return self._tries.know(
            call, person.email, redirect("/sign-in", "Your password is set: sign in with it.")
        )

    def account(self, visit: Visit) -> Answer:
        """One's own password and sessions."""
        sessions = self._parts.people.sessions(visit.visitor.session.person.id)
        shown = [(session, browser_of(session.agent)) for session in sessions]
        return self._renderer.page(visit, "account.html", sessions=shown, shortest=people.SHORTEST)

    def change_password(self, visit: Visit) -> Answer:
        """Replaces one's own password, which ends all sessions."""
        call, person, known = visit.call, visit.visitor.session.person, visit.form.all("current")
        with self._tries.one(call, person.email):
            people.check_current(self._parts.people, person.email, known[0] if known else "")
        people.set_password(self._parts.people, person, _new_password(visit.form), visit.by)
        done = redirect("/sign-in", "Your password is changed: sign in with the new one.")
        return self._tries.know(call, person.email, done)

    def end_session(self, visit: Visit) -> Answer:
        """Signs another browser out, or all others."""
        person, given = visit.visitor.session.person, visit.form["session"]
        if given == "others":
            self._parts.people.end_sessions(person.id, but=visit.visitor.session.id)
            return redirect("/account", "You are signed out everywhere else.")
        number = whole(given, _LONGEST_NUMBER)
        if number is None:
            raise MalformedParameter("session is no number: press a button of the page.")
        if not self._parts.people.end_session(person.id, number):
            raise OpenrateError("That session has ended already.")
        return redirect("/account", "That browser is signed out.")

    def _asked(self, call: Call, following: str, email: str = "", error: ApiError | None = None) -> Answer:
        asked = self._renderer.open_page(
            call,
            "sign_in.html",
            status=error.status if error else 200,
            following=following[:_NEXT_LENGTH],
            email=email[:_NEXT_LENGTH],
            error=str(error or ""),
        )
        more = error.headers if error else {}
        return asked._replace(
            headers=[*asked.headers, *((k.lower().encode(), v.encode()) for k, v in more.items())]
        )

    def _welcome(self, call: Call, person: Person, error: str = "") -> Answer:
        status, shown = 400 if error else 200, {"person": person, "error": error, "shortest": people.SHORTEST}
        return self._renderer.open_page(call, "welcome.html", status=status, **shown)

    def _invited(self, call: Call) -> Person:
        person = self._parts.people.by_link(people.hashed(call.parts[2]), self._parts.clock.now())
        if person is None:
            raise RouteNotFound(_USED)
        return person


def browser_of(agent: str) -> str:
    """What a ``User-Agent`` says, in the words of people: ``Chrome on Android``."""
    browser = next((name for token, name in _BROWSERS if token in agent), None)
    system = next((name for token, name in _SYSTEMS if token in agent), None)
    return f"{browser or 'A browser'} on {system}" if system else browser or "A browser"


def _new_password(form: Fields) -> str:
    given = form.all("password")
    if given != form.all("repeated") or len(given) != 1:
        raise UsageError("The two passwords differ: type the same one twice.")
    return given[0]
