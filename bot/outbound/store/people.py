"""The people of a workspace: roles that Slack has reported, admins, and notices. `now` is in Unix seconds.

Every method can raise StoreUnreachableError.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from operator import itemgetter

from bot.core.policy import Profile
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.errors import IntegrityError

KEPT = 604_800.0
"""Seconds for which a report of Slack's counts while it does not answer."""

RECORD_INTERVAL = 86_400.0
"""Seconds between two updates of an unchanged row."""

Report = tuple[Profile, float]
"""What Slack has reported about a person, and when, in Unix seconds."""

_FIND = "SELECT profile, seen_at FROM roles WHERE team_id = :team_id AND user_id = :user_id"
_PRUNE = "DELETE FROM roles WHERE seen_at < :limit"
_RECORD = f"""
    INSERT INTO roles (team_id, user_id, profile, seen_at) VALUES (:team_id, :user_id, :profile, :seen_at)
    ON CONFLICT (team_id, user_id) DO UPDATE SET profile = excluded.profile, seen_at = excluded.seen_at
    WHERE roles.profile <> excluded.profile OR roles.seen_at <= excluded.seen_at - {RECORD_INTERVAL}
"""


@dataclass(eq=False)
class RoleRows:
    """Repository of profiles. Both methods can raise StoreUnreachableError; `now` is in Unix seconds."""

    database: Database

    async def record(self, reports: Mapping[tuple[str, str], Report], now: float) -> None:
        """Record what Slack has reported about people and when, by the ids of team and user. Delete old reports."""
        rows = [
            {"team_id": team_id, "user_id": user_id, "profile": _write(profile), "seen_at": int(seen_at)}
            for (team_id, user_id), (profile, seen_at) in sorted(
                reports.items(), key=itemgetter(0)
            )  # the same order in each process: no deadlock
        ]

        def write(connection: Connection) -> None:
            connection.execute(_PRUNE, limit=now - KEPT)
            connection.execute_many(_RECORD, rows)

        await self.database.change(write)

    async def find(self, team_id: str, user_id: str, now: float) -> tuple[Profile, float] | None:
        """Return the last report about a person, and its age in seconds; None if there is none that counts."""
        row = await self.database.fetch_one(_FIND, team_id=team_id, user_id=user_id)
        if row is None or now - row.seen_at > KEPT or (profile := _read(row.profile)) is None:
            return None
        return profile, max(0.0, now - row.seen_at)


def _write(profile: Profile) -> str:
    return json.dumps(asdict(profile) | {"teams": sorted(profile.teams)}, sort_keys=True)


def _read(text: str) -> Profile | None:
    """Decode a profile; None if this version of the bot cannot: an unknown field could be a restriction."""
    try:
        fields = json.loads(text)
        return Profile(**fields | {"teams": frozenset(fields["teams"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


_ADMIN_INTERVAL = 86_400  # seconds between two updates of an admin's row
_RECORD_ADMIN = f"""
    INSERT INTO admins (team_id, user_id, seen_at) VALUES (:team_id, :user_id, :now)
    ON CONFLICT (team_id, user_id) DO UPDATE SET seen_at = excluded.seen_at
    WHERE admins.seen_at <= excluded.seen_at - {_ADMIN_INTERVAL}
"""


@dataclass(eq=False)
class Admins:
    """Repository of the admins who have opened Home."""

    database: Database

    async def record(self, team_id: str, user_id: str, now: float) -> None:
        """Record that a user is an admin. Do nothing if the workspace does not exist."""
        with suppress(IntegrityError):
            await self.database.execute(_RECORD_ADMIN, team_id=team_id, user_id=user_id, now=int(now))

    async def of(self, team_id: str) -> list[str]:
        """Return the user ids of a workspace's admins, the most recently recorded first."""
        sql = "SELECT user_id FROM admins WHERE team_id = :team_id ORDER BY seen_at DESC, user_id"
        return [row.user_id for row in await self.database.fetch_all(sql, team_id=team_id)]


@dataclass(eq=False)
class Notices:
    """Repository of the notices that a workspace gets once, from one of all replicas."""

    database: Database

    async def claim(self, team_id: str, name: str, now: float) -> bool:
        """Return whether this is the first claim: for one caller only, and never if the workspace does not exist."""
        sql = "INSERT INTO notices (team_id, name, told_at) VALUES (:team_id, :name, :now) ON CONFLICT DO NOTHING"
        try:
            return await self.database.execute(sql, team_id=team_id, name=name, now=int(now)) > 0
        except IntegrityError:
            return False

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        sql = "DELETE FROM notices WHERE team_id = :team_id AND name = :name"
        await self.database.execute(sql, team_id=team_id, name=name)
