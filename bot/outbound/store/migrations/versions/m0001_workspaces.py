"""The first tables: workspaces, pending installations, and key checks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "workspaces",
        sa.Column("team_id", sa.String(40), primary_key=True),
        sa.Column("team_name", sa.Text, nullable=False),
        sa.Column("enterprise_id", sa.String(40)),
        sa.Column("app_id", sa.String(40), nullable=False),
        sa.Column("bot_user_id", sa.String(40), nullable=False),
        sa.Column("bot_token", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("installed_by", sa.String(40), nullable=False),
        sa.Column("installed_at", sa.BigInteger, nullable=False),
        sa.Column("anchor_api_key", sa.Text),
        sa.Column("alerts_token_digest", sa.String(64)),
        sa.Column("alerts_channel", sa.String(40)),
    )
    op.create_table(
        "install_states",
        sa.Column("state_digest", sa.String(64), primary_key=True),
        sa.Column("browser_digest", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_index("ix_install_states_expires_at", "install_states", ["expires_at"])
    op.create_table(
        "key_checks",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("ciphertext", sa.Text, nullable=False),
    )
