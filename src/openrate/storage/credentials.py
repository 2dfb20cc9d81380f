"""Sealed credentials of apps, in the database of the records (``ports.CredentialStore``)."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from openrate.model import Action, App, By, ProviderName
from openrate.storage import audit
from openrate.storage.database import Database
from openrate.storage.tables import credentials


class SqlCredentials:
    """One row for each app; what it holds can be read only with the key, which is not here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, app_id: int) -> bytes | None:
        """What was put last for an app."""
        wanted = select(credentials.c.sealed).where(credentials.c.app_id == app_id)
        with self._database.reading() as connection:
            sealed: bytes | None = connection.scalar(wanted)
        return sealed

    def apps(self) -> set[int]:
        """The ids of the apps for which there is something."""
        with self._database.reading() as connection:
            return set(connection.scalars(select(credentials.c.app_id)))

    def put(self, app: App, provider: ProviderName, sealed: bytes, by: By) -> None:
        """Store, instead of what was there."""
        row = insert(credentials).values(
            app_id=app.id, provider=provider.value, sealed=sealed, updated_at=by.at
        )
        with self._database.writing() as connection:
            connection.execute(delete(credentials).where(credentials.c.app_id == app.id))
            connection.execute(row)
            after = {"provider": provider}
            audit.write(connection, by, app.company_id, Action.CREDENTIALS_SET, app.name, after=after)

    def remove(self, app: App, by: By) -> bool:
        """Forget; False when there was nothing."""
        with self._database.writing() as connection:
            removed = connection.execute(delete(credentials).where(credentials.c.app_id == app.id)).rowcount
            if removed:
                audit.write(connection, by, app.company_id, Action.CREDENTIALS_REMOVED, app.name)
        return bool(removed)
