"""The rows of the workspaces: who is installed, with which secrets and rules, and who is no more."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Row, Select, delete, null, select, update

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.installation import Departure, Installation
from bot.core.policy import Policy
from bot.core.workspace import Workspace
from bot.outbound.store.database import INSERT, Database
from bot.outbound.store.policy_json import read_policy, write_policy
from bot.outbound.store.schema import workspaces
from bot.outbound.store.summary import Summary, summarize
from bot.outbound.store.vault import Place, Vault

SECRET_COLUMNS = ("bot_token", "anchor_api_key")

_OF_INSTALLATION = (
    *("team_id", "team_name", "enterprise_id", "app_id", "bot_user_id"),
    *("bot_token", "scopes", "installed_by", "installed_at"),
)
_OF_KEY = ("anchor_api_key", "anchor_api_key_check", "anchor_api_key_set_by", "anchor_api_key_set_at")
_VERSIONS = ("key_version", "policy_version", "alerts_token_version")
_CHECKS = frozenset(KeyCheck)

_c = workspaces.c


class Installations:
    """Reads and changes them. Every method may raise StoreUnreachableError.

    A change says whether it was made: not where the workspace is not there, or is not as the caller has seen it. Of
    several at once that have seen the same version, whichever bots they come from, one is made.
    `first_version` gives a workspace its first one: none that was seen before the workspace was forgotten, in a dialog
    that is still open.
    """

    def __init__(self, database: Database, vault: Vault, first_version: Callable[[], int]) -> None:
        self._database = database
        self._vault = vault
        self._first_version = first_version

    async def find(self, team_id: str) -> Workspace | None:
        """The workspace, in one round trip. Raises UnreadableError where its secrets or its policy can't be read."""
        row = await self._database.one(_of(team_id))
        if row is None:
            return None
        return Workspace(
            team_id=row.team_id,
            bot_token=self._vault.decrypt(row.bot_token, Place(team_id, "bot_token")),
            anchor_key=self._key_of(row),
            policy=read_policy(row.policy),
            alerts_token_digest=row.alerts_token_digest,
            alerts_channel=row.alerts_channel,
            key_version=row.key_version,
            policy_version=row.policy_version,
            alerts_token_version=row.alerts_token_version,
            installed_by=row.installed_by,
            is_managed=True,
        )

    async def summary(self, team_id: str) -> Summary | None:
        """What may be shown of one workspace."""
        row = await self._database.one(_of(team_id))
        return None if row is None else summarize(row)

    async def summaries(self) -> list[Summary]:
        """What may be shown of all of them, by team id."""
        return [summarize(row) for row in await self._database.every(select(workspaces).order_by("team_id"))]

    async def save(self, installation: Installation) -> bool:
        """Keep an installation, in the place of an earlier one of that workspace; say whether its Anchor key is known.

        What belongs to the workspace and not to the installation stays: its key, its policy, its alerts, its admins.
        """
        token = self._vault.encrypt(installation.bot_token, Place(installation.team_id, "bot_token"))
        values: Mapping[str, Any] = {name: getattr(installation, name) for name in _OF_INSTALLATION} | {
            "bot_token": token,
            "scopes": ",".join(installation.scopes),
        }
        async with self._database.changing() as connection:
            first: Mapping[str, Any] = dict.fromkeys(_VERSIONS, self._first_version())
            insert = INSERT[connection.dialect.name](workspaces).values({**values, **first})
            changes = {name: value for name, value in values.items() if name != "team_id"}
            saved = insert.on_conflict_do_update(index_elements=["team_id"], set_=changes)
            key = (await connection.execute(saved.returning(_c.anchor_api_key))).scalar_one()
        return key is not None

    async def set_key(self, team_id: str, key: AnchorKey, *, if_version: int | None = None) -> bool:
        """Give a workspace its Anchor key, in the place of whatever key it has unless `if_version` says which."""
        seen = () if if_version is None else (_c.key_version == if_version,)
        values = {
            "anchor_api_key": self._vault.encrypt(key.value, Place(team_id, "anchor_api_key")),
            "anchor_api_key_check": key.check.value,
            "anchor_api_key_set_by": key.set_by,
            "anchor_api_key_set_at": key.set_at,
            "key_version": _c.key_version + 1,
        }
        return await self._update(team_id, *seen, **values)

    async def remove_key(self, team_id: str, *, if_version: int) -> bool:
        """Keep nothing of a workspace's Anchor key."""
        values = dict.fromkeys(_OF_KEY, null()) | {"key_version": _c.key_version + 1}
        return await self._update(team_id, _c.key_version == if_version, **values)

    async def note_check(self, team_id: str, version: int, check: KeyCheck) -> bool:
        """Remember what Anchor says of the key of that version, and say whether that is news."""
        is_news = _c.anchor_api_key_check.is_distinct_from(check.value)
        its = (_c.key_version == version, _c.anchor_api_key.is_not(None))
        return await self._update(team_id, *its, is_news, anchor_api_key_check=check.value)

    async def set_policy(self, team_id: str, policy: Policy, *, if_version: int) -> bool:
        """Let from now on those do things whom the policy names."""
        values = {"policy": write_policy(policy), "policy_version": _c.policy_version + 1}
        return await self._update(team_id, _c.policy_version == if_version, **values)

    async def set_alerts_token(self, team_id: str, digest: str, *, if_version: int | None = None) -> bool:
        """Let programs post alerts with the token of that digest and with no other; `if_version` as above."""
        seen = () if if_version is None else (_c.alerts_token_version == if_version,)
        values = {"alerts_token_digest": digest, "alerts_token_version": _c.alerts_token_version + 1}
        return await self._update(team_id, *seen, **values)

    async def set_alerts_channel(self, team_id: str, channel: str) -> bool:
        """Let alerts go there that name no channel of their own."""
        return await self._update(team_id, alerts_channel=channel)

    async def move_alerts(self, team_id: str, channel: str, *, before: str | None) -> bool:
        """The same, where they have gone to `before`; None is nowhere."""
        return await self._update(team_id, _c.alerts_channel.is_not_distinct_from(before), alerts_channel=channel)

    async def delete(self, team_id: str) -> bool:
        """Keep nothing of a workspace."""
        async with self._database.changing() as connection:
            return _touched(await connection.execute(delete(workspaces).where(_c.team_id == team_id)))

    async def depart(self, departure: Departure) -> bool:
        """Keep nothing of a workspace that was left, and say whether there was something.

        An installation of later than that stays, and so does one whose own bot is not among those whose tokens died.
        """
        left = delete(workspaces).where(_c.team_id == departure.team_id, _c.installed_at <= departure.happened_at)
        if departure.bot_user_ids is not None:
            left = left.where(_c.bot_user_id.in_(departure.bot_user_ids))
        async with self._database.changing() as connection:
            return _touched(await connection.execute(left))

    async def _update(self, team_id: str, *seen: ColumnElement[bool], **values: Any) -> bool:  # noqa: ANN401 - of each column its own
        """Look and change in one statement, so that nobody comes between."""
        changing = update(workspaces).where(_c.team_id == team_id, *seen).values(values)
        async with self._database.changing() as connection:
            return _touched(await connection.execute(changing))

    def _key_of(self, row: Row[Any]) -> AnchorKey | None:
        if row.anchor_api_key is None:
            return None
        return AnchorKey(
            self._vault.decrypt(row.anchor_api_key, Place(row.team_id, "anchor_api_key")),
            check=KeyCheck(row.anchor_api_key_check) if row.anchor_api_key_check in _CHECKS else KeyCheck.UNVERIFIED,
            set_by=row.anchor_api_key_set_by,
            set_at=row.anchor_api_key_set_at,
        )


def _of(team_id: str) -> Select[Any]:
    return select(workspaces).where(_c.team_id == team_id)


def _touched(result: CursorResult[Any]) -> bool:
    return result.rowcount > 0
