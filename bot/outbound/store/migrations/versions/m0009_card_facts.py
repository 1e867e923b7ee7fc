"""Facts of the sessions of cards."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.add_column("cards", sa.Column("facts", sa.Text))
