"""People: added and given a link with which they choose a password; their roles; their end."""

from __future__ import annotations

from typing import Any

from openrate import people
from openrate.errors import RouteNotFound
from openrate.model import Person, Role
from openrate.ports.people import Session
from openrate.web.call import Answer
from openrate.web.pages.settings.section import Section, chosen
from openrate.web.pages.visit import Visit, base_url, redirect
from openrate.web.routing import Route

_PAGE = "/settings/people"


class PeoplePage(Section):
    """The people of a company."""

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        action = self._door.action
        return [
            Route("GET", _PAGE, self._door.page(self.people, Role.MANAGER)),
            Route("POST", _PAGE, action(self.invite, Role.MANAGER)),
            Route("POST", _PAGE + "/{id}/role", action(self.set_role, Role.MANAGER)),
            Route("POST", _PAGE + "/{id}/sign-out", action(self.sign_out, Role.MANAGER)),
            Route("POST", _PAGE + "/{id}/remove", action(self.remove, Role.MANAGER)),
        ]

    def people(self, visit: Visit) -> Answer:
        """Who may sign in."""
        return self._page(visit)

    def invite(self, visit: Visit) -> Answer:
        """Show a link with which somebody new, or the person that the form names, chooses a password."""
        form = visit.form
        if "person" in form:
            return self._page(visit, self._person(visit, form["person"]))
        role = chosen(Role, form["role"])
        return self._page(
            visit, people.add(self._parts.people, visit.company.id, form["email"], role, visit.by)
        )

    def set_role(self, visit: Visit) -> Answer:
        """Give somebody another role."""
        person, role = self._person(visit), chosen(Role, visit.form["role"])
        people.set_role(self._parts.people, person, role, visit.by)
        return redirect(_PAGE, f"{person.email} is {role} now.")

    def sign_out(self, visit: Visit) -> Answer:
        """End all sessions of somebody."""
        person = self._person(visit)
        self._parts.people.end_sessions(person.id)
        return redirect(_PAGE, f"{person.email} is signed out everywhere.")

    def remove(self, visit: Visit) -> Answer:
        """Forget somebody."""
        person = self._person(visit)
        self._parts.people.remove(person, visit.by)
        return redirect(_PAGE, f"{person.email} is removed.")

    def _page(self, visit: Visit, invited: Person | None = None) -> Answer:
        link = None
        if invited:
            secret = people.make_link(self._parts.people, invited, visit.by)
            link = f"{base_url(visit.call)}/welcome/{secret}"
        known = self._parts.people.of_company(visit.company.id)
        sessions: dict[int, list[Session]] = {person.id: [] for person in known}
        for session in self._parts.people.sessions_of_company(visit.company.id):
            sessions.setdefault(session.person.id, []).append(session)
        content: dict[str, Any] = {
            "people": [(person, sessions[person.id]) for person in known],
            "roles": [(role, role.value) for role in Role],
            "invited": invited,
            "link": link,
            "link_s": people.LINK_MS // 1000,
        }
        return self._renderer.page(visit, "settings_people.html", **content)

    def _person(self, visit: Visit, number: str = "") -> Person:
        """The person of that number, or of that in the path, if they are of the visitor's company."""
        known = self._parts.people.of_company(visit.company.id)
        person = next((each for each in known if str(each.id) == (number or visit.call.parts[3])), None)
        if person is None:
            raise RouteNotFound("There is no such person here.")
        return person
