"""How a database gets from any earlier version of the records to this one (Alembic)."""
