"""Settings by admins, with a version each; the tables of admins and notices."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Mark existing keys as unverified. Defaults keep the tables usable for replicas of the older version."""
    for column in (
        sa.Column("anchor_api_key_check", sa.Text),
        sa.Column("anchor_api_key_set_by", sa.String(40)),
        sa.Column("anchor_api_key_set_at", sa.BigInteger),
        sa.Column("key_version", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("policy", sa.Text),
        sa.Column("policy_version", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("alerts_token_version", sa.Integer, nullable=False, server_default=sa.text("0")),
    ):
        op.add_column("workspaces", column)
    op.execute("UPDATE workspaces SET anchor_api_key_check = 'unverified' WHERE anchor_api_key IS NOT NULL")
    op.create_table(
        "admins",
        sa.Column("team_id", sa.String(40), sa.ForeignKey("workspaces.team_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_id", sa.String(40), primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notices",
        sa.Column("team_id", sa.String(40), sa.ForeignKey("workspaces.team_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("told_at", sa.BigInteger, nullable=False),
    )
