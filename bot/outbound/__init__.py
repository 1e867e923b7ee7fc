"""Clients of Anchor, of Slack and of the database."""
