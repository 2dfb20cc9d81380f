"""Companies, apps, keys, campaigns, installations, secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make every table of the first version."""
    _companies_and_apps()
    _campaigns()
    _installations()


def _companies_and_apps() -> None:
    op.create_table(
        "companies",
        sa.Column("id", _Id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("influence_window", sa.Integer, nullable=False),
        sa.Column("reengage_window", sa.Integer, nullable=False),
        sa.Column("inactive_after", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="companies_pk"),
        sa.UniqueConstraint("name", name="companies_one_name"),
    )
    op.create_table(
        "apps",
        sa.Column("id", _Id, nullable=False),
        sa.Column("company_id", _Id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("live_key", sa.Text, nullable=False),
        sa.Column("dev_key", sa.Text, nullable=False),
        sa.Column("sdk_key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="apps_pk"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="apps_of_companies"),
        sa.UniqueConstraint("live_key", name="apps_one_live_key"),
        sa.UniqueConstraint("dev_key", name="apps_one_dev_key"),
        sa.UniqueConstraint("sdk_key", name="apps_one_sdk_key"),
        sa.UniqueConstraint("company_id", "platform", "name", name="apps_one_company_id_platform_name"),
    )
    op.create_table(
        "rest_keys",
        sa.Column("id", _Id, nullable=False),
        sa.Column("company_id", _Id, nullable=False),
        sa.Column("hashed", sa.LargeBinary, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="rest_keys_pk"),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name="rest_keys_of_companies"),
        sa.UniqueConstraint("hashed", name="rest_keys_one_hashed"),
    )
    op.create_index("rest_keys_by_company_id", "rest_keys", ["company_id"])


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", _Id, nullable=False),
        sa.Column("app_id", _Id, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("has_versions", sa.Boolean, nullable=False),
        sa.Column("dev_only", sa.Boolean, nullable=False),
        sa.Column("from_api", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("was_live", sa.Boolean, nullable=False),
        sa.Column("was_completed", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="campaigns_pk"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="campaigns_of_apps"),
        sa.UniqueConstraint("token", name="campaigns_one_token"),
    )
    op.create_index("campaigns_by_app_id_id", "campaigns", ["app_id", "id"])


def _installations() -> None:
    op.create_table(
        "installations",
        sa.Column("app_id", _Id, nullable=False),
        sa.Column("dev", sa.Boolean, nullable=False),
        sa.Column("installation_id", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary),
        sa.Column("token_version", sa.Integer, nullable=False),
        sa.Column("push_token", sa.Text),
        sa.Column("push_token_hash", sa.LargeBinary),
        sa.Column("language", sa.Text),
        sa.Column("region", sa.Text),
        sa.Column("timezone", sa.Text),
        sa.Column("app_version", sa.Text),
        sa.Column("opted_in", sa.Boolean, nullable=False),
        sa.Column("custom_id", sa.Text),
        sa.Column("attributes", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "dev", "installation_id", name="installations_pk"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="installations_of_apps"),
        sa.UniqueConstraint(
            "app_id", "dev", "push_token_hash", name="installations_one_app_id_dev_push_token_hash"
        ),
    )
    op.create_table(
        "retired_installations",
        sa.Column("app_id", _Id, nullable=False),
        sa.Column("dev", sa.Boolean, nullable=False),
        sa.Column("installation_id", sa.Text, nullable=False),
        sa.Column("token_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "dev", "installation_id", name="retired_installations_pk"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="retired_installations_of_apps"),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="secrets_pk"),
    )
