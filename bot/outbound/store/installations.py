"""The rows of the workspaces: who is installed, with which secrets, and who is no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, Row, Select, delete, select, update

from bot.core.installation import Departure, Installation
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.schema import workspaces
from bot.outbound.store.vault import Place, Vault

SECRET_COLUMNS = ("bot_token", "anchor_api_key")

_OF_INSTALLATION = (
    *("team_id", "team_name", "enterprise_id", "app_id", "bot_user_id"),
    *("bot_token", "scopes", "installed_by", "installed_at"),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an operator sees of a workspace: no secret. `installed_at` is in Unix seconds."""

    team_id: str
    team_name: str
    enterprise_id: str | None
    scopes: str
    installed_by: str
    installed_at: int
    has_key: bool
    has_alerts_token: bool
    alerts_channel: str | None


class Installations:
    """Reads and changes them. Every method may raise StoreUnreachableError."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def find(self, team_id: str) -> Workspace | None:
        """The workspace, in one round trip. Raises UnreadableError where its secrets can't be decrypted."""
        row = await self._database.one(_of(team_id))
        if row is None:
            return None
        return Workspace(
            team_id=row.team_id,
            bot_token=self._vault.decrypt(row.bot_token, Place(team_id, "bot_token")),
            anchor_api_key=self._key_of(row),
            alerts_token_digest=row.alerts_token_digest,
            alerts_channel=row.alerts_channel,
        )

    async def summary(self, team_id: str) -> Summary | None:
        """What may be shown of one workspace."""
        row = await self._database.one(_of(team_id))
        return None if row is None else _summarize(row)

    async def summaries(self) -> list[Summary]:
        """What may be shown of all of them, by team id."""
        return [_summarize(row) for row in await self._database.every(select(workspaces).order_by("team_id"))]

    async def save(self, installation: Installation) -> bool:
        """Keep an installation, in the place of an earlier one of that workspace; say whether its Anchor key is known.

        What belongs to the workspace and not to the installation stays: its Anchor key, its alerts' token and channel.
        """
        token = self._vault.encrypt(installation.bot_token, Place(installation.team_id, "bot_token"))
        values: Mapping[str, Any] = {name: getattr(installation, name) for name in _OF_INSTALLATION} | {
            "bot_token": token,
            "scopes": ",".join(installation.scopes),
        }
        async with self._database.changing() as connection:
            insert = INSERT[connection.dialect.name](workspaces).values(values)
            changes = {name: value for name, value in values.items() if name != "team_id"}
            saved = insert.on_conflict_do_update(index_elements=["team_id"], set_=changes)
            key = (await connection.execute(saved.returning(workspaces.c.anchor_api_key))).scalar_one()
        return key is not None

    async def set_key(self, team_id: str, key: Secret) -> bool:
        """Give a workspace its Anchor key; False where there is no such workspace."""
        return await self._update(team_id, anchor_api_key=self._vault.encrypt(key, Place(team_id, "anchor_api_key")))

    async def set_alerts(self, team_id: str, token_digest: str, channel: str | None) -> bool:
        """Let programs post alerts with another token, where `channel` is given there; False as in `set_key`."""
        where = {} if channel is None else {"alerts_channel": channel}
        return await self._update(team_id, alerts_token_digest=token_digest, **where)

    async def delete(self, team_id: str) -> bool:
        """Keep nothing of a workspace; False as in `set_key`."""
        async with self._database.changing() as connection:
            gone = await connection.execute(delete(workspaces).where(workspaces.c.team_id == team_id))
        return _touched(gone)

    async def depart(self, departure: Departure) -> bool:
        """Keep nothing of a workspace that was left, and say whether there was something.

        An installation of later than that stays, and so does one whose own bot is not among those whose tokens died.
        """
        left = delete(workspaces).where(
            workspaces.c.team_id == departure.team_id, workspaces.c.installed_at <= departure.happened_at
        )
        if departure.bot_user_ids is not None:
            left = left.where(workspaces.c.bot_user_id.in_(departure.bot_user_ids))
        async with self._database.changing() as connection:
            gone = await connection.execute(left)
        return _touched(gone)

    async def _update(self, team_id: str, **values: str) -> bool:
        async with self._database.changing() as connection:
            done = await connection.execute(update(workspaces).where(workspaces.c.team_id == team_id).values(values))
        return _touched(done)

    def _key_of(self, row: Row[Any]) -> Secret | None:
        if row.anchor_api_key is None:
            return None
        return self._vault.decrypt(row.anchor_api_key, Place(row.team_id, "anchor_api_key"))


def _of(team_id: str) -> Select[Any]:
    return select(workspaces).where(workspaces.c.team_id == team_id)


def _touched(result: CursorResult[Any]) -> bool:
    return result.rowcount > 0


def _summarize(row: Row[Any]) -> Summary:
    return Summary(
        team_id=row.team_id,
        team_name=row.team_name,
        enterprise_id=row.enterprise_id,
        scopes=row.scopes,
        installed_by=row.installed_by,
        installed_at=row.installed_at,
        has_key=row.anchor_api_key is not None,
        has_alerts_token=row.alerts_token_digest is not None,
        alerts_channel=row.alerts_channel,
    )
