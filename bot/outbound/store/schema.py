"""The tables, and their version. There is one until the first release: a database of another version is not used."""

import logging
import re

from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreNotUsableError

_log = logging.getLogger(__name__)

VERSION = "11"  # the version of `SCHEMA`: each change of the tables changes it
_LOCK_ID = 4_721_130_552_318_604_097  # any number, the same in every process
_OTHER = (
    "DATABASE_URL: the tables of the database are of version {version}, and this bot uses only those of version {own}. "
    "Start with a new database; nothing in this one was changed."
)
SCHEMA = """
    -- Secrets are stored as ciphertext or digest. Times are in Unix seconds, most are the database's.
    CREATE TABLE workspaces ( -- that have the app installed; of the one of the settings, only its ids
      team_id VARCHAR(40) NOT NULL PRIMARY KEY, team_name TEXT NOT NULL, enterprise_id VARCHAR(40),
      app_id VARCHAR(40) NOT NULL, bot_user_id VARCHAR(40) NOT NULL,
      bot_token TEXT NOT NULL, token_digest VARCHAR(64), -- ciphertext; '' and a digest if it is in the settings
      scopes TEXT NOT NULL, installed_by VARCHAR(40) NOT NULL, installed_at BIGINT NOT NULL, -- separated by commas
      anchor_api_key TEXT, anchor_api_key_check TEXT, -- ciphertext, and a KeyCheck
      anchor_api_key_set_by VARCHAR(40), anchor_api_key_set_at BIGINT, -- by nobody: an operator did
      key_version INTEGER DEFAULT 0 NOT NULL, policy_version INTEGER DEFAULT 0 NOT NULL, -- each change increments one
      alerts_token_version INTEGER DEFAULT 0 NOT NULL,
      policy TEXT, -- JSON, null is the default
      alerts_channel VARCHAR(40), alerts_groups TEXT, -- the user groups that messages about alerts mention
      alert_tokens TEXT, -- the names and digests of the tokens for alerts in JSON, null without any
      auto_pause VARCHAR(10) DEFAULT 'off' NOT NULL -- an AutoPause
    );
    CREATE INDEX ix_workspaces_auto_pause ON workspaces (team_id) WHERE auto_pause <> 'off';
    CREATE TABLE marks ( -- what is small and has no table of its own
      -- scope: a workspace, name: `notice` and its name, until: it can be sent again, if ever
      -- `install`, the digest of a used OAuth state, its expiry
      -- `audit key`, the id of an encryption key; value: the key of links of the audit trail derived from it, encrypted
      -- `audit end`, a workspace; value: the signed end of its chain of the audit trail
      scope VARCHAR(40) NOT NULL, name VARCHAR(80) NOT NULL, until DOUBLE PRECISION, value TEXT,
      PRIMARY KEY (scope, name)
    );
    CREATE TABLE leases ( -- of each process that lives, by its name, and of the leader; see leases.py
      name VARCHAR(40) NOT NULL PRIMARY KEY, owner VARCHAR(40) NOT NULL, until DOUBLE PRECISION NOT NULL,
      term INTEGER NOT NULL
    );
    CREATE TABLE people ( -- the last report of Slack, in JSON, and when they opened Home as an admin
      team_id VARCHAR(40) NOT NULL, user_id VARCHAR(40) NOT NULL, profile TEXT NOT NULL, seen_at BIGINT NOT NULL,
      PRIMARY KEY (team_id, user_id)
    );
    CREATE INDEX ix_people_seen_at ON people (seen_at);
    CREATE TABLE orders ( -- `seq`: the sequence in which those of a session were recorded, `effect`: took effect
      seq INTEGER PRIMARY KEY AUTOINCREMENT, effect INTEGER, id VARCHAR(40) NOT NULL UNIQUE, trigger_id TEXT UNIQUE,
      team_id VARCHAR(40) NOT NULL, session_id VARCHAR(40) NOT NULL, batch_id VARCHAR(40),
      verb VARCHAR(20) NOT NULL, reason TEXT NOT NULL, source VARCHAR(20) NOT NULL,
      user_id VARCHAR(40) NOT NULL, home_team_id VARCHAR(40) NOT NULL, channel_id VARCHAR(40) NOT NULL, thread_ts TEXT,
      expected_version VARCHAR(40), -- of a Resume button: the id of the last order that its person knew of
      owner VARCHAR(40) NOT NULL, state VARCHAR(20) NOT NULL, -- the process that works on it; a State
      outcome VARCHAR(40), outcome_fields TEXT, -- the name of a type in core/outcomes.py, and its fields in JSON
      doubt INTEGER DEFAULT 0 NOT NULL, -- 1: a request had no answer, and can take effect for a minute
      told INTEGER DEFAULT 0 NOT NULL, -- 1: its person has the outcome, or nobody waits for it, or Slack refused it
      delivered_by VARCHAR(40), -- the route of the answer, null if Slack refused every one
      given_at DOUBLE PRECISION NOT NULL, settled_at DOUBLE PRECISION, told_at DOUBLE PRECISION,
      ends_at DOUBLE PRECISION, ends_by_default INTEGER, -- of a pause: when its session ends at the latest
      remind_at DOUBLE PRECISION -- of a pause: when people are to be reminded of it
    );
    CREATE INDEX ix_orders_team -- before the others: a plan for an empty table takes the last one that fits
      ON orders (team_id, given_at);
    CREATE INDEX ix_orders_session ON orders (team_id, session_id, seq);
    CREATE INDEX ix_orders_settled ON orders (team_id, session_id, verb, settled_at);
    CREATE INDEX ix_orders_effect ON orders (team_id, session_id, effect) WHERE effect IS NOT NULL;
    CREATE INDEX ix_orders_given_at ON orders (given_at);
    CREATE INDEX ix_orders_unfinished ON orders (seq) WHERE state <> 'settled' OR told = 0;
    CREATE INDEX ix_orders_of_alerts ON orders (given_at) WHERE source = 'alert';
    CREATE INDEX ix_orders_remind ON orders (remind_at) WHERE outcome = 'Paused' AND remind_at IS NOT NULL;
    CREATE INDEX ix_orders_batch ON orders (batch_id) WHERE batch_id IS NOT NULL;
    CREATE TABLE messages ( -- of the bot that are to be posted, or kept up to date; that of a batch has its id
      id VARCHAR(40) NOT NULL PRIMARY KEY, team_id VARCHAR(40) NOT NULL, channel_id VARCHAR(40) NOT NULL,
      ts VARCHAR(40), shown VARCHAR(64), -- null until it is posted; the digest of the message as Slack has it
      version INTEGER NOT NULL, -- incremented by each change that Slack is to be told
      due BIGINT, -- 0: no leader has it yet, else the term of the one that has it; null: Slack has this version
      urgency INTEGER NOT NULL, -- an Urgency
      created_at DOUBLE PRECISION NOT NULL, changed_at DOUBLE PRECISION NOT NULL,
      mentioned_at DOUBLE PRECISION, -- since when it mentions people
      sender VARCHAR(40), -- of the message about a failed pause: whose alert asked for it
      meant_for VARCHAR(40), -- the channel for which Slack has refused it: it is posted in the one for alerts
      more INTEGER DEFAULT 0 NOT NULL, -- the alerts that it counts without a part for each
      closed_at DOUBLE PRECISION, failure VARCHAR(80) -- since when it stays as it is, for this error code of Slack
    );
    CREATE INDEX ix_messages_due ON messages (due, urgency, id) WHERE due IS NOT NULL;
    CREATE INDEX ix_messages_posted ON messages (team_id, channel_id, ts);
    CREATE INDEX ix_messages_waiting ON messages (team_id, channel_id, urgency, id)
      WHERE ts IS NULL AND due IS NOT NULL;
    CREATE INDEX ix_messages_mentioned_at ON messages (channel_id, mentioned_at) WHERE mentioned_at IS NOT NULL;
    CREATE INDEX ix_messages_changed_at ON messages (changed_at);
    CREATE TABLE parts ( -- the sessions on messages; `session_id` can be a batch, or the sender held back
      id VARCHAR(40) NOT NULL PRIMARY KEY, message_id VARCHAR(40) NOT NULL,
      team_id VARCHAR(40) NOT NULL, session_id VARCHAR(40) NOT NULL,
      kind VARCHAR(20) NOT NULL, content TEXT NOT NULL, facts TEXT, -- JSON: alerts or a result, what is known
      created_at DOUBLE PRECISION NOT NULL, changed_at DOUBLE PRECISION NOT NULL,
      ended_status TEXT, ended_at DOUBLE PRECISION, -- Anchor's word for the end of the session, and when it came
      read_at DOUBLE PRECISION, checked_at DOUBLE PRECISION, -- when Anchor was last asked, and did not know it
      missing VARCHAR(20) -- the phase of a session that Anchor did not know, null if it knows it
    );
    CREATE INDEX ix_parts_session ON parts (team_id, session_id);
    CREATE INDEX ix_parts_message ON parts (message_id);
    CREATE TABLE audit ( -- a row for each order that has ended, and each change; see audit.py
      id VARCHAR(100) NOT NULL PRIMARY KEY, team_id VARCHAR(40) NOT NULL,
      about VARCHAR(40) NOT NULL, what VARCHAR(80) NOT NULL, -- the order and its verb, or '' and what was changed
      at DOUBLE PRECISION NOT NULL, content TEXT NOT NULL, key_id VARCHAR(40) NOT NULL,
      -- Once it is chained, user_id is '', and person a pseudonym of audit_people ('' for nobody). Before, place and
      -- person are null, and link is a signature.
      user_id VARCHAR(40) NOT NULL, place BIGINT, person VARCHAR(64), link VARCHAR(64) NOT NULL
    );
    CREATE UNIQUE INDEX ix_audit_place ON audit (team_id, place);
    CREATE INDEX ix_audit_new ON audit (at, id) WHERE place IS NULL;
    CREATE INDEX ix_audit_at ON audit (at);
    CREATE INDEX ix_audit_changes ON audit (team_id, at) WHERE about = '';
    CREATE INDEX ix_audit_changes_at ON audit (at) WHERE about = '';
    CREATE INDEX ix_audit_person ON audit (team_id, person) WHERE person <> '';
    CREATE TABLE audit_people ( -- without a row, a pseudonym cannot be traced back
      team_id VARCHAR(40) NOT NULL, user_id VARCHAR(40) NOT NULL, salt VARCHAR(40) NOT NULL,
      person VARCHAR(64) NOT NULL, PRIMARY KEY (team_id, user_id)
    );
    CREATE INDEX ix_audit_people ON audit_people (team_id, person)
"""


TABLES = re.findall(r"CREATE TABLE (\w+)", SCHEMA)


async def prepare(database: Database) -> None:
    """Create the tables if there are none, in one transaction. Of concurrent processes, one does, and the others wait.

    Raises StoreNotUsableError if they are of another version, and StoreUnreachableError.
    """
    await database.change(_create, locks=[_LOCK_ID], is_prepared=True)
    if (version := await find_version(database)) != VERSION:
        raise StoreNotUsableError(_OTHER.format(version=version, own=VERSION))


async def find_version(database: Database) -> str | None:
    """Return the version of the tables, if any; ours can be used from now on. Raises StoreUnreachableError."""
    if (version := await database.change(_version, is_prepared=True)) == VERSION:
        database.prepared.set()
    return version


def _create(connection: Connection) -> None:
    if _version(connection) is None:
        own = "CREATE TABLE schema_version (version VARCHAR(32) NOT NULL PRIMARY KEY)"
        for statement in (*SCHEMA.split(";\n"), own, "INSERT INTO schema_version VALUES (:version)"):
            connection.queue(statement, {"version": VERSION})
        connection.flush()
        _log.info("tables created", extra={"version": VERSION})


def _version(connection: Connection) -> str | None:
    tables = {row.name for row in connection.fetch_all("SELECT name FROM sqlite_master")}
    if "schema_version" not in tables:
        return "unknown" if tables.intersection(TABLES) else None
    return "".join(row.version for row in connection.fetch_all("SELECT version FROM schema_version"))
