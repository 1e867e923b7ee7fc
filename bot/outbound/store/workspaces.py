"""Read and change the rows of the workspaces: their installations, secrets and settings."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from sqlalchemy import Column, ColumnElement, Connection, Row, Update, bindparam, delete, null, select, update

from bot.core.installation import Installation, Uninstall
from bot.core.policy import Policy
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.outbound.store.database import Database
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.schema import cards, orders, paces, roles, session_checks, workspaces
from bot.outbound.store.secrets import FieldCipher, FieldRef, read_policy, write_policy


@dataclass(frozen=True, slots=True)
class Summary:
    """A workspace; `installed_at` is in Unix seconds."""

    team_id: str
    team_name: str
    enterprise_id: str | None
    scopes: str
    installed_by: str
    installed_at: int
    has_key: bool
    has_alerts_token: bool
    alerts_channel: str | None


SUMMARY_COLUMNS: tuple[ColumnElement[Any], ...] = (
    *(workspaces.c.team_id, workspaces.c.team_name, workspaces.c.enterprise_id),
    *(workspaces.c.scopes, workspaces.c.installed_by, workspaces.c.installed_at),
    workspaces.c.anchor_api_key.is_not(None),
    workspaces.c.alerts_token_digest.is_not(None),
    workspaces.c.alerts_channel,
)
"""The columns of a `Summary`, in the order of its fields."""


_INSTALLATION_COLUMNS = (
    *("team_id", "team_name", "enterprise_id", "app_id", "bot_user_id"),
    *("bot_token", "scopes", "installed_by", "installed_at"),
)
_KEY_COLUMNS = ("anchor_api_key", "anchor_api_key_check", "anchor_api_key_set_by", "anchor_api_key_set_at")
_VERSION_COLUMNS = ("key_version", "policy_version", "alerts_token_version")
_CHECKS = frozenset(KeyCheck)
_MOST_READ = 1_000  # workspaces that are decrypted again only if their rows have changed

_c = workspaces.c
_FIND = select(workspaces).where(_c.team_id == bindparam("team_id"))


class WorkspaceRows:
    """Repository of workspaces. Every method can raise StoreUnreachableError.

    A change returns whether it was made. It is not made if the workspace does not exist or has another version; of
    concurrent changes of one version, one is made. `first_version` is random: a modal that was opened before a
    reinstall must not match.
    """

    def __init__(
        self,
        database: Database,
        cipher: FieldCipher,
        first_version: Callable[[], int],
        on_change: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._first_version = first_version
        self._on_change = on_change
        self._read: LRUCache[str, tuple[Row[Any], Workspace]] = LRUCache(_MOST_READ)

    def with_on_change(self, on_change: Callable[[str], AbstractContextManager[None]]) -> "WorkspaceRows":
        """Return the same rows; each change of a workspace runs inside `on_change(team_id)`."""
        return WorkspaceRows(self._database, self._cipher, self._first_version, on_change)

    async def find(self, team_id: str) -> Workspace | None:
        """Return a workspace, in one round trip. Raises UnreadableError if its secrets or its policy cannot be read."""
        row = await self._database.fetch_one(_FIND, team_id=team_id)
        if row is None:
            self._read.pop(team_id, None)  # no secret of an uninstalled workspace stays in memory
            return None
        read = self._read.get(team_id)
        if read is None or read[0] != row:
            read = self._read[team_id] = row, self._workspace(row)
        return read[1]

    def _workspace(self, row: Row[Any]) -> Workspace:
        return Workspace(
            team_id=row.team_id,
            bot_token=self._cipher.decrypt(row.bot_token, FieldRef(row.team_id, "bot_token")),
            anchor_key=self._key_of(row),
            policy=read_policy(row.policy),
            alerts_token_digest=row.alerts_token_digest,
            alerts_channel=row.alerts_channel,
            key_version=row.key_version,
            policy_version=row.policy_version,
            alerts_token_version=row.alerts_token_version,
            installed_by=row.installed_by,
            is_managed=True,
            enterprise_id=row.enterprise_id or "",
        )

    async def summary(self, team_id: str) -> Summary | None:
        """Return the summary of one workspace."""
        row = await self._database.fetch_one(select(*SUMMARY_COLUMNS).where(_c.team_id == team_id))
        return None if row is None else Summary(*row)

    async def summaries(self) -> list[Summary]:
        """Return all summaries, by team id."""
        rows = await self._database.fetch_all(select(*SUMMARY_COLUMNS).order_by("team_id"))
        return [Summary(*row) for row in rows]

    async def save(self, installation: Installation) -> bool:
        """Save an installation, or replace the earlier one. Return whether the workspace has an Anchor key.

        A replacement keeps the workspace's key, policy, alerts and admins.
        """
        token = self._cipher.encrypt(installation.bot_token, FieldRef(installation.team_id, "bot_token"))
        values: dict[str, Any] = {name: getattr(installation, name) for name in _INSTALLATION_COLUMNS}
        values |= {"bot_token": token, "scopes": ",".join(installation.scopes)}
        changes = {name: value for name, value in values.items() if name != "team_id"}
        versions = dict.fromkeys(_VERSION_COLUMNS, self._first_version())

        def upsert(connection: Connection) -> bool:
            insert = INSERT[connection.dialect.name](workspaces).values(values | versions)
            saved = insert.on_conflict_do_update(index_elements=["team_id"], set_=changes)
            return connection.execute(saved.returning(_c.anchor_api_key)).scalar_one() is not None

        with self._on_change(installation.team_id):
            return await self._database.change(upsert)

    async def set_key(self, team_id: str, key: AnchorKey, *, if_version: int | None = None) -> bool:
        """Replace the Anchor key."""
        values = {
            "anchor_api_key": self._cipher.encrypt(key.value, FieldRef(team_id, "anchor_api_key")),
            "anchor_api_key_check": key.check.value,
            "anchor_api_key_set_by": key.set_by,
            "anchor_api_key_set_at": key.set_at,
        }
        return await self._change_version(team_id, _c.key_version, if_version, values)

    async def remove_key(self, team_id: str, *, if_version: int) -> bool:
        """Delete the Anchor key."""
        return await self._change_version(team_id, _c.key_version, if_version, dict.fromkeys(_KEY_COLUMNS, null()))

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version, if it has changed."""
        has_key = (_c.key_version == version, _c.anchor_api_key.is_not(None))
        has_changed = _c.anchor_api_key_check.is_distinct_from(check.value)
        await self._database.execute(_update(team_id, {"anchor_api_key_check": check.value}, *has_key, has_changed))

    async def set_policy(self, team_id: str, policy: Policy, *, if_version: int) -> bool:
        """Replace the policy."""
        return await self._change_version(team_id, _c.policy_version, if_version, {"policy": write_policy(policy)})

    async def set_alerts_token(self, team_id: str, digest: str, *, if_version: int | None = None) -> bool:
        """Replace the digest of the alerts token."""
        values = {"alerts_token_digest": digest}
        return await self._change_version(team_id, _c.alerts_token_version, if_version, values)

    async def set_alerts_channel(self, team_id: str, channel: str) -> bool:
        """Set the channel of alerts that name none."""
        return await self._change(team_id, {"alerts_channel": channel})

    async def move_alerts(self, team_id: str, channel: str, *, before: str | None) -> bool:
        """Set the channel of alerts that name none, if it is still `before`."""
        return await self._change(team_id, {"alerts_channel": channel}, _c.alerts_channel.is_not_distinct_from(before))

    async def delete(self, team_id: str) -> bool:
        """Delete a workspace and its orders."""
        return await self._delete(team_id)

    async def delete_uninstalled(self, uninstall: Uninstall) -> bool:
        """Delete a workspace if it was installed before `uninstall`, and if its bot user is among the revoked ones."""
        conditions = [_c.installed_at <= uninstall.happened_at]
        if uninstall.bot_user_ids is not None:
            conditions.append(_c.bot_user_id.in_(uninstall.bot_user_ids))
        with self._on_change(uninstall.team_id):
            return await self._delete(uninstall.team_id, *conditions)

    async def _delete(self, team_id: str, *conditions: ColumnElement[bool]) -> bool:
        """Delete a workspace that meets the conditions, and everything about it."""

        def delete_all(connection: Connection) -> bool:
            deleted = connection.execute(delete(workspaces).where(_c.team_id == team_id, *conditions))
            if deleted.rowcount:
                for table in (orders, roles, cards, paces, session_checks):
                    connection.execute(delete(table).where(table.c.team_id == team_id))
            return deleted.rowcount > 0

        return await self._database.change(delete_all)

    async def _change_version(
        self, team_id: str, version: Column[int], if_version: int | None, values: Mapping[str, Any]
    ) -> bool:
        """Change a row and increment `version`; if `if_version` is given, only a row of that version."""
        conditions = () if if_version is None else (version == if_version,)
        return await self._change(team_id, {**values, version.name: version + 1}, *conditions)

    async def _change(self, team_id: str, values: Mapping[str, Any], *conditions: ColumnElement[bool]) -> bool:
        with self._on_change(team_id):
            return await self._database.execute(_update(team_id, values, *conditions)) > 0

    def _key_of(self, row: Row[Any]) -> AnchorKey | None:
        if row.anchor_api_key is None:
            return None
        return AnchorKey(
            self._cipher.decrypt(row.anchor_api_key, FieldRef(row.team_id, "anchor_api_key")),
            check=KeyCheck(row.anchor_api_key_check) if row.anchor_api_key_check in _CHECKS else KeyCheck.UNVERIFIED,
            set_by=row.anchor_api_key_set_by,
            set_at=row.anchor_api_key_set_at,
        )


def _update(team_id: str, values: Mapping[str, Any], *conditions: ColumnElement[bool]) -> Update:
    """Return a single compare-and-set statement."""
    return update(workspaces).where(_c.team_id == team_id, *conditions).values(values)
