"""The journal of orders."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_UNFINISHED = sa.text("state <> 'told'")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "orders",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("trigger_id", sa.Text, unique=True),
        sa.Column("team_id", sa.String(40), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("home_team_id", sa.String(40), nullable=False),
        sa.Column("channel_id", sa.String(40), nullable=False),
        sa.Column("thread_ts", sa.Text),
        sa.Column("reply", sa.Text),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(40)),
        sa.Column("outcome_fields", sa.Text),
        sa.Column("delivered_by", sa.String(40)),
        sa.Column("given_at", sa.Double, nullable=False),
        sa.Column("settled_at", sa.Double),
        sa.Column("told_at", sa.Double),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
    )
    op.create_index("ix_orders_session", "orders", ["team_id", "session_id", "given_at"])
    op.create_index("ix_orders_given_at", "orders", ["given_at"])
    op.create_index(
        "ix_orders_unfinished", "orders", ["leased_until"], postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED
    )
