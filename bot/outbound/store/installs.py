"""Pending installations: each ends once, in its own browser, before it expires. `state` prevents CSRF.

A pending installation is not stored: `state` is signed and contains its expiry and the digest of the browser's nonce.
https://docs.slack.dev/authentication/installing-with-oauth
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.fields import Secret, digest, is_token
from bot.messages.install import EXPIRED, FOREIGN_BROWSER, REPLAYED, UNKNOWN_STATE, Page
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.marks import INSTALL, claim_mark
from bot.outbound.store.secrets import derive_key

LIFETIME = 600  # seconds until a pending installation expires
_RETENTION = 3600  # seconds after the expiry, during which a used state is told from an expired one
_BYTES = 32
_PRUNE = f"DELETE FROM marks WHERE scope = '{INSTALL}' AND until < :limit"
_FIND = f"SELECT 1 FROM marks WHERE scope = '{INSTALL}' AND name = :digest"
_PURPOSE = "anchor-bot: signature of the OAuth state"


@dataclass(frozen=True, slots=True)
class PendingInstall:
    """Secrets of a pending installation: one for Slack, one for the browser's cookie."""

    state: Secret
    browser_nonce: Secret


class InstallStates:
    """Repository of used states. The first of `keys` signs a state, and all verify; `now` is in Unix seconds."""

    def __init__(self, database: Database, keys: Sequence[Secret]) -> None:
        self._database = database
        self._keys = [derive_key(key, _PURPOSE) for key in keys]

    def begin(self, *, now: float) -> PendingInstall:
        """Begin an installation. It needs no database."""
        browser_nonce = Secret(secrets.token_urlsafe(_BYTES))
        content = f"{int(now) + LIFETIME}.{digest(browser_nonce.reveal())}"
        return PendingInstall(Secret(f"{content}.{_sign(content, self._keys[0]).decode()}"), browser_nonce)

    async def end(self, state: str, browser_nonce: str, *, now: float) -> Page | None:
        """End an installation once, or return the page that says why it cannot end. Raises StoreUnreachableError."""
        content, _, signature = state.rpartition(".")
        if not any(hmac.compare_digest(signature.encode(errors="replace"), _sign(content, key)) for key in self._keys):
            return UNKNOWN_STATE
        expires_at, browser_digest = content.split(".")
        if not is_token(browser_nonce, browser_digest):
            return FOREIGN_BROWSER
        state_digest = digest(state)
        if now < int(expires_at):
            return None if await self._use(state_digest, int(expires_at), now) else REPLAYED
        return EXPIRED if await self._database.fetch_one(_FIND, digest=state_digest) is None else REPLAYED

    async def _use(self, state_digest: str, expires_at: int, now: float) -> bool:
        """Save a used state, and delete old ones. Return whether it was not used before."""

        def write(connection: Connection) -> bool:
            connection.execute(_PRUNE, limit=now - _RETENTION)
            return claim_mark(connection, INSTALL, state_digest, expires_at, now)

        return await self._database.change(write)


def _sign(content: str, key: bytes) -> bytes:
    return hmac.new(key, content.encode(errors="replace"), hashlib.sha256).hexdigest().encode()
