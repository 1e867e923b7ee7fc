"""Install the app in a workspace: from "Add to Slack" to the saved workspace."""

import logging
import time
from dataclasses import dataclass

from bot.core.fields import Secret
from bot.core.workspace import Installation
from bot.messages import install
from bot.outbound.slack.oauth import SlackOAuth
from bot.outbound.store.errors import StoreError
from bot.outbound.store.installs import InstallStates
from bot.outbound.store.workspaces import WorkspaceRows

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Installer:
    """The OAuth flow; only the `allowed` teams can install the app, and those that have, but for no `allowed`: all.

    A team that cannot keeps no token of the app.
    """

    oauth: SlackOAuth
    states: InstallStates
    rows: WorkspaceRows
    allowed: frozenset[str]

    def begin(self) -> tuple[str, Secret]:
        """Return the URL of Slack's consent page, and the browser's nonce for the callback."""
        pending = self.states.begin(now=time.time())
        return self.oauth.consent_url(pending.state), pending.browser_nonce

    async def end(self, state: str, code: Secret, error: str, browser_nonce: Secret) -> install.Page:
        """Save the installation. Return the page, and log the outcome unless strangers can cause it.

        The parameters are those of the callback and its cookie, unchecked; "" for an absent one.
        """
        try:
            page = await self._end(state, code, error, browser_nonce)
        except StoreError as failure:
            _log.error("database error; installation not completed", extra={"why": str(failure)})
            page = install.unavailable_page(install.NO_DATABASE)
        if page != install.BEGIN_AGAIN:
            fields = {"outcome": page.outcome, "team": page.team_id, "why": page.why}
            _log.info("installation", extra={name: value for name, value in fields.items() if value})
        return page

    async def _end(self, state: str, code: Secret, error: str, browser_nonce: Secret) -> install.Page:
        if not await self.states.end(state, browser_nonce.reveal(), now=time.time()):
            return install.BEGIN_AGAIN
        if error:
            is_denied = error == "access_denied"
            return install.declined_page(install.DENIED) if is_denied else install.operator_page(error)
        if not code.reveal():
            return install.BEGIN_AGAIN
        granted = await self.oauth.exchange(code)
        if not isinstance(granted, Installation):
            return granted
        team_id = granted.team_id
        if self.allowed and team_id not in self.allowed and not await self.rows.is_installed(team_id):
            await self.oauth.revoke(granted.bot_token)
            return install.declined_page(install.workspace_declined(team_id), team_id=team_id, again=False)
        has_key = await self.rows.save(granted)
        return install.installed_page(team_id, granted.team_name, has_key=has_key)
