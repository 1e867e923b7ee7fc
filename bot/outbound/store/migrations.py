"""Create the tables, or migrate those of an older version of the bot."""

import logging
import sqlite3
from contextlib import closing
from functools import cache, partial
from pathlib import Path

from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database, DatabaseClock
from bot.outbound.store.errors import StoreNotUsableError
from bot.outbound.store.sqlite import OWNER_ONLY

_log = logging.getLogger(__name__)

_TIMEOUT = 60.0  # seconds, including the wait for other processes
_LOCK_ID = 4_721_130_552_318_604_097  # any number, the same in every process
_NEWER = "DATABASE_URL: the database is from a newer version of the bot. Run that version, or use another database."
_OLDER = (
    "DATABASE_URL: the database is from before the first release of the bot, and can't be migrated. "
    "Use another database."
)

MIGRATIONS = {
    "0009": """
    -- Secrets are stored as ciphertext or digest, times in Unix seconds.
    CREATE TABLE workspaces ( -- one row per workspace that has the app installed, or of a bot of one workspace
      team_id VARCHAR(40) NOT NULL PRIMARY KEY,
      team_name TEXT NOT NULL,
      enterprise_id VARCHAR(40),
      app_id VARCHAR(40) NOT NULL,
      bot_user_id VARCHAR(40) NOT NULL,
      bot_token TEXT NOT NULL, -- ciphertext, '' if it is in the settings
      scopes TEXT NOT NULL, -- separated by commas
      installed_by VARCHAR(40) NOT NULL,
      installed_at BIGINT NOT NULL,
      anchor_api_key TEXT, -- ciphertext
      alerts_token_digest VARCHAR(64),
      alerts_channel VARCHAR(40),
      anchor_api_key_check TEXT, -- a KeyCheck, null without a key
      anchor_api_key_set_by VARCHAR(40), -- null if an operator did
      anchor_api_key_set_at BIGINT,
      key_version INTEGER DEFAULT 0 NOT NULL, -- incremented by each change
      policy TEXT, -- JSON, null is the default
      policy_version INTEGER DEFAULT 0 NOT NULL,
      alerts_token_version INTEGER DEFAULT 0 NOT NULL
    );

    CREATE TABLE install_states ( -- each works once, and recent ones tell a used state from an expired one
      state_digest VARCHAR(64) NOT NULL PRIMARY KEY,
      browser_digest VARCHAR(64) NOT NULL,
      expires_at BIGINT NOT NULL,
      used_at BIGINT
    );
    CREATE INDEX ix_install_states_expires_at ON install_states (expires_at);

    -- a known plaintext per key that has encrypted here: a bot that cannot decrypt one lacks that key
    CREATE TABLE key_checks (name VARCHAR(40) NOT NULL PRIMARY KEY, ciphertext TEXT NOT NULL);

    CREATE TABLE admins ( -- users who were admins of their workspace when they opened Home
      team_id VARCHAR(40) NOT NULL REFERENCES workspaces (team_id) ON DELETE CASCADE,
      user_id VARCHAR(40) NOT NULL,
      seen_at BIGINT NOT NULL,
      PRIMARY KEY (team_id, user_id)
    );

    CREATE TABLE notices ( -- those that a workspace has had
      team_id VARCHAR(40) NOT NULL REFERENCES workspaces (team_id) ON DELETE CASCADE,
      name VARCHAR(40) NOT NULL,
      told_at BIGINT NOT NULL,
      PRIMARY KEY (team_id, name)
    );

    CREATE TABLE roles ( -- reports of Slack about people
      team_id VARCHAR(40) NOT NULL,
      user_id VARCHAR(40) NOT NULL,
      profile TEXT NOT NULL, -- JSON
      seen_at BIGINT NOT NULL,
      PRIMARY KEY (team_id, user_id)
    );
    CREATE INDEX ix_roles_seen_at ON roles (seen_at);

    CREATE TABLE orders ( -- to pause or resume a session; all times are the database's
      id VARCHAR(40) NOT NULL PRIMARY KEY, -- ascending with time
      trigger_id TEXT UNIQUE, -- Slack's id of the invocation: a request that comes twice is one order
      team_id VARCHAR(40) NOT NULL,
      session_id VARCHAR(40) NOT NULL,
      verb VARCHAR(20) NOT NULL,
      reason TEXT NOT NULL,
      source VARCHAR(20) NOT NULL,
      user_id VARCHAR(40) NOT NULL,
      home_team_id VARCHAR(40) NOT NULL,
      channel_id VARCHAR(40) NOT NULL,
      thread_ts TEXT,
      reply TEXT, -- ciphertext, null once it is told
      state VARCHAR(20) NOT NULL, -- a State
      outcome VARCHAR(40), -- the name of a type in core/outcomes.py
      outcome_fields TEXT, -- JSON
      delivered_by VARCHAR(40), -- the route of the answer, null if Slack refused every one
      given_at DOUBLE PRECISION NOT NULL,
      settled_at DOUBLE PRECISION,
      told_at DOUBLE PRECISION,
      owner VARCHAR(40) NOT NULL, -- the process that works on it
      leased_until DOUBLE PRECISION NOT NULL -- then another process takes over
    );
    CREATE INDEX ix_orders_session ON orders (team_id, session_id, given_at);
    CREATE INDEX ix_orders_given_at ON orders (given_at);
    CREATE INDEX ix_orders_team ON orders (team_id, given_at);
    CREATE INDEX ix_orders_unfinished ON orders (given_at, id) WHERE state <> 'told';

    CREATE TABLE cards ( -- one row per session on a message that the bot keeps up to date; all times are the database's
      id VARCHAR(40) NOT NULL PRIMARY KEY, -- ascending with time
      team_id VARCHAR(40) NOT NULL,
      channel_id VARCHAR(40) NOT NULL,
      ts VARCHAR(40), -- of the message, null until it is posted
      session_id VARCHAR(40) NOT NULL,
      kind VARCHAR(20) NOT NULL, -- alert or result
      content TEXT NOT NULL, -- JSON
      shown VARCHAR(64), -- the digest of the message as Slack has it
      version INTEGER NOT NULL, -- incremented by each change that Slack is to be told
      due DOUBLE PRECISION, -- since when Slack is to be told of a change, null if it has the newest state
      not_before DOUBLE PRECISION NOT NULL, -- the next attempt; that of the owner has ended by then
      attempts INTEGER NOT NULL,
      owner VARCHAR(40), -- the process of the last attempt
      created_at DOUBLE PRECISION NOT NULL,
      changed_at DOUBLE PRECISION NOT NULL,
      closed_at DOUBLE PRECISION, -- from then on the message is left as it is
      ended_status TEXT, -- Anchor's word for the end of the session, null if none is known
      ended_at DOUBLE PRECISION, -- when Anchor said so
      facts TEXT -- JSON, null if nothing is known of the session
    );
    CREATE INDEX ix_cards_session ON cards (team_id, session_id);
    CREATE INDEX ix_cards_message ON cards (team_id, channel_id, ts);
    CREATE INDEX ix_cards_due ON cards (due, not_before);
    CREATE INDEX ix_cards_changed_at ON cards (changed_at);

    CREATE TABLE paces ( -- messages that each workspace has been sent recently, within Slack's rate limits
      team_id VARCHAR(40) NOT NULL PRIMARY KEY,
      pace TEXT NOT NULL -- JSON
    );

    CREATE TABLE session_checks ( -- when Anchor is asked again about the sessions of a workspace's cards
      team_id VARCHAR(40) NOT NULL PRIMARY KEY,
      not_before DOUBLE PRECISION NOT NULL
    )
    """,
    "0010": """
    CREATE TABLE marks ( -- what is small: leases, claims, and values of their own; see marks.py
      scope VARCHAR(40) NOT NULL,
      name VARCHAR(80) NOT NULL,
      until DOUBLE PRECISION, -- null if it holds for good
      value TEXT,
      PRIMARY KEY (scope, name)
    );
    INSERT INTO marks SELECT team_id, 'notice ' || name, NULL, NULL FROM notices;
    INSERT INTO marks SELECT team_id, 'pace', NULL, pace FROM paces;
    INSERT INTO marks SELECT team_id, 'check', not_before, NULL FROM session_checks;
    INSERT INTO marks SELECT 'install', state_digest, expires_at, NULL FROM install_states WHERE used_at IS NOT NULL;
    INSERT INTO marks SELECT 'key', name, NULL, ciphertext FROM key_checks;

    CREATE TABLE people (
      team_id VARCHAR(40) NOT NULL,
      user_id VARCHAR(40) NOT NULL,
      profile TEXT, -- the last report of Slack, in JSON
      seen_at BIGINT,
      admin_seen_at BIGINT, -- when they opened Home as an admin
      PRIMARY KEY (team_id, user_id)
    );
    CREATE INDEX ix_people_seen_at ON people (seen_at);
    INSERT INTO people SELECT team_id, user_id, profile, seen_at, NULL FROM roles;
    INSERT INTO people SELECT team_id, user_id, NULL, NULL, seen_at FROM admins WHERE true
      ON CONFLICT (team_id, user_id) DO UPDATE SET admin_seen_at = excluded.admin_seen_at;

    DROP TABLE notices;
    DROP TABLE paces;
    DROP TABLE session_checks;
    DROP TABLE install_states;
    DROP TABLE key_checks;
    DROP TABLE roles;
    DROP TABLE admins;
    ALTER TABLE orders DROP COLUMN leased_until;

    DELETE FROM cards WHERE closed_at IS NULL AND EXISTS (SELECT 1 FROM cards AS newer
      WHERE newer.team_id = cards.team_id AND newer.channel_id = cards.channel_id AND newer.ts = cards.ts
        AND newer.session_id = cards.session_id AND newer.closed_at IS NULL AND newer.id > cards.id)
    """,
    "0011": """
    -- the error code of Slack for the last attempt, null if it had none
    ALTER TABLE cards ADD COLUMN failure VARCHAR(80);
    DROP INDEX ix_cards_due;
    CREATE INDEX ix_cards_due ON cards (not_before) WHERE due IS NOT NULL
    """,
    "0012": """
    -- when Anchor was last asked about the session, the digest of the key that has read it, and the time on the card
    ALTER TABLE cards ADD COLUMN read_at DOUBLE PRECISION;
    ALTER TABLE cards ADD COLUMN read_by VARCHAR(64);
    ALTER TABLE cards ADD COLUMN checked_at DOUBLE PRECISION
    """,
    "0013": """
    -- the user group that critical alerts mention
    ALTER TABLE workspaces ADD COLUMN alerts_group VARCHAR(40)
    """,
    "0014": """
    -- the phase of a session that Anchor did not know, null if it knows it
    ALTER TABLE cards ADD COLUMN missing VARCHAR(20)
    """,
    "0015": """
    -- when the person's role was last used
    ALTER TABLE people ADD COLUMN used_at BIGINT;
    UPDATE people SET used_at = seen_at
    """,
    "0016": """
    CREATE TABLE lanes ( -- in which no card is sent until then; see card_claims.py
      name VARCHAR(100) NOT NULL PRIMARY KEY,
      team_id VARCHAR(40) NOT NULL,
      until DOUBLE PRECISION NOT NULL
    );
    CREATE INDEX ix_lanes_until ON lanes (until);
    CREATE INDEX ix_cards_lane ON cards (
      (team_id || ' ' || channel_id || CASE WHEN failure IS NOT NULL THEN ' 5' WHEN ts IS NOT NULL THEN ' 4'
        WHEN kind = 'reply' THEN ' 3' WHEN kind = 'alert' THEN ' 1' ELSE ' 2' END),
      (CASE WHEN failure IS NOT NULL THEN attempts ELSE 0 END), due, id) WHERE due IS NOT NULL;
    CREATE INDEX ix_cards_alerts ON cards (channel_id, created_at) WHERE kind = 'alert' AND closed_at IS NULL
    """,
    "0017": """
    CREATE INDEX ix_cards_waiting ON cards (team_id) WHERE kind = 'alert' AND ts IS NULL AND due IS NOT NULL
    """,
    "0018": """
    -- the names and digests of the tokens for alerts in JSON, null without any
    ALTER TABLE workspaces ADD COLUMN alert_tokens TEXT;
    UPDATE workspaces SET alert_tokens = '[{"name": "default", "digest": "' || alerts_token_digest || '"}]'
      WHERE alerts_token_digest IS NOT NULL;
    ALTER TABLE workspaces DROP COLUMN alerts_token_digest
    """,
    "0019": """
    -- the effect of alerts that ask for a pause, an AutoPause
    ALTER TABLE workspaces ADD COLUMN auto_pause VARCHAR(10) DEFAULT 'off' NOT NULL;
    CREATE INDEX ix_workspaces_auto_pause ON workspaces (team_id) WHERE auto_pause <> 'off';

    CREATE TABLE changes ( -- of settings, by admins
      id VARCHAR(40) NOT NULL PRIMARY KEY,
      team_id VARCHAR(40) NOT NULL,
      at DOUBLE PRECISION NOT NULL,
      user_id VARCHAR(40) NOT NULL,
      what VARCHAR(80) NOT NULL,
      value VARCHAR(80) NOT NULL
    );
    CREATE INDEX ix_changes_at ON changes (at)
    """,
    "0020": """
    CREATE INDEX ix_orders_of_alerts ON orders (given_at) WHERE source = 'alert'
    """,
    "0021": """
    -- of a pause: when its session ends at the latest, and when to look whether people are to be reminded
    ALTER TABLE orders ADD COLUMN ends_at DOUBLE PRECISION;
    ALTER TABLE orders ADD COLUMN ends_by_default INTEGER;
    ALTER TABLE orders ADD COLUMN remind_at DOUBLE PRECISION;
    CREATE INDEX ix_orders_remind ON orders (remind_at) WHERE outcome = 'Paused' AND remind_at IS NOT NULL
    """,
    "0022": """
    -- that of the orders that were given at once
    ALTER TABLE orders ADD COLUMN batch_id VARCHAR(40);
    CREATE INDEX ix_orders_batch ON orders (batch_id) WHERE batch_id IS NOT NULL
    """,
    "0023": """
    CREATE TABLE audit ( -- a row for each order that has ended, and each change; see audit.py
      id VARCHAR(100) NOT NULL PRIMARY KEY,
      team_id VARCHAR(40) NOT NULL,
      about VARCHAR(40) NOT NULL, -- the order, '' if there is none
      what VARCHAR(80) NOT NULL, -- its verb, or what was changed
      at DOUBLE PRECISION NOT NULL,
      content TEXT NOT NULL,
      user_id VARCHAR(40) NOT NULL, -- '' once it is chained
      place BIGINT, -- null until it is chained, as the next three
      person VARCHAR(64), -- a pseudonym of audit_people, '' for nobody
      key_id VARCHAR(40),
      link VARCHAR(64)
    );
    CREATE UNIQUE INDEX ix_audit_place ON audit (team_id, place);
    CREATE INDEX ix_audit_new ON audit (at, id) WHERE place IS NULL;
    CREATE INDEX ix_audit_at ON audit (at);
    CREATE INDEX ix_audit_changes ON audit (team_id, at) WHERE about = '';
    CREATE INDEX ix_audit_changes_at ON audit (at) WHERE about = '';
    CREATE INDEX ix_audit_person ON audit (team_id, person) WHERE person <> '';
    CREATE TABLE audit_people ( -- without a row, a pseudonym cannot be traced back
      team_id VARCHAR(40) NOT NULL,
      user_id VARCHAR(40) NOT NULL,
      salt VARCHAR(40) NOT NULL,
      person VARCHAR(64) NOT NULL,
      PRIMARY KEY (team_id, user_id)
    );
    CREATE INDEX ix_audit_people ON audit_people (team_id, person);
    INSERT INTO audit (id, team_id, about, what, at, user_id, content)
      SELECT id || ' ' || coalesce(outcome, ''), team_id, id, verb, coalesce(settled_at, given_at), user_id,
        source || '|' || coalesce(outcome, '') || '|' || session_id || '|' || channel_id || '|'
          || coalesce(batch_id, '') || '|' || CAST(round(given_at) AS TEXT)
      FROM orders WHERE state = 'told';
    INSERT INTO audit (id, team_id, about, what, at, user_id, content)
      SELECT id, team_id, '', what, at, user_id, value FROM changes;
    DROP TABLE changes
    """,
    "0024": """
    -- the sender is a part of what fires
    UPDATE orders SET trigger_id = substr(trigger_id, 1, 38) || ' ' || substr(user_id, 7) || substr(trigger_id, 39)
      WHERE source = 'alert';
    INSERT INTO marks SELECT scope, 'firing ' || replace(substr(name, 8, 36), '-', '') || substr(name, 44, 10) || ' '
        || json_extract(value, '$[1]'), until, value
      FROM marks WHERE substr(name, 1, 7) || substr(name, 16, 1) = 'firing -' ON CONFLICT DO NOTHING;
    DELETE FROM marks WHERE substr(name, 1, 7) || substr(name, 16, 1) = 'firing -'
    """,
}
"""The changes of the tables, by the revision that each leads to, for both databases. A released one is not edited.

Databases from before the first release have the revision 0009, in a table that Alembic made.
"""


@cache
def columns() -> dict[str, str]:
    """Return the names of the columns of each table, separated by commas."""
    with closing(sqlite3.connect(":memory:")) as new:
        for statements in MIGRATIONS.values():
            new.executescript(statements)
        found = new.execute(
            "SELECT tables.name, group_concat(columns.name, ', ') FROM sqlite_master AS tables, "
            "pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' GROUP BY tables.name"
        )
        return dict(found.fetchall())


async def migrate(database: Database) -> None:
    """Create or change the tables, in one transaction. Of concurrent processes, one does, and the others wait.

    A SQLite file is copied before its tables are changed. Raises StoreNotUsableError if they are from a newer version
    of the bot or if the file cannot be copied, or StoreUnreachableError.
    """
    await database.migrate(partial(_migrate, database.file), within=_TIMEOUT)


async def find_revision(database: Database) -> tuple[str | None, bool]:
    """Return the revision of the tables, None without any, and whether this version of the bot knows it.

    If it is the newest one, the database can be used afterwards. Raises StoreUnreachableError.
    """
    revision = await database.inspect(_revision)
    if revision == newest():
        database.migrated.set()
    return revision, revision is None or revision <= newest()


def newest() -> str:
    """Return the revision of tables that this version of the bot uses."""
    return max(MIGRATIONS)


def _migrate(file: Path | None, connection: Connection) -> None:
    DatabaseClock().now(connection, [_LOCK_ID])
    before, after = _revision(connection), newest()
    if before == after:
        return
    if before is not None and before not in MIGRATIONS:
        raise StoreNotUsableError(_NEWER if before > after else _OLDER)
    if before is None:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('')")
    elif file is not None:
        _copy(file, Path(f"{file}-{before}"))
    for revision, statements in MIGRATIONS.items():
        if revision > (before or ""):
            for statement in statements.split(";\n"):
                connection.execute(statement)
    connection.execute("UPDATE alembic_version SET version_num = :after", after=after)
    _log.info("database migrated", extra={"before": before, "after": after})


def _revision(connection: Connection) -> str | None:
    if not connection.has_table("alembic_version"):
        return None
    found = connection.fetch_one("SELECT version_num AS revision FROM alembic_version")
    return None if found is None else str(found.revision)


def _copy(file: Path, copy: Path) -> None:
    """Copy a SQLite file as it is committed. Nobody else writes meanwhile, since the caller is in a transaction."""
    try:
        copy.unlink(missing_ok=True)
        copy.touch(OWNER_ONLY)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreNotUsableError(
            f"DATABASE_URL: cannot copy {file} to {copy} before its tables are changed ({error})."
        ) from None
    _log.info("database copied", extra={"file": str(copy)})
