"""Pending installations: each ends once, in its own browser, before it expires. `state` prevents CSRF.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from bot.core.installation import Expired, ForeignBrowser, Replayed, StateProblem, UnknownState
from bot.core.secret import Secret, digest
from bot.outbound.store.database import Database
from bot.outbound.store.schema import install_states

LIFETIME = 600  # seconds until a pending installation expires
_RETENTION = 86_400  # seconds after the expiry, during which the callback can still explain the failure
_BYTES = 32


@dataclass(frozen=True, slots=True)
class PendingInstall:
    """Secrets of a pending installation: one for Slack, one for the browser's cookie. The table has their digests."""

    state: Secret
    browser_nonce: Secret


class InstallStates:
    """Repository of pending installations. Both methods can raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, *, now: float) -> PendingInstall:
        """Begin an installation, and delete old ones."""
        pending = PendingInstall(Secret(secrets.token_urlsafe(_BYTES)), Secret(secrets.token_urlsafe(_BYTES)))
        row = {
            "state_digest": digest(pending.state.reveal()),
            "browser_digest": digest(pending.browser_nonce.reveal()),
            "expires_at": int(now) + LIFETIME,
        }
        async with self._database.transaction() as connection:
            await connection.execute(delete(install_states).where(install_states.c.expires_at < now - _RETENTION))
            await connection.execute(insert(install_states).values(row))
        return pending

    async def end(self, state: str, browser_nonce: str, *, now: float) -> StateProblem | None:
        """End an installation, or return why it cannot end. Of concurrent calls, one succeeds."""
        c = install_states.c
        same_state, same_browser = c.state_digest == digest(state), c.browser_digest == digest(browser_nonce)
        usable = (same_state, same_browser, c.used_at.is_(None), c.expires_at > int(now))
        async with self._database.transaction() as connection:
            ended = await connection.execute(update(install_states).where(*usable).values(used_at=int(now)))
            if ended.rowcount:
                return None
            row = (await connection.execute(select(same_browser, c.used_at).where(same_state))).first()
        if row is None:
            return UnknownState()
        is_same_browser, used_at = row
        if not is_same_browser:
            return ForeignBrowser()
        return Expired() if used_at is None else Replayed()
