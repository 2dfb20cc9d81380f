"""People and their sessions in the database of the records (``ports.People``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    delete,
    insert,
    or_,
    select,
    update,
)

from openrate.errors import OpenrateError
from openrate.model import Action, By, Person, Role
from openrate.ports.people import MOST_SESSIONS, Session
from openrate.storage import audit
from openrate.storage.database import Database
from openrate.storage.tables import people, sessions

_PERSON = (
    people.c.id,
    people.c.company_id,
    people.c.email,
    people.c.role,
    people.c.created_at,
    people.c.password.is_not(None),
)
_LATEST_FIRST = (sessions.c.seen_at.desc(), sessions.c.id.desc())
_SESSION = (sessions.c.id, sessions.c.agent, sessions.c.created_at, sessions.c.seen_at, *_PERSON)


class SqlPeople:
    """Asked at every page, so that what is taken from somebody is taken at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_company(self, company_id: int) -> list[Person]:
        """The people of a company, by address."""
        wanted = select(*_PERSON).where(people.c.company_id == company_id).order_by(people.c.email)
        with self._database.reading() as connection:
            return [_person(row) for row in connection.execute(wanted)]

    def by_email(self, email: str) -> tuple[Person, str | None] | None:
        """The person of that address, and the hash of their password, if they have chosen one."""
        wanted = select(*_PERSON, people.c.password).where(people.c.email == email)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else (_person(row[:-1]), row[-1])

    def by_link(self, hashed: bytes, now: int) -> Person | None:
        """The person whose link this is, unless it has expired."""
        wanted = select(*_PERSON).where(people.c.link_hash == hashed, people.c.link_expires_at > now)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else _person(row)

    def add(self, company_id: int, email: str, role: Role, by: By) -> Person:
        """Somebody new, without a password; raises OpenrateError when the address is in use."""
        row = insert(people).values(company_id=company_id, email=email, role=role.value, created_at=by.at)
        with self._database.writing(f"{email} is in use already: choose another address.") as connection:
            number = connection.scalar(row.returning(people.c.id))
            audit.write(connection, by, company_id, Action.PERSON_ADDED, email, after={"role": role})
        return Person(int(number or 0), company_id, email, role, by.at, has_password=False)

    def set_role(self, person: Person, role: Role, by: By) -> None:
        """Give a person another role; raises OpenrateError when no manager with a password would be left."""
        with self._database.writing() as connection:
            _check_managers(connection, person)
            connection.execute(_update(person).values(role=role.value))
            change = {"role": person.role}, {"role": role}
            audit.write(connection, by, person.company_id, Action.PERSON_CHANGED, person.email, *change)

    def set_link(self, person: Person, hashed: bytes, expires_at: int, by: By) -> None:
        """Let a person choose a password by a link, instead of the link before."""
        link = _update(person).values(link_hash=hashed, link_expires_at=expires_at)
        with self._database.writing() as connection:
            connection.execute(link)
            after = {"link": "new"}
            audit.write(connection, by, person.company_id, Action.PERSON_CHANGED, person.email, after=after)

    def set_password(
        self, person: Person, password_hash: str, by: By, link_hash: bytes | None = None
    ) -> bool:
        """Replace a person's password, void their link and end all their sessions; False: the link is not theirs."""
        change = {"password": "old" if person.has_password else None}, {"password": "new"}
        row = _update(person) if link_hash is None else _update(person).where(people.c.link_hash == link_hash)
        with self._database.writing() as connection:
            # By what the transaction sees: hashing a password takes long, and meanwhile the link may be used.
            if not connection.execute(
                row.values(password=password_hash, link_hash=None, link_expires_at=None)
            ).rowcount:
                return False
            connection.execute(delete(sessions).where(sessions.c.person_id == person.id))
            audit.write(connection, by, person.company_id, Action.PERSON_CHANGED, person.email, *change)
        return True

    def remove(self, person: Person, by: By) -> None:
        """Forget a person and end their sessions; raises OpenrateError as ``set_role`` does."""
        with self._database.writing() as connection:
            _check_managers(connection, person)
            connection.execute(delete(sessions).where(sessions.c.person_id == person.id))
            connection.execute(delete(people).where(people.c.id == person.id))
            before = {"role": person.role}
            audit.write(connection, by, person.company_id, Action.PERSON_REMOVED, person.email, before)

    def begin_session(self, person_id: int, hashed: bytes, agent: str, at: int, password_hash: str) -> bool:
        """Remember that a browser is signed in, and forget those that are too many then; see ``ports.People``."""
        row = insert(sessions).values(
            person_id=person_id, hashed=hashed, agent=agent, created_at=at, seen_at=at
        )
        known = select(people.c.id).where(people.c.id == person_id, people.c.password == password_hash)
        theirs = select(sessions.c.id).where(sessions.c.person_id == person_id).order_by(*_LATEST_FIRST)
        too_many = sessions.c.id.in_(theirs.offset(MOST_SESSIONS - 1))
        with self._database.writing() as connection:
            if connection.scalar(known) is None:
                return False
            connection.execute(delete(sessions).where(too_many))
            connection.execute(row)
        return True

    def session(self, hashed: bytes) -> Session | None:
        """The session with that secret."""
        found = self._sessions(_joined().where(sessions.c.hashed == hashed))
        return found[0] if found else None

    def touch_session(self, session_id: int, at: int) -> None:
        """Note that the session was used."""
        with self._database.writing() as connection:
            connection.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=at))

    def sessions(self, person_id: int) -> list[Session]:
        """A person's sessions, the one that was used last first."""
        return self._sessions(_latest_first().where(sessions.c.person_id == person_id))

    def sessions_of_company(self, company_id: int) -> list[Session]:
        """The sessions of all people of a company, the one that was used last first."""
        return self._sessions(_latest_first().where(people.c.company_id == company_id))

    def end_session(self, person_id: int, session_id: int) -> bool:
        """Sign a browser out; False when that person has no such session."""
        return self._end(sessions.c.person_id == person_id, sessions.c.id == session_id) > 0

    def end_sessions(self, person_id: int, *, but: int | None = None) -> None:
        """Sign all browsers of a person out, but for the one with the session ``but``."""
        self._end(sessions.c.person_id == person_id, sessions.c.id.is_distinct_from(but))

    def end_sessions_before(self, created_at: int, seen_at: int) -> None:
        """Forget those that began or were used last before these times."""
        self._end(or_(sessions.c.created_at < created_at, sessions.c.seen_at < seen_at))

    def _sessions(self, wanted: Select[Any]) -> list[Session]:
        with self._database.reading() as connection:
            return [
                Session(row[0], _person(row[4:]), row[1], row[2], row[3])
                for row in connection.execute(wanted)
            ]

    def _end(self, *which: ColumnElement[bool]) -> int:
        with self._database.writing() as connection:
            return connection.execute(delete(sessions).where(*which)).rowcount


def _check_managers(connection: Connection, person: Person) -> None:
    """In the transaction that takes the role: two who take it from each other must not both succeed."""
    can_manage = (
        people.c.company_id == person.company_id,
        people.c.role == Role.MANAGER.value,
        people.c.password.is_not(None),
    )
    if list(connection.scalars(select(people.c.id).where(*can_manage))) == [person.id]:
        raise OpenrateError(
            f"{person.email} is the only manager who can sign in: make somebody else one first."
        )


def _update(person: Person) -> Update:
    return update(people).where(people.c.id == person.id)


def _joined() -> Select[Any]:
    return select(*_SESSION).join(people, people.c.id == sessions.c.person_id)


def _latest_first() -> Select[Any]:
    return _joined().order_by(*_LATEST_FIRST)


def _person(row: Sequence[Any]) -> Person:
    number, company_id, email, role, created_at, has_password = row
    return Person(number, company_id, email, Role(role), created_at, bool(has_password))
