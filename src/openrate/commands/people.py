"""Commands about the people who sign in to the pages."""

from __future__ import annotations

from openrate import people
from openrate.commands.parts import Parts
from openrate.commands.records import Answer, by, company_of
from openrate.commands.requests import CreateUser, ListUsers, RemoveUser, SetUser
from openrate.control import Talk
from openrate.model import Person
from openrate.times import format_time


def create_user(parts: Parts, request: CreateUser, talk: Talk) -> Answer:
    """Make a person with a password."""
    company = company_of(parts, request.company)
    people.check_password(request.password)
    person = people.add(parts.people, company.id, request.email, request.role, by(parts, talk))
    people.set_password(parts.people, person, request.password, by(parts, talk))
    return _shown(company.name, person)


def list_users(parts: Parts, _request: ListUsers, _talk: Talk) -> list[Answer]:
    """Everybody who may sign in, by company."""
    return [
        _shown(company.name, person)
        for company in parts.records.companies()
        for person in parts.people.of_company(company.id)
    ]


def set_user(parts: Parts, request: SetUser, talk: Talk) -> Answer:
    """Change a person's role or password; a new password signs them out everywhere."""
    person = people.known(parts.people, request.email)
    if request.role is not None:
        people.set_role(parts.people, person, request.role, by(parts, talk))
    if request.password is not None:
        people.set_password(parts.people, person, request.password, by(parts, talk))
    return _shown(_company(parts, person), people.known(parts.people, request.email))


def remove_user(parts: Parts, request: RemoveUser, talk: Talk) -> Answer:
    """Forget a person and end their sessions."""
    person = people.known(parts.people, request.email)
    parts.people.remove(person, by(parts, talk))
    return {"company": _company(parts, person), "email": person.email, "removed": True}


def _company(parts: Parts, person: Person) -> str:
    return next(each.name for each in parts.records.companies() if each.id == person.company_id)


def _shown(company: str, person: Person) -> Answer:
    return {
        "company": company,
        "email": person.email,
        "role": person.role,
        "created": format_time(person.created_at),
    }
