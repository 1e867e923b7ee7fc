"""The tables. What they hold of secrets is ciphertext or a digest; times are in Unix seconds."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, String, Table, Text, text

metadata = MetaData()

workspaces = Table(
    "workspaces",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("team_name", Text, nullable=False),
    Column("enterprise_id", String(40)),
    Column("app_id", String(40), nullable=False),
    Column("bot_user_id", String(40), nullable=False),
    Column("bot_token", Text, nullable=False),  # ciphertext
    Column("scopes", Text, nullable=False),  # separated by commas
    Column("installed_by", String(40), nullable=False),
    Column("installed_at", BigInteger, nullable=False),
    Column("anchor_api_key", Text),  # ciphertext
    Column("alerts_token_digest", String(64)),
    Column("alerts_channel", String(40)),
    Column("anchor_api_key_check", Text),  # a KeyCheck; null where there is no key
    Column("anchor_api_key_set_by", String(40)),  # null where an operator did
    Column("anchor_api_key_set_at", BigInteger),
    Column("key_version", Integer, nullable=False, server_default=text("0")),  # another one after each change
    Column("policy", Text),  # as policy_json.py has it; null is the default
    Column("policy_version", Integer, nullable=False, server_default=text("0")),
    Column("alerts_token_version", Integer, nullable=False, server_default=text("0")),
)
"""One row for each workspace that the app is installed in."""

install_states = Table(
    "install_states",
    metadata,
    Column("state_digest", String(64), primary_key=True),
    Column("browser_digest", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)
"""Installations that were begun: kept for a while after their end, to tell a used one from one that never was."""

key_checks = Table(
    "key_checks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("ciphertext", Text, nullable=False),
)
"""A known text for each key that has encrypted here: whoever can't decrypt one of them lacks a key that is needed."""

admins = Table(
    "admins",
    metadata,
    Column("team_id", String(40), ForeignKey("workspaces.team_id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String(40), primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
)
"""People whom Slack called admins of their workspace. They go with it."""

notices = Table(
    "notices",
    metadata,
    Column("team_id", String(40), ForeignKey("workspaces.team_id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("told_at", BigInteger, nullable=False),
)
"""What a workspace is told once, by its name here. They go with it."""
