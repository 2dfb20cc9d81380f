"""How many installations an app had, day by day: what happened before cannot be told from the rows of now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "audience_days",
        sa.Column("app_id", _Id, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("installations", sa.Integer, nullable=False),
        sa.Column("opted_in", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "day", name="audience_days_pk"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="audience_days_of_apps"),
    )
