"""Table of the people whom Slack has reported, for the time in which it does not answer.

It has no reference to the table of workspaces: that of a bot of one workspace is empty.
"""

import dataclasses
import json
from collections.abc import Mapping
from operator import itemgetter

from sqlalchemy import Connection, bindparam, delete, or_, select

from bot.core.policy import Profile
from bot.outbound.store.database import Database
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.schema import roles

KEPT = 604_800.0
"""Seconds for which a report of Slack's counts while it does not answer."""

RECORD_INTERVAL = 86_400.0
"""Seconds between two updates of an unchanged row."""

Report = tuple[Profile, float]
"""What Slack has reported about a person, and when, in Unix seconds."""

_c = roles.c
_FIND = select(_c.profile, _c.seen_at).where(_c.team_id == bindparam("team_id"), _c.user_id == bindparam("user_id"))


class RoleRows:
    """Repository of profiles. Both methods can raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, reports: Mapping[tuple[str, str], Report], now: float) -> None:
        """Record what Slack has reported about people and when, by the ids of team and user. Delete old reports."""
        rows = [
            {"team_id": team_id, "user_id": user_id, "profile": _write(profile), "seen_at": int(seen_at)}
            for (team_id, user_id), (profile, seen_at) in sorted(
                reports.items(), key=itemgetter(0)
            )  # the same order in each process: no deadlock
        ]

        def write(connection: Connection) -> None:
            connection.execute(delete(roles).where(_c.seen_at < now - KEPT))
            insert = INSERT[connection.dialect.name](roles)
            has_changed = _c.profile != insert.excluded.profile
            upsert = insert.on_conflict_do_update(
                index_elements=["team_id", "user_id"],
                set_={"profile": insert.excluded.profile, "seen_at": insert.excluded.seen_at},
                where=or_(has_changed, _c.seen_at <= insert.excluded.seen_at - RECORD_INTERVAL),
            )
            connection.execute(upsert, rows)

        await self._database.change(write)

    async def find(self, team_id: str, user_id: str, now: float) -> tuple[Profile, float] | None:
        """Return the last report about a person, and its age in seconds; None if there is none that counts."""
        row = await self._database.fetch_one(_FIND, team_id=team_id, user_id=user_id)
        if row is None or now - row.seen_at > KEPT or (profile := _read(row.profile)) is None:
            return None
        return profile, max(0.0, now - row.seen_at)


def _write(profile: Profile) -> str:
    return json.dumps(dataclasses.asdict(profile) | {"teams": sorted(profile.teams)}, sort_keys=True)


def _read(text: str) -> Profile | None:
    """Decode a profile; None if this version of the bot cannot: an unknown field could be a restriction."""
    try:
        fields = json.loads(text)
        return Profile(**fields | {"teams": frozenset(fields["teams"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
