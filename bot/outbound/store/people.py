"""The people of a workspace: what Slack has reported about them, and who has opened Home as an admin."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from operator import itemgetter

from bot.core.policy import Profile
from bot.outbound.store.connections import Connection, Row
from bot.outbound.store.database import Database
from bot.outbound.store.marks import REFRESH, claim_mark

KEPT = 604_800.0
"""Seconds for which a report of Slack's counts while it does not answer."""

RECORD_INTERVAL = 72_000.0
"""Seconds between two updates of an unchanged row. A report of that age is refreshed: a pause trusts it for a day."""

_ADMIN_INTERVAL = 86_400.0  # seconds between two updates of when an admin has opened Home

UNUSED = KEPT + RECORD_INTERVAL
"""Seconds after the recorded use of a role until its report is no longer refreshed, but deleted."""

REFRESH_INTERVAL, MOST_REFRESHED = 3_600.0, 2_000
"""Seconds between two refreshes by all replicas, and the most reports of each."""

Report = tuple[Profile, float, float]
"""What Slack has reported about a person, when, and when their role was last used, in Unix seconds."""

_FIND = "SELECT profile, seen_at FROM people WHERE team_id = :team_id AND user_id = :user_id"
_IS_OVER = "(seen_at < :oldest OR used_at < :unused)"
_FORGET = f"""
    UPDATE people SET profile = NULL, seen_at = NULL, used_at = NULL WHERE {_IS_OVER} AND admin_seen_at IS NOT NULL
"""
_PRUNE = f"DELETE FROM people WHERE {_IS_OVER}"
_OLD = f"""
    SELECT team_id, user_id, coalesce(used_at, seen_at) AS used_at FROM people WHERE seen_at <= :due
    ORDER BY seen_at LIMIT {MOST_REFRESHED}
"""
_COLUMNS = ("team_id", "user_id", "profile", "seen_at", "used_at")
_RECORD = f"""
    INSERT INTO people ({", ".join(_COLUMNS)}) VALUES (:team_id, :user_id, :profile, :seen_at, :used_at)
    ON CONFLICT (team_id, user_id) DO UPDATE SET profile = excluded.profile, seen_at = excluded.seen_at,
      used_at = CASE WHEN people.used_at > excluded.used_at THEN people.used_at ELSE excluded.used_at END
    WHERE people.profile IS NULL OR people.profile <> excluded.profile
      OR people.seen_at <= excluded.seen_at - {RECORD_INTERVAL}
      OR coalesce(people.used_at, 0) <= excluded.used_at - {RECORD_INTERVAL}
"""
_RECORD_ADMIN = f"""
    INSERT INTO people (team_id, user_id, admin_seen_at)
    SELECT team_id, :user_id, :now FROM workspaces WHERE team_id = :team_id FOR UPDATE
    ON CONFLICT (team_id, user_id) DO UPDATE SET admin_seen_at = excluded.admin_seen_at
    WHERE people.admin_seen_at IS NULL OR people.admin_seen_at <= excluded.admin_seen_at - {_ADMIN_INTERVAL}
"""
_ADMINS = """
    SELECT user_id FROM people WHERE team_id = :team_id AND admin_seen_at IS NOT NULL
    ORDER BY admin_seen_at DESC, user_id
"""


@dataclass(eq=False)
class People:
    """Repository of people. Every method can raise StoreUnreachableError; `now` is in Unix seconds."""

    database: Database

    async def record(self, reports: Mapping[tuple[str, str], Report]) -> None:
        """Record what Slack has reported about people, by the ids of team and user."""
        rows = [
            dict(zip(_COLUMNS, (*key, _write(profile), int(seen_at), int(used_at)), strict=True))
            for key, (profile, seen_at, used_at) in sorted(
                reports.items(), key=itemgetter(0)
            )  # the same order in each process: no deadlock
        ]
        await self.database.change(lambda connection: connection.execute_many(_RECORD, rows))

    async def claim_old(self, now: float) -> list[Row]:
        """Return the people to look up again, the oldest report first: `team_id`, `user_id` and `used_at`.

        Of all replicas, one gets them, once an hour. Delete the reports that count no more, and those of people whose
        role was not used for a week.
        """

        def claim(connection: Connection) -> list[Row]:
            if not claim_mark(connection, *REFRESH, now + REFRESH_INTERVAL, now):
                return []
            for sql in (_FORGET, _PRUNE):
                connection.execute(sql, oldest=now - KEPT, unused=now - UNUSED)
            return connection.fetch_all(_OLD, due=now - RECORD_INTERVAL)

        return await self.database.change(claim)

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
