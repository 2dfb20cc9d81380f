"""The tables of the records, as the program uses them; ``migrations/`` is how a database gets there.

A test holds the two together. Types are those that SQLite and PostgreSQL share. Times are milliseconds since
1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

_NAMES = {
    "ix": "%(table_name)s_by_%(column_0_N_name)s",
    "uq": "%(table_name)s_one_%(column_0_N_name)s",
    "fk": "%(table_name)s_of_%(referred_table_name)s",
    "pk": "%(table_name)s_pk",
}
METADATA = MetaData(naming_convention=_NAMES)

_Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of type INTEGER, which has 64 bits there anyway."""

companies = Table(
    "companies",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("influence_window", Integer, nullable=False),
    Column("reengage_window", Integer, nullable=False),
    Column("inactive_after", Integer, nullable=False),
)

apps = Table(
    "apps",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("company_id", _Id, ForeignKey("companies.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("live_key", Text, nullable=False, unique=True),
    Column("dev_key", Text, nullable=False, unique=True),
    Column("sdk_key", Text, nullable=False, unique=True),
    Column("send_rate", Integer),
    UniqueConstraint("company_id", "platform", "name"),
)

rest_keys = Table(
    "rest_keys",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("company_id", _Id, ForeignKey("companies.id"), nullable=False, index=True),
    Column("hashed", LargeBinary, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

campaigns = Table(
    "campaigns",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("app_id", _Id, ForeignKey("apps.id"), nullable=False),
    Column("token", Text, nullable=False, unique=True),
    # Text and not a JSON type: what was given comes back with its keys in the order they were given.
    Column("parameters", Text, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("has_versions", Boolean, nullable=False),
    Column("dev_only", Boolean, nullable=False),
    Column("from_api", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("was_live", Boolean, nullable=False),
    Column("was_completed", Boolean, nullable=False),
    Column("deleted_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("next_due_at", BigInteger),
    Column("live_since", BigInteger),
    Index(None, "app_id", "id"),
    Index(None, "next_due_at", "completed_at"),
)

installations = Table(
    "installations",
    METADATA,
    Column("app_id", _Id, ForeignKey("apps.id"), nullable=False),
    Column("dev", Boolean, nullable=False),
    Column("installation_id", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("secret_hash", LargeBinary),
    Column("token_version", Integer, nullable=False),
    Column("push_token", Text),
    # A web subscription is longer than an index entry of PostgreSQL may be, so its SHA-256 is indexed.
    Column("push_token_hash", LargeBinary),
    Column("language", Text),
    Column("region", Text),
    Column("timezone", Text),
    Column("app_version", Text),
    Column("opted_in", Boolean, nullable=False),
    Column("custom_id", Text),
    Column("attributes", Text),
    Column("tags", Text),
    # Versions compare as versions: this is ``app_version`` in a form whose order as text is theirs.
    Column("app_version_key", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("app_id", "dev", "installation_id"),
    UniqueConstraint("app_id", "dev", "push_token_hash"),
    # Rows lie in the order of the key, in which a million of them are selected: a fifth of the time.
    sqlite_with_rowid=False,
)

retired_installations = Table(
    "retired_installations",
    METADATA,
    Column("app_id", _Id, nullable=False),
    Column("dev", Boolean, nullable=False),
    Column("installation_id", Text, nullable=False),
    Column("token_version", Integer, nullable=False),
    PrimaryKeyConstraint("app_id", "dev", "installation_id"),
    ForeignKeyConstraint(["app_id"], ["apps.id"]),
)

audiences = Table(
    "audiences",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("app_id", _Id, ForeignKey("apps.id"), nullable=False),
    Column("dev", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # One of a name is; the others are being written or being removed.
    Column("is_current", Boolean, nullable=False),
    Index(None, "app_id", "dev", "name"),
)

audience_members = Table(
    "audience_members",
    METADATA,
    Column("audience", _Id, ForeignKey("audiences.id"), nullable=False),
    Column("installation_id", Text, nullable=False),
    PrimaryKeyConstraint("audience", "installation_id"),
    # All of a row is its key.
    sqlite_with_rowid=False,
)

credentials = Table(
    "credentials",
    METADATA,
    Column("app_id", _Id, ForeignKey("apps.id"), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

sends = Table(
    "sends",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("campaign_id", _Id, ForeignKey("campaigns.id"), nullable=False),
    Column("send_id", Text, nullable=False),
    # A send by local time goes out in waves, one per moment at which its time comes somewhere.
    Column("wave", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("reason", Text),
    Column("recipients", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("finished_at", BigInteger),
    UniqueConstraint("campaign_id", "send_id", "wave"),
)

send_chunks = Table(
    "send_chunks",
    METADATA,
    Column("send", _Id, ForeignKey("sends.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("recipients", LargeBinary, nullable=False),
    PrimaryKeyConstraint("send", "number"),
)

# Beside the chunk and not in it: the journal is written forty times a second, and a row is written whole.
send_journals = Table(
    "send_journals",
    METADATA,
    Column("send", _Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", BigInteger, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("outcomes", LargeBinary, nullable=False),
    Column("attempts", LargeBinary, nullable=False),
    PrimaryKeyConstraint("send", "number"),
    ForeignKeyConstraint(["send", "number"], ["send_chunks.send", "send_chunks.number"]),
)

secrets = Table(
    "secrets",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

people = Table(
    "people",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("company_id", _Id, ForeignKey("companies.id"), nullable=False, index=True),
    Column("email", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    # Argon2, with its parameters and its salt; none before the person has chosen a password.
    Column("password", Text),
    # SHA-256 of what is in the link with which the person chooses one.
    Column("link_hash", LargeBinary, unique=True),
    Column("link_expires_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("person_id", _Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("hashed", LargeBinary, nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

audit_entries = Table(
    "audit_entries",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("company_id", _Id, ForeignKey("companies.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Index(None, "company_id", "id"),
    Index(None, "company_id", "subject"),
)

audience_days = Table(
    "audience_days",
    METADATA,
    Column("app_id", _Id, ForeignKey("apps.id"), nullable=False),
    # Days since 1970, UTC. Of the installations of the live world, as they were counted last on that day.
    Column("day", Integer, nullable=False),
    Column("installations", Integer, nullable=False),
    Column("opted_in", Integer, nullable=False),
    PrimaryKeyConstraint("app_id", "day"),
)
