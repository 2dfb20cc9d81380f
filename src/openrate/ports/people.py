"""The people who sign in to the pages, their sessions, and who changed what."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from openrate.model import AuditEntry, By, Person, Role

MOST_SESSIONS = 50
"""Of a person: more are nobody's browsers, and their list would be long to load."""


class Session(NamedTuple):
    """A browser that is signed in.

    Attributes:
        agent: what the browser called itself when it signed in.
        seen_at: when it asked for a page last, to the minute; both times in milliseconds since 1970.
    """

    id: int
    person: Person
    agent: str
    created_at: int
    seen_at: int


class People(Protocol):
    """The people of all companies. Every method is one transaction, safe to call from any thread.

    What changes something says by whom, which goes to the audit log with it.
    """

    def of_company(self, company_id: int) -> list[Person]:
        """The people of a company, by address."""

    def by_email(self, email: str) -> tuple[Person, str | None] | None:
        """The person of that address, and the hash of their password, if they have chosen one."""

    def by_link(self, hashed: bytes, now: int) -> Person | None:
        """The person whose link this is, unless it has expired."""

    def add(self, company_id: int, email: str, role: Role, by: By) -> Person:
        """Somebody new, without a password; raises OpenrateError when the address is in use."""

    def set_role(self, person: Person, role: Role, by: By) -> None:
        """Give a person another role; raises OpenrateError when no manager with a password would be left."""

    def set_link(self, person: Person, hashed: bytes, expires_at: int, by: By) -> None:
        """Let a person choose a password by a link, instead of the link before."""

    def set_password(
        self, person: Person, password_hash: str, by: By, link_hash: bytes | None = None
    ) -> bool:
        """Replace a person's password, void their link and end all their sessions.

        False when a link is named and it is not theirs any more: then nothing was changed.
        """

    def remove(self, person: Person, by: By) -> None:
        """Forget a person and end their sessions; raises OpenrateError as ``set_role`` does."""

    def begin_session(self, person_id: int, hashed: bytes, agent: str, at: int, password_hash: str) -> bool:
        """Remember that a browser is signed in, by the SHA-256 of its secret.

        Of ``MOST_SESSIONS`` others the one that was used longest ago ends.
        False when the person's password is another one by now, or there is no such person.
        """

    def session(self, hashed: bytes) -> Session | None:
        """The session with that secret."""

    def touch_session(self, session_id: int, at: int) -> None:
        """Note that the session was used."""

    def sessions_of_company(self, company_id: int) -> list[Session]:
        """The sessions of all people of a company, the one that was used last first."""

    def sessions(self, person_id: int) -> list[Session]:
        """A person's sessions, the one that was used last first."""

    def end_session(self, person_id: int, session_id: int) -> bool:
        """Sign a browser out; False when that person has no such session."""

    def end_sessions(self, person_id: int, *, but: int | None = None) -> None:
        """Sign all browsers of a person out, but for the one with the session ``but``."""

    def end_sessions_before(self, created_at: int, seen_at: int) -> None:
        """Forget those that began or were used last before these times."""


class AuditLog(Protocol):
    """Who changed what, for good."""

    def entries(
        self,
        company_id: int,
        *,
        by: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[AuditEntry]:
        """The entries of a company, the newest first.

        Args:
            company_id: whose.
            by: only changes by this person, key or other name (``model.By``).
            subject: only those about this campaign, key, app or person.
            before: only those with a smaller number, for the next page.
            limit: how many at most.
        """
