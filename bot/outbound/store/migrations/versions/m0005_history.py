"""An index for the last orders of a workspace."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_orders_team", "orders", ["team_id", "given_at"])
