"""The tables. Secrets are stored as ciphertext or digest, times in Unix seconds."""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

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
    Column("expires_at", BigInteger, nullable=False),
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

roles = Table(
    "roles",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("user_id", String(40), primary_key=True),
    Column("profile", Text, nullable=False),  # JSON, see role_rows.py
    Column("seen_at", BigInteger, nullable=False),
)
"""What Slack has last reported about a person."""

orders = Table(
    "orders",
    metadata,
    Column("id", String(40), primary_key=True),  # ascending with time
    Column("trigger_id", Text, unique=True),  # Slack's id of the invocation: a request that comes twice is one order
    Column("team_id", String(40), nullable=False),
    Column("session_id", String(40), nullable=False),
    Column("verb", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("source", String(20), nullable=False),
    Column("user_id", String(40), nullable=False),
    Column("home_team_id", String(40), nullable=False),
    Column("channel_id", String(40), nullable=False),
    Column("thread_ts", Text),
    Column("reply", Text),  # ciphertext, see order_codec.py; null once it is told
    Column("state", String(20), nullable=False),  # a State
    Column("outcome", String(40)),  # the name of a type in core/outcomes.py
    Column("outcome_fields", Text),  # JSON
    Column("delivered_by", String(40)),  # the route of the answer; null if Slack refused every one
    Column("given_at", Double, nullable=False),  # by the clock of the database, as all times of this table
    Column("settled_at", Double),
    Column("told_at", Double),
    Column("owner", String(40), nullable=False),  # the process that works on it
    Column("leased_until", Double, nullable=False),  # then another process takes over
)
"""One row per order to pause or resume a session."""

UNFINISHED = text("state <> 'told'")
"""The condition of the partial index, as the queries have to repeat it."""

cards = Table(
    "cards",
    metadata,
    Column("id", String(40), primary_key=True),  # ascending with time
    Column("team_id", String(40), nullable=False),
    Column("channel_id", String(40), nullable=False),
    Column("ts", String(40)),  # of the message; null until it is posted
    Column("session_id", String(40), nullable=False),
    Column("kind", String(20), nullable=False),  # alert or result
    Column("content", Text, nullable=False),  # JSON, see card_codec.py
    Column("shown", String(64)),  # the digest of the message as Slack has it
    Column("version", Integer, nullable=False),  # incremented by each change that Slack is to be told
    Column("due", Double),  # since when Slack is to be told of a change; null if it has the newest state
    Column("not_before", Double, nullable=False),  # the next attempt; that of the owner has ended by then
    Column("attempts", Integer, nullable=False),
    Column("owner", String(40)),  # the process of the last attempt
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("closed_at", Double),  # from then on the message is left as it is
    Column("ended_status", Text),  # Anchor's word for the end of the session; null if none is known
    Column("ended_at", Double),  # when Anchor said so
    Column("facts", Text),  # JSON, see card_codec.py; null if nothing is known of the session
)
"""One row per session on a message that the bot keeps up to date. All times are the database's."""

paces = Table(
    "paces",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("pace", Text, nullable=False),  # JSON, see core/pace.py
)
"""What each workspace has been sent recently, within Slack's rate limits."""

session_checks = Table(
    "session_checks",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("not_before", Double, nullable=False),
)
"""When Anchor is asked again about the sessions of a workspace's cards, by any process."""
