"""What Alembic runs: the steps, in the transaction of the connection that ``database.py`` hands over."""

from __future__ import annotations

from alembic import context

from openrate.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite can roll back a CREATE TABLE, which Alembic does not count on: a kill in the middle leaves nothing.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
