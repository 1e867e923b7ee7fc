"""The people of a workspace: roles that Slack has reported, admins, and notices. `now` is in Unix seconds.

Every method can raise StoreUnreachableError.
"""

import dataclasses
import json
from collections.abc import Mapping
from contextlib import suppress
from operator import itemgetter

from sqlalchemy import Connection, bindparam, delete, or_, select
from sqlalchemy.exc import IntegrityError

from bot.core.policy import Profile
from bot.outbound.store.database import Database
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.schema import admins, notices, roles

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


_RECORD_INTERVAL = 86_400  # seconds between two updates of an admin's row


class Admins:
    """Repository of the admins who have opened Home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, team_id: str, user_id: str, now: float) -> None:
        """Record that a user is an admin. Do nothing if the workspace does not exist."""
        row = {"team_id": team_id, "user_id": user_id, "seen_at": int(now)}

        def upsert(connection: Connection) -> None:
            insert = INSERT[connection.dialect.name](admins).values(row)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["team_id", "user_id"],
                    set_={"seen_at": insert.excluded.seen_at},
                    where=admins.c.seen_at <= insert.excluded.seen_at - _RECORD_INTERVAL,
                )
            )

        with suppress(IntegrityError):
            await self._database.change(upsert)

    async def of(self, team_id: str) -> list[str]:
        """Return the user ids of a workspace's admins, the most recently recorded first."""
        query = select(admins.c.user_id).where(admins.c.team_id == team_id)
        rows = await self._database.fetch_all(query.order_by(admins.c.seen_at.desc(), "user_id"))
        return [row.user_id for row in rows]


class Notices:
    """Repository of the notices that a workspace gets once, from one of all replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, team_id: str, name: str, now: float) -> bool:
        """Return whether this is the first claim: for one caller only, and never if the workspace does not exist."""
        row = {"team_id": team_id, "name": name, "told_at": int(now)}

        def insert(connection: Connection) -> bool:
            insert = INSERT[connection.dialect.name](notices).values(row).on_conflict_do_nothing()
            return connection.execute(insert.returning(notices.c.name)).first() is not None

        try:
            return await self._database.change(insert)
        except IntegrityError:
            return False

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        await self._database.execute(delete(notices).where(notices.c.team_id == team_id, notices.c.name == name))
