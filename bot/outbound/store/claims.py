"""Claims, for what is done once: notices to a workspace, and installations, each with its own OAuth state.

The table `marks` records it, with what else is small and has no table of its own, by scope and name.

| scope | name | until | value |
|---|---|---|---|
| a workspace | `notice` and its name | when it can be sent again, if ever | |
| `install` | the digest of a used OAuth state | its expiry | |
| `audit key` | the id of an encryption key | | the key of links of the audit trail that is derived from it, encrypted |
| `audit end` | a workspace | | the signed end of its chain of the audit trail |
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.fields import Secret, derive_key, digest, is_token
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database, workspace_lock

INSTALL, AUDIT_KEY, AUDIT_END = "install", "audit key", "audit end"
_CLAIM = """
    INSERT INTO marks (scope, name, until) VALUES (:scope, :name, :until)
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until WHERE marks.until <= :now
"""
IS_RECORDED = "SELECT 1 FROM workspaces WHERE team_id = :team_id FOR KEY SHARE"
"""It finds nothing if the workspace does not exist; until the end of the transaction nobody deletes it."""


def claim_mark(connection: Connection, scope: str, name: str, until: float | None, now: float) -> bool:
    """Return whether nobody else has claimed it, or only until now. From now on it is claimed; None: for good."""
    return connection.execute(_CLAIM, scope=scope, name=name, until=until, now=now) > 0


@dataclass(eq=False)
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
            if connection.fetch_one(IS_RECORDED, team_id=team_id) is None:
                return False
            return claim_mark(connection, team_id, f"notice {name}", until, now)

        return await self.database.change(claim_one, locks=[workspace_lock(team_id)])

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        sql = "DELETE FROM marks WHERE scope = :team_id AND name = :name"
        await self.database.execute(sql, team_id=team_id, name=f"notice {name}")


LIFETIME = 600  # seconds until a pending installation expires
_BYTES = 32
_DELETE_EXPIRED = f"DELETE FROM marks WHERE scope = '{INSTALL}' AND until < :now"
_PURPOSE = "anchor-bot: signature of the OAuth state"


@dataclass(frozen=True, slots=True)
class PendingInstall:
    """Secrets of a pending installation: one for Slack, one for the browser's cookie."""

    state: Secret
    browser_nonce: Secret


class InstallStates:
    """Repository of used states of pending installations: each ends once, in its own browser, before it expires.

    A pending one is not stored: its `state` is signed and contains its expiry and the digest of the browser's nonce.
    The first of `keys` signs, and all verify; `now` is in Unix seconds.
    https://docs.slack.dev/authentication/installing-with-oauth
    """

    def __init__(self, database: Database, keys: Sequence[Secret]) -> None:
        self._database = database
        self._keys = [derive_key(key, _PURPOSE) for key in keys]

    def begin(self, *, now: float) -> PendingInstall:
        """Begin an installation. It needs no database."""
        browser_nonce = Secret(secrets.token_urlsafe(_BYTES))
        content = f"{int(now) + LIFETIME}.{digest(browser_nonce.reveal())}"
        return PendingInstall(Secret(f"{content}.{_sign(content, self._keys[0]).decode()}"), browser_nonce)

    async def end(self, state: str, browser_nonce: str, *, now: float) -> bool:
        """End an installation, and return whether it was one that had not ended. Raises StoreUnreachableError."""
        content, _, signature = state.rpartition(".")
        if not any(hmac.compare_digest(signature.encode(errors="replace"), _sign(content, key)) for key in self._keys):
            return False
        expires_at, browser_digest = content.split(".")
        if not is_token(browser_nonce, browser_digest) or now >= int(expires_at):
            return False

        def use(connection: Connection) -> bool:
            connection.execute(_DELETE_EXPIRED, now=now)
            return claim_mark(connection, INSTALL, digest(state), int(expires_at), now)

        return await self._database.change(use)


def _sign(content: str, key: bytes) -> bytes:
    return hmac.new(key, content.encode(errors="replace"), hashlib.sha256).hexdigest().encode()
