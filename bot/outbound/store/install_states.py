"""The OAuth states of pending installations of the app, each of which is used once."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.fields import Secret, derive_key, digest, is_token
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.workspaces import claim

LIFETIME = 600  # seconds until a pending installation expires
_INSTALL = "install"  # the scope of marks
_DELETE_EXPIRED = f"DELETE FROM marks WHERE scope = '{_INSTALL}' AND until < :now"
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
        browser_nonce = Secret(secrets.token_urlsafe(32))
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
            return claim(connection, _INSTALL, digest(state), int(expires_at), now)

        return await self._database.change(use)


def _sign(content: str, key: bytes) -> bytes:
    return hmac.new(key, content.encode(errors="replace"), hashlib.sha256).hexdigest().encode()
