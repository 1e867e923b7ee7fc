"""Read and change the rows of the workspaces: their installations, secrets and settings, and notices that come once."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from bot.core.alert_tokens import AlertToken
from bot.core.fields import SLACK_ID, Secret, derive_key, known_fields
from bot.core.permissions import Policy, Rule
from bot.core.workspace import AnchorKey, AutoPause, Installation, KeyCheck, Workspace
from bot.outbound.store.audit import LOCK, AuditTrail, changed
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import Database, workspace_lock
from bot.outbound.store.encryption import FieldCipher, FieldRef
from bot.outbound.store.errors import UnreadableError

_DELETION_TIMEOUT = 60.0  # seconds: it is one transaction, which takes 6 s with 200,000 orders
_IS_INSTALLED = "bot_token <> ''"
"""Of the workspace of the settings, the database has only the ids: to all but its own bot it is not installed."""
_SUMMARIES = f"""
    SELECT team_id, team_name, installed_at, anchor_api_key IS NOT NULL AS has_key FROM workspaces WHERE {_IS_INSTALLED}
    ORDER BY team_id
"""
_FIND = f"SELECT * FROM workspaces WHERE team_id = :team_id AND {_IS_INSTALLED}"
_SAVE = """
    INSERT INTO workspaces (team_id, team_name, enterprise_id, app_id, bot_user_id, bot_token, scopes, installed_by,
      installed_at)
    VALUES (:team_id, :team_name, :enterprise_id, :app_id, :bot_user_id, :bot_token, :scopes, :installed_by,
      :installed_at)
    ON CONFLICT (team_id) DO UPDATE SET team_name = excluded.team_name, enterprise_id = excluded.enterprise_id,
      app_id = excluded.app_id, bot_user_id = excluded.bot_user_id, bot_token = excluded.bot_token,
      scopes = excluded.scopes, installed_by = excluded.installed_by, installed_at = excluded.installed_at
    RETURNING anchor_api_key
"""
_SAVE_IDS = """
    INSERT INTO workspaces (team_id, team_name, enterprise_id, app_id, bot_user_id, bot_token, token_digest, scopes,
      installed_by, installed_at)
    VALUES (:team_id, '', :enterprise_id, '', '', '', :digest, '', '', 0)
    ON CONFLICT (team_id) DO UPDATE SET token_digest = excluded.token_digest, enterprise_id = excluded.enterprise_id
"""
_FIND_IDS = "SELECT team_id, enterprise_id FROM workspaces WHERE token_digest = :digest AND team_id <> ''"
_PAUSING = f"SELECT team_id FROM workspaces WHERE auto_pause <> '{AutoPause.OFF}'"
_CHECK_KEY = """
    UPDATE workspaces SET anchor_api_key_check = :key_check WHERE team_id = :team_id AND key_version = :version
      AND anchor_api_key IS NOT NULL AND coalesce(anchor_api_key_check, '') <> :key_check
"""
_OF_WORKSPACE = dict.fromkeys(("orders", "audit_people", "people", "messages", "parts"), "team_id") | {"marks": "scope"}
"""The tables whose rows go with a workspace, besides the audit trail."""
_CHECKS, _MODES = frozenset(KeyCheck), frozenset(AutoPause)
_CLAIM = """
    INSERT INTO marks (scope, name, until) VALUES (:scope, :name, :until)
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until WHERE marks.until <= :now
"""
IS_RECORDED = "SELECT 1 FROM workspaces WHERE team_id = :team_id FOR KEY SHARE"
"""It finds nothing if the workspace does not exist; until the end of the transaction nobody deletes it."""
_IDS, _NEEDED, _MANY = {"users", "channels"}, ("pause", "resume"), "pause_several"  # of a policy


@dataclass(frozen=True, slots=True)
class Record:
    """A change for the audit trail: who made it, and the new value of a setting, which names no person and no secret.

    The user id is "" if nobody is known.
    """

    user_id: str
    what: str
    value: str


UNKNOWN_TOKENS = Record("", "alert tokens", "changed")


@dataclass(eq=False, repr=False)
class WorkspaceRows:
    """Repository of workspaces. Every method can raise StoreUnreachableError.

    A change returns whether it was made. It is not made if the workspace does not exist or has another version; of
    concurrent changes of one version, one is made. Each change of a workspace runs inside `on_change(team_id)`.
    """

    _database: Database
    _cipher: FieldCipher
    _audit: AuditTrail
    on_change: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()

    async def find(self, team_id: str) -> Workspace | None:
        """Return a workspace, in one round trip. Raises UnreadableError if its secrets or its policy cannot be read."""
        row = await self._database.fetch_one(_FIND, team_id=team_id)
        return None if row is None else self._workspace(row)

    def _workspace(self, row: Row) -> Workspace:
        return Workspace(
            team_id=row.team_id,
            bot_token=self._cipher.decrypt(row.bot_token, FieldRef(row.team_id, "bot_token")),
            anchor_key=self._key_of(row),
            policy=read_policy(row.policy),
            alert_tokens=_read_tokens(row.alert_tokens),
            alerts_channel=row.alerts_channel,
            alerts_groups=row.alerts_groups or "",
            auto_pause=AutoPause(row.auto_pause) if row.auto_pause in _MODES else AutoPause.OFF,
            key_version=row.key_version,
            policy_version=row.policy_version,
            alerts_token_version=row.alerts_token_version,
            installed_by=row.installed_by,
            is_managed=True,
            enterprise_id=row.enterprise_id or "",
        )

    async def is_installed(self, team_id: str) -> bool:
        """Return whether a workspace has the app installed."""
        return await self._database.fetch_one(_FIND, team_id=team_id) is not None

    async def summaries(self) -> list[Row]:
        """Return `team_id`, `team_name`, `installed_at` (Unix seconds) and `has_key` of all, by team id."""
        return await self._database.fetch_all(_SUMMARIES)

    async def save(self, installation: Installation) -> bool:
        """Save an installation; an earlier one keeps its settings. Return whether the workspace has an Anchor key."""
        token = self._cipher.encrypt(installation.bot_token, FieldRef(installation.team_id, "bot_token"))
        values = asdict(installation) | {"bot_token": token, "scopes": ",".join(installation.scopes)}
        record = Record(installation.installed_by, "this app", "installed")

        def save(connection: Connection) -> bool:
            (row,) = connection.fetch_all(_SAVE, **values)
            self._record(connection, installation.team_id, record)
            return row.anchor_api_key is not None

        with self.on_change(installation.team_id):
            return await self._database.change(save)

    async def save_ids(self, workspace: Workspace) -> None:
        """Save the ids of a workspace whose settings are not in the database, and the digest of its token."""
        await self._database.change(lambda connection: saving_ids(workspace, connection)())

    async def find_ids(self, bot_token: Secret) -> tuple[str, str] | None:
        """Return the ids of the team and the organisation ("" without one) that were saved with this token."""
        row = await self._database.fetch_one(_FIND_IDS, digest=_digest(bot_token))
        return (row.team_id, row.enterprise_id or "") if row and SLACK_ID.fullmatch(row.team_id) else None

    async def pausing_teams(self) -> list[str]:
        """Return the ids of the workspaces in which alerts can pause."""
        return [row.team_id for row in await self._database.look(_PAUSING)]

    async def set_key(self, team_id: str, key: AnchorKey, *, if_version: int | None = None, by: str = "") -> bool:
        """Replace the Anchor key."""
        ciphertext = self._cipher.encrypt(key.value, FieldRef(team_id, "anchor_api_key"))
        values = {
            "anchor_api_key": ciphertext,
            "anchor_api_key_check": key.check.value,
            "anchor_api_key_set_by": key.set_by,
            "anchor_api_key_set_at": key.set_at,
        }
        return await self._change(team_id, values, Record(by, "Anchor key", "a new one"), ("key_version", if_version))

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save the check of the key of this version, if it has changed."""
        await self._database.execute(_CHECK_KEY, team_id=team_id, version=version, key_check=check.value)

    async def set_policy(self, team_id: str, policy: Policy, *, if_version: int, by: str = "") -> bool:
        """Replace the policy."""
        new, record = {"policy": _write_policy(policy)}, Record(by, "permissions", policy.summary)
        return await self._change(team_id, new, record, ("policy_version", if_version))

    async def set_alert_tokens(
        self, team_id: str, tokens: Iterable[AlertToken], *, if_version: int, record: Record = UNKNOWN_TOKENS
    ) -> bool:
        """Replace the alert tokens, and record what has changed."""
        new = {"alert_tokens": _write_tokens(tokens)}
        return await self._change(team_id, new, record, ("alerts_token_version", if_version))

    async def set_auto_pause(self, team_id: str, mode: AutoPause, *, before: AutoPause, by: str) -> bool:
        """Set another effect of alerts that ask for a pause, if it is still `before`, and record who has set it."""
        new, record = {"auto_pause": mode.value}, Record(by, "pauses by alerts", mode)
        return mode is not before and await self._change(team_id, new, record, before=before.value)

    async def set_alerts_channel(self, team_id: str, channel: str, *, before: str | None = None, by: str = "") -> bool:
        """Set the channel of alerts that name none, if it is still `before` ("" for none), or whatever it is."""
        return await self._change(
            team_id, {"alerts_channel": channel}, Record(by, "alert channel", channel), before=before
        )

    async def set_alerts_groups(self, team_id: str, groups: str, *, by: str = "") -> bool:
        """Set the user groups that messages about alerts mention, if any."""
        return await self._change(team_id, {"alerts_groups": groups}, Record(by, "alert group", groups or "none"))

    async def delete_uninstalled(self, team_id: str, happened_at: int, bot_user_ids: Sequence[str]) -> bool:
        """Delete a workspace that was uninstalled at a time (Unix seconds), unless it was installed again since.

        If there are `bot_user_ids`, only their tokens were revoked.
        """
        conditions = "AND installed_at <= :at"
        if bot_user_ids:
            conditions += " AND bot_user_id IN (SELECT value FROM json_each(:bots))"
        with self.on_change(team_id):
            return await self.delete(team_id, conditions=conditions, at=happened_at, bots=listed(bot_user_ids))

    async def delete(self, team_id: str, *, by: str = "", conditions: str = "", **values: object) -> bool:
        """Delete a workspace and its orders, and record who did; Slack does not say who uninstalls an app."""
        sql = f"DELETE FROM workspaces WHERE team_id = :team_id AND {_IS_INSTALLED} {conditions}"

        def delete_all(connection: Connection) -> bool:
            is_deleted = connection.execute(sql, team_id=team_id, **values) > 0
            if is_deleted:
                for table, column in _OF_WORKSPACE.items():
                    connection.execute(f"DELETE FROM {table} WHERE {column} = :team_id", team_id=team_id)
                self._audit.bury(connection, team_id)
                if by:
                    self._record(connection, team_id, Record(by, "this app", "deleted"))
            return is_deleted

        return await self._database.change(delete_all, locks=[LOCK], within=_DELETION_TIMEOUT)

    async def _change(
        self,
        team_id: str,
        new: Mapping[str, object],
        record: Record,
        version: tuple[str, int | None] | None = None,
        before: str | None = None,
    ) -> bool:
        """Set columns if that of the version has still this value, or the only column is still as `before`."""
        changes, condition, values = [f"{name} = :{name}" for name in new], "", dict(new)
        if version is not None:
            name, values["if_version"] = version
            changes.append(f"{name} = {name} + 1")
            condition = "" if values["if_version"] is None else f"AND {name} = :if_version"
        elif before is not None:
            condition, values["before"] = f"AND coalesce({next(iter(new))}, '') = :before", before
        sql = f"UPDATE workspaces SET {', '.join(changes)} WHERE team_id = :team_id AND {_IS_INSTALLED} {condition}"

        def change(connection: Connection) -> bool:
            is_changed = connection.execute(sql, team_id=team_id, **values) > 0
            if is_changed:
                self._record(connection, team_id, record)
            return is_changed

        with self.on_change(team_id):
            return await self._database.change(change)

    def _record(self, connection: Connection, team_id: str, record: Record) -> None:
        row = changed(record.what, record.value, team_id=team_id, at=connection.now(), by=record.user_id)
        self._audit.add(connection, row)

    def _key_of(self, row: Row) -> AnchorKey | None:
        if row.anchor_api_key is None:
            return None
        return AnchorKey(
            self._cipher.decrypt(row.anchor_api_key, FieldRef(row.team_id, "anchor_api_key")),
            check=KeyCheck(row.anchor_api_key_check) if row.anchor_api_key_check in _CHECKS else KeyCheck.UNVERIFIED,
            set_by=row.anchor_api_key_set_by,
            set_at=row.anchor_api_key_set_at,
        )


def saving_ids(workspace: Workspace, connection: Connection) -> Callable[[], None]:
    """Do so as the work of a writer."""
    values = {"team_id": workspace.team_id, "enterprise_id": workspace.enterprise_id or None}
    connection.queue(_SAVE_IDS, values | {"digest": _digest(workspace.bot_token)})
    return lambda: None


def _digest(bot_token: Secret) -> str:
    return derive_key(bot_token, "anchor-bot: the team of a bot token").hex()


def _write_tokens(tokens: Iterable[AlertToken]) -> str | None:
    rows = [asdict(one) | {"channels": sorted(one.channels)} for one in tokens]
    return json.dumps(rows) if rows else None


def _read_tokens(text: str | None) -> tuple[AlertToken, ...]:
    rows: list[dict[str, Any]] = json.loads(text or "[]")
    return tuple(
        AlertToken(**known_fields(AlertToken, row | {"channels": frozenset(row.get("channels", ()))})) for row in rows
    )


def claim(connection: Connection, scope: str, name: str, until: float | None, now: float) -> bool:
    """Return whether nobody else has claimed it, or only until now. From now on it is claimed; None: for good."""
    return connection.execute(_CLAIM, scope=scope, name=name, until=until, now=now) > 0


@dataclass(eq=False, repr=False)
class Notices:
    """Repository of the notices that a workspace gets once, from one replica. Can raise StoreUnreachableError."""

    database: Database

    async def claim(self, team_id: str, name: str, seconds: float | None = None) -> bool:
        """Return whether this claim is the first one, or the first one again after so many `seconds`.

        It is not if the workspace does not exist.
        """
        now = time.time()
        until = None if seconds is None else now + seconds

        def claim_one(connection: Connection) -> bool:
            if not connection.fetch_all(IS_RECORDED, team_id=team_id):
                return False
            return claim(connection, team_id, f"notice {name}", until, now)

        return await self.database.change(claim_one, locks=[workspace_lock(team_id)])

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        sql = "DELETE FROM marks WHERE scope = :team_id AND name = :name"
        await self.database.execute(sql, team_id=team_id, name=f"notice {name}")


def _write_policy(policy: Policy) -> str:
    rules = {verb.value: asdict(rule) for verb, rule in policy.rules.items()}
    return json.dumps(rules | ({_MANY: policy.pause_several} if policy.pause_several else {}), default=sorted)


def read_policy(text: str | None) -> Policy:
    """Decode a policy. Raises UnreadableError also for an unknown or a missing field: it could be a restriction."""
    if text is None:
        return Policy()
    try:
        rules: dict[str, Any] = dict.fromkeys(_NEEDED) | json.loads(text)
        many = _read_ids(rules.pop(_MANY, []))
        return Policy(**{verb: _read_rule(rule) for verb, rule in rules.items()}, pause_several=many)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise UnreadableError("this version cannot read the policy") from None


def _read_rule(value: Any) -> Rule:  # noqa: ANN401 - JSON
    if value.keys() != _IDS:
        raise ValueError
    return Rule(**{name: _read_ids(ids) for name, ids in value.items()})


def _read_ids(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return frozenset(value)
