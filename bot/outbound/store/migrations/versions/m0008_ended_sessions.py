"""Sessions of cards that have ended, and the time of the next look."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("cards", sa.Column("ended_status", sa.Text))
    op.add_column("cards", sa.Column("ended_at", sa.Double))
    op.create_table(
        "session_checks",
        sa.Column("team_id", sa.String(40), primary_key=True),
        sa.Column("not_before", sa.Double, nullable=False),
    )
