"""What sending needs: audiences, credentials, sends with their chunks and journals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from openrate.audience import version_key

revision = "0002"
down_revision = "0001"

_AT_ONCE = 1_000
"""Installations in a statement."""
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add them to the first version."""
    _columns()
    _audiences()
    _credentials()
    _sends()
    _chunks()


def _columns() -> None:
    op.add_column("apps", sa.Column("send_rate", sa.Integer))
    op.add_column("campaigns", sa.Column("completed_at", sa.BigInteger))
    op.add_column("campaigns", sa.Column("next_due_at", sa.BigInteger))
    op.add_column("campaigns", sa.Column("live_since", sa.BigInteger))
    op.create_index("campaigns_by_next_due_at_completed_at", "campaigns", ["next_due_at", "completed_at"])
    # SQLite writes the table anew, with its rows in the order of the key: a minute for a million.
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table(
        "installations",
        recreate="always" if is_sqlite else "never",
        table_kwargs={"sqlite_with_rowid": False},
    ) as installations:
        installations.add_column(sa.Column("tags", sa.Text))
        installations.add_column(sa.Column("app_version_key", sa.Text))
    _fill_version_keys()


def _fill_version_keys() -> None:
    """The column is filled when an installation is put; those that are there already were put before it was."""
    name = ("app_id", "dev", "installation_id")
    table = sa.table(
        "installations", *(sa.column(each) for each in (*name, "app_version", "app_version_key"))
    )
    versions = sa.select(*(table.c[each] for each in name), table.c.app_version)
    change = (
        sa.update(table)
        .where(*(table.c[each] == sa.bindparam(f"its_{each}") for each in name))
        .values(app_version_key=sa.bindparam("key"))
    )
    connection = op.get_bind()
    after: tuple[object, ...] = (-1, False, "")
    while True:
        later = sa.tuple_(*(table.c[each] for each in name)) > sa.tuple_(*map(sa.literal, after))
        part = versions.where(later).order_by(*name).limit(_AT_ONCE)
        rows = list(map(tuple, connection.execute(part)))
        keys = [
            {"its_app_id": app_id, "its_dev": dev, "its_installation_id": installation_id, "key": key}
            for app_id, dev, installation_id, version in rows
            if (key := version_key(version)) is not None
        ]
        if keys:
            connection.execute(change, keys)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][:3]


def _audiences() -> None:
    op.create_table(
        "audiences",
        sa.Column("id", _Id, nullable=False),
        sa.Column("app_id", _Id, nullable=False),
        sa.Column("dev", sa.Boolean, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="audiences_pk"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="audiences_of_apps"),
    )
    op.create_index("audiences_by_app_id_dev_name", "audiences", ["app_id", "dev", "name"])
    op.create_table(
        "audience_members",
        sa.Column("audience", _Id, nullable=False),
        sa.Column("installation_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("audience", "installation_id", name="audience_members_pk"),
        sa.ForeignKeyConstraint(["audience"], ["audiences.id"], name="audience_members_of_audiences"),
        sqlite_with_rowid=False,
    )


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("app_id", _Id, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="credentials_pk"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="credentials_of_apps"),
    )


def _sends() -> None:
    op.create_table(
        "sends",
        sa.Column("id", _Id, nullable=False),
        sa.Column("campaign_id", _Id, nullable=False),
        sa.Column("send_id", sa.Text, nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("recipients", sa.Integer, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("skipped", sa.Integer, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="sends_pk"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="sends_of_campaigns"),
        sa.UniqueConstraint("campaign_id", "send_id", "wave", name="sends_one_campaign_id_send_id_wave"),
    )
    op.create_index("sends_by_state", "sends", ["state"])


def _chunks() -> None:
    op.create_table(
        "send_chunks",
        sa.Column("send", _Id, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("recipients", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("send", "number", name="send_chunks_pk"),
        sa.ForeignKeyConstraint(["send"], ["sends.id"], name="send_chunks_of_sends"),
    )
    op.create_table(
        "send_journals",
        sa.Column("send", _Id, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("is_done", sa.Boolean, nullable=False),
        sa.Column("outcomes", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("send", "number", name="send_journals_pk"),
        sa.ForeignKeyConstraint(
            ["send", "number"],
            ["send_chunks.send", "send_chunks.number"],
            name="send_journals_of_send_chunks",
        ),
    )
