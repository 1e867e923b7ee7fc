"""The people of a workspace: what Slack has reported about them."""

import asyncio
import json
import re
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from bot.core.permissions import Profile
from bot.messages.markup import mention
from bot.outbound.store.audit import LOCK, AuditTrail
from bot.outbound.store.connections import Connection, listed
from bot.outbound.store.database import Database
from bot.outbound.store.retention import DAY, PROFILE_DAYS
from bot.outbound.store.running_orders import IS_UNFINISHED
from bot.outbound.store.workspaces import read_policy

_RECORD_INTERVAL = 72_000.0  # seconds between two updates of an unchanged row

_FIND = "SELECT profile, seen_at FROM people WHERE team_id = :team_id AND user_id = :user_id"
_PRUNE = "DELETE FROM people WHERE seen_at < :oldest"
_RECORD = f"""
    INSERT INTO people (team_id, user_id, profile, seen_at)
    SELECT team_id, :user_id, :profile, :seen_at FROM workspaces WHERE team_id = :team_id FOR KEY SHARE
    ON CONFLICT (team_id, user_id) DO UPDATE SET profile = excluded.profile, seen_at = excluded.seen_at
    WHERE people.profile <> excluded.profile OR people.seen_at <= excluded.seen_at - {_RECORD_INTERVAL}
"""
_ADMINS = """
    SELECT user_id FROM people WHERE team_id = :team_id AND profile LIKE '%"is_admin": true%'
    ORDER BY seen_at DESC, user_id
"""


@dataclass(eq=False, repr=False)
class People:
    """Repository of people. Every method can raise StoreUnreachableError; `now` is in Unix seconds."""

    database: Database

    async def record(self, team_id: str, user_id: str, profile: Profile, now: float) -> None:
        """Record what Slack has reported about a person, if the workspace exists."""
        row = {"team_id": team_id, "user_id": user_id, "profile": _write(profile), "seen_at": int(now)}
        await self.database.change(lambda connection: connection.queue(_RECORD, row))

    async def prune(self, now: float, days: int) -> None:
        """Delete the reports that are older than so many days, and count no more."""
        await self.database.execute(_PRUNE, oldest=now - max(PROFILE_DAYS, days) * DAY)

    async def find(self, team_id: str, user_id: str, now: float) -> tuple[Profile, float] | None:
        """Return the last report about a person, and its age in seconds; None if there is none that counts."""
        row = await self.database.fetch_one(_FIND, team_id=team_id, user_id=user_id)
        if row is None or now - row.seen_at > PROFILE_DAYS * DAY or (profile := _read(row.profile)) is None:
            return None
        return profile, max(0.0, now - row.seen_at)

    async def admins(self, team_id: str) -> list[str]:
        """Return the user ids of a workspace's admins who have used the app, the most recently recorded first."""
        return [row.user_id for row in await self.database.fetch_all(_ADMINS, team_id=team_id)]


def _write(profile: Profile) -> str:
    return json.dumps(asdict(profile) | {"teams": sorted(profile.teams)}, sort_keys=True)


def _read(text: str) -> Profile | None:
    """Decode a profile; None if this version of the bot cannot: an unknown field could be a restriction."""
    try:
        fields = json.loads(text)
        return Profile(**fields | {"teams": frozenset(fields["teams"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


_NAMING = dict.fromkeys(("orders", "audit", "messages", "parts"), "id") | {"workspaces": "team_id"}
"""The tables in which any text can name a person, and the ids of their rows."""
_KEPT = {"policy", "bot_token", "anchor_api_key", "shown", "salt"}
"""The columns that are not changed: people are named in a policy until an admin changes it, the others are no texts."""
_IN_WORKSPACE = "(CAST(:team_id AS TEXT) IS NULL OR team_id = :team_id)"
_UNFINISHED = f"SELECT id FROM orders WHERE {IS_UNFINISHED}"
_PAUSE, _BATCH = 0.05, 200  # seconds between two transactions, and the rows of one


@dataclass(frozen=True, slots=True)
class Person:
    """A person in the database: a user id, in a workspace or, without `team_id`, in all."""

    user_id: str
    team_id: str | None = None

    @property
    def values(self) -> dict[str, object]:
        """Return the parameters of statements."""
        return {"user_id": self.user_id, "team_id": self.team_id, "like": f"%{self.user_id}%"}

    def replace_in(self, text: str, pseudonym: str) -> str:
        """Return a text, also one of JSON, without mentions of them and without their id. It is linear."""
        own, label = re.escape(self.user_id), r'(?:\|(?:[^<>"\\]|\\u[0-9a-f]{4})*)?'
        mentioned = f"{re.escape(mention(self.user_id))}|<@{own}{label}>"
        return re.sub(rf"{mentioned}|(?<![A-Za-z0-9]){own}(?![\w-]|\.\w)", pseudonym, text, flags=re.ASCII)


async def permissions_of(database: Database, person: Person) -> list[str]:
    """Return the lists that name a person: the verb, and the id and the name of the workspace."""
    sql = f"SELECT team_id, team_name, policy FROM workspaces WHERE policy LIKE :like AND {_IN_WORKSPACE}"
    rows = await database.fetch_all(sql, **person.values)
    named = [(row, verb) for row in rows for verb in read_policy(row.policy).naming(person.user_id)]
    return [f"{verb} in {row.team_id} {row.team_name}".rstrip() for row, verb in named]


async def forget(trail: AuditTrail, person: Person, pseudonym: str) -> int | None:
    """Replace a person in all rows, and delete those about them. Return how many were changed.

    Return None, and change nothing, if they have unfinished orders, which a running bot would write again. Raises
    UnreadableError if the key of the trail is not that of the bot, or StoreUnreachableError.
    """
    database = trail.database
    own = f"{_UNFINISHED} AND (user_id = :user_id OR outcome_fields LIKE :like) AND {_IN_WORKSPACE}"
    if await database.fetch_all(own, **person.values):
        return None
    # the second time what a running bot has written meanwhile
    return sum([await _replace_all(trail, person, pseudonym) for _ in range(2)])


async def _replace_all(trail: AuditTrail, person: Person, pseudonym: str) -> int:
    database = trail.database
    count = await database.change(partial(_delete, trail, person), locks=[LOCK])
    for table in _NAMING:
        ids = await _find_naming(database, table, person)
        for first in range(0, len(ids), _BATCH):
            batch = listed(ids[first : first + _BATCH])
            count += await database.change(partial(_replace, trail, table, batch, (person, pseudonym)), locks=[LOCK])
            await asyncio.sleep(_PAUSE)
    return count


async def _find_naming(database: Database, table: str, person: Person) -> list[Any]:
    """Return the ids of the rows of a table that name a person in any column."""
    one = await database.fetch_one(f"SELECT * FROM {table} LIMIT 1")
    names = " OR ".join(f"CAST({name} AS TEXT) LIKE :like" for name in one._fields) if one else "1 = 0"
    sql = f"SELECT {_NAMING[table]} FROM {table} WHERE {_IN_WORKSPACE} AND ({names})"
    return [row[0] for row in await database.fetch_all(sql, **person.values)]


def _delete(trail: AuditTrail, person: Person, connection: Connection) -> int:
    own = f"user_id = :user_id AND {_IN_WORKSPACE}"
    count = connection.execute(f"DELETE FROM people WHERE {own}", **person.values)
    return count + trail.forget(connection, own, **person.values)


def _replace(trail: AuditTrail, table: str, ids: str, who: tuple[Person, str], connection: Connection) -> int:
    """Replace a person in the rows with these ids. A change of tokens that is under way fails."""
    (person, pseudonym), key, count = who, _NAMING[table], 0
    sql = f"SELECT * FROM {table} WHERE {key} IN (SELECT value FROM json_each(:ids)) FOR UPDATE"
    for row in connection.fetch_all(sql, ids=ids):
        is_own = getattr(row, "user_id", "") == person.user_id  # that of somebody else can begin so
        kept = _KEPT if is_own else {*_KEPT, "user_id"}
        texts = {name: value for name, value in row._asdict().items() if isinstance(value, str) and name not in kept}
        new = {name: person.replace_in(value, pseudonym) for name, value in texts.items()}
        if table == "audit":
            new |= trail.signed_again(connection, row, new.get("user_id", row.user_id))
        if changed := [f"{name} = :{name}" for name, value in new.items() if value != texts[name]]:
            changed += ["alerts_token_version = alerts_token_version + 1"] if table == "workspaces" else []
            connection.execute(f"UPDATE {table} SET {', '.join(changed)} WHERE {key} = :{key}", **new)
            count += 1
    return count
