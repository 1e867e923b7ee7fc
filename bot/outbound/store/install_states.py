"""Installations that were begun: each ends once, in the browser that it began in, within its time.

https://docs.slack.dev/authentication/installing-with-oauth: `state` is what keeps a forged end out.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from bot.core.digest import digest
from bot.core.installation import Expired, ForeignBrowser, Replayed, StateProblem, UnknownState
from bot.core.secret import Secret
from bot.outbound.store.database import Database
from bot.outbound.store.schema import install_states

LIFETIME = 600
"""Seconds from the beginning of an installation to its end."""

_REMEMBERED = 86_400  # seconds after which nobody is told any more why it failed
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Begun:
    """`state` goes to Slack and comes back, `browser` stays in the browser's cookie. Here stand digests of both."""

    state: Secret
    browser: Secret


class InstallStates:
    """Both methods may raise StoreUnreachableError; `now` is in Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, *, now: float) -> Begun:
        """Begin an installation, and forget those of long ago."""
        begun = Begun(Secret(secrets.token_urlsafe(_BYTES)), Secret(secrets.token_urlsafe(_BYTES)))
        row = {
            "state_digest": digest(begun.state.reveal()),
            "browser_digest": digest(begun.browser.reveal()),
            "expires_at": int(now) + LIFETIME,
        }
        async with self._database.changing() as connection:
            await connection.execute(delete(install_states).where(install_states.c.expires_at < now - _REMEMBERED))
            await connection.execute(insert(install_states).values(row))
        return begun

    async def end(self, state: str, browser: str, *, now: float) -> StateProblem | None:
        """End an installation, or say why it can't be ended. Of several at the same moment, one succeeds."""
        c = install_states.c
        own, its = c.state_digest == digest(state), c.browser_digest == digest(browser)
        fresh = (own, its, c.used_at.is_(None), c.expires_at > int(now))
        async with self._database.changing() as connection:
            used = await connection.execute(update(install_states).where(*fresh).values(used_at=int(now)))
            if used.rowcount:
                return None
            row = (await connection.execute(select(its, c.used_at).where(own))).first()
        if row is None:
            return UnknownState()
        is_its_browser, used_at = row
        if not is_its_browser:
            return ForeignBrowser()
        return Expired() if used_at is None else Replayed()
