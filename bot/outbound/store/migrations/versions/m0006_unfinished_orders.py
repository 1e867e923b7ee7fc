"""Unfinished orders in the sequence in which they are taken over."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_UNFINISHED = sa.text("state <> 'told'")


def upgrade() -> None:
    """Index them by age: an index by lease was not used for that, and each renewal had to change it."""
    op.drop_index("ix_orders_unfinished", "orders")
    op.create_index(
        "ix_orders_unfinished", "orders", ["given_at", "id"], postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED
    )
