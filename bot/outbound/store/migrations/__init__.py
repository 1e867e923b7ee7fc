"""Migrations of the database from older versions of the bot."""
