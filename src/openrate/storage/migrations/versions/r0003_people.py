"""What the pages need: people, their sessions, and who changed what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add them."""
    _people()
    _sessions()
    _audit_entries()


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", _Id, nullable=False),
        sa.Column("company_id", _Id, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("link_hash", sa.LargeBinary),
        sa.Column("link_expires_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="people_pk"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="people_of_companies"),
        sa.UniqueConstraint("email", name="people_one_email"),
        sa.UniqueConstraint("link_hash", name="people_one_link_hash"),
    )
    op.create_index("people_by_company_id", "people", ["company_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", _Id, nullable=False),
        sa.Column("person_id", _Id, nullable=False),
        sa.Column("hashed", sa.LargeBinary, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="sessions_pk"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="sessions_of_people"),
        sa.UniqueConstraint("hashed", name="sessions_one_hashed"),
    )
    op.create_index("sessions_by_person_id", "sessions", ["person_id"])


def _audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", _Id, nullable=False),
        sa.Column("company_id", _Id, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_entries_pk"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="audit_entries_of_companies"),
    )
    op.create_index("audit_entries_by_company_id_id", "audit_entries", ["company_id", "id"])
    op.create_index("audit_entries_by_company_id_subject", "audit_entries", ["company_id", "subject"])
