"""Cards that the bot keeps up to date, and the pace of their updates."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "cards",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("team_id", sa.String(40), nullable=False),
        sa.Column("channel_id", sa.String(40), nullable=False),
        sa.Column("ts", sa.String(40)),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("shown", sa.String(64)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("due", sa.Double),
        sa.Column("not_before", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("closed_at", sa.Double),
    )
    op.create_index("ix_cards_session", "cards", ["team_id", "session_id"])
    op.create_index("ix_cards_message", "cards", ["team_id", "channel_id", "ts"])
    op.create_index("ix_cards_due", "cards", ["due", "not_before"])
    op.create_index("ix_cards_changed_at", "cards", ["changed_at"])
    op.create_table(
        "paces",
        sa.Column("team_id", sa.String(40), primary_key=True),
        sa.Column("pace", sa.Text, nullable=False),
    )
