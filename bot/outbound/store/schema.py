"""The tables. Secrets are stored as ciphertext or digest, times in Unix seconds."""

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
    Column("anchor_api_key_check", Text),  # a KeyCheck; null without a key
    Column("anchor_api_key_set_by", String(40)),  # null if an operator did
    Column("anchor_api_key_set_at", BigInteger),
    Column("key_version", Integer, nullable=False, server_default=text("0")),  # incremented by each change
    Column("policy", Text),  # JSON, see fields.py; null is the default
    Column("policy_version", Integer, nullable=False, server_default=text("0")),
    Column("alerts_token_version", Integer, nullable=False, server_default=text("0")),
)
"""One row per workspace that has the app installed."""

install_states = Table(
    "install_states",
    metadata,
    Column("state_digest", String(64), primary_key=True),
    Column("browser_digest", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)
"""Used states: each works once, and recent ones tell a used state from an expired one."""

key_checks = Table(
    "key_checks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("ciphertext", Text, nullable=False),
)
"""A known plaintext per key that has encrypted here: a bot that cannot decrypt one lacks that key."""

admins = Table(
    "admins",
    metadata,
    Column("team_id", String(40), ForeignKey("workspaces.team_id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String(40), primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
)
"""Users who were admins of their workspace when they opened Home."""

notices = Table(
    "notices",
    metadata,
    Column("team_id", String(40), ForeignKey("workspaces.team_id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("told_at", BigInteger, nullable=False),
)
"""Notices that a workspace has had."""
