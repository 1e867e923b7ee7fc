"""Run the migrations on the given connection, in its transaction (called by Alembic)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
