"""The people of a workspace: what Slack has reported about them, and who has opened Home as an admin."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from operator import itemgetter

from bot.core.policy import Profile
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database

KEPT = 604_800.0
"""Seconds for which a report of Slack's counts while it does not answer."""

RECORD_INTERVAL = 86_400.0
"""Seconds between two updates of an unchanged row."""

Report = tuple[Profile, float]
"""What Slack has reported about a person, and when, in Unix seconds."""

_FIND = "SELECT profile, seen_at FROM people WHERE team_id = :team_id AND user_id = :user_id"
_FORGET = "UPDATE people SET profile = NULL, seen_at = NULL WHERE seen_at < :limit AND admin_seen_at IS NOT NULL"
_PRUNE = "DELETE FROM people WHERE seen_at < :limit"
_RECORD = f"""
    INSERT INTO people (team_id, user_id, profile, seen_at) VALUES (:team_id, :user_id, :profile, :seen_at)
    ON CONFLICT (team_id, user_id) DO UPDATE SET profile = excluded.profile, seen_at = excluded.seen_at
    WHERE people.profile IS NULL OR people.profile <> excluded.profile
      OR people.seen_at <= excluded.seen_at - {RECORD_INTERVAL}
"""
_RECORD_ADMIN = f"""
    INSERT INTO people (team_id, user_id, admin_seen_at)
    SELECT team_id, :user_id, :now FROM workspaces WHERE team_id = :team_id FOR UPDATE
    ON CONFLICT (team_id, user_id) DO UPDATE SET admin_seen_at = excluded.admin_seen_at
    WHERE people.admin_seen_at IS NULL OR people.admin_seen_at <= excluded.admin_seen_at - {RECORD_INTERVAL}
"""
_ADMINS = """
    SELECT user_id FROM people WHERE team_id = :team_id AND admin_seen_at IS NOT NULL
    ORDER BY admin_seen_at DESC, user_id
"""


@dataclass(eq=False)
class People:
    """Repository of people. Every method can raise StoreUnreachableError; `now` is in Unix seconds."""

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
            for sql in (_FORGET, _PRUNE):
                connection.execute(sql, limit=now - KEPT)
            connection.execute_many(_RECORD, rows)

        await self.database.change(write)

    async def find(self, team_id: str, user_id: str, now: float) -> tuple[Profile, float] | None:
        """Return the last report about a person, and its age in seconds; None if there is none that counts."""
        row = await self.database.fetch_one(_FIND, team_id=team_id, user_id=user_id)
        if row is None or row.profile is None or now - row.seen_at > KEPT or (profile := _read(row.profile)) is None:
            return None
        return profile, max(0.0, now - row.seen_at)

    async def record_admin(self, team_id: str, user_id: str, now: float) -> None:
        """Record that a user is an admin. Do nothing if the workspace does not exist."""
        await self.database.execute(_RECORD_ADMIN, team_id=team_id, user_id=user_id, now=int(now))

    async def admins(self, team_id: str) -> list[str]:
        """Return the user ids of a workspace's admins, the most recently recorded first."""
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
