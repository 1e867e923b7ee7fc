"""Migrations of the database from older versions of the bot."""

HEAD = "0009"
"""The newest migration. A database of this revision is used without loading Alembic, which takes 10 MB."""
