"""The use case of an installation: from a click on "Add to Slack" to a workspace that the bot serves."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.installation import Denied, Installation, Installed, InstallOutcome, NotKept, RefusedBySlack, UnknownState
from bot.core.secret import Secret
from bot.outbound.slack_oauth import SlackOAuth
from bot.outbound.store.install_states import Begun, InstallStates
from bot.outbound.store.stored_workspaces import StoredWorkspaces
from bot.outbound.workspaces import StoreError

_log = logging.getLogger(__name__)

_DENIED = "access_denied"


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a browser brings from Slack, as it stands in the URL, and in the cookie that it was given; "" for absent."""

    state: str
    code: Secret
    error: str
    browser: Secret


class Installer:
    """Begins and ends installations; `now` gives Unix seconds."""

    def __init__(
        self, oauth: SlackOAuth, states: InstallStates, workspaces: StoredWorkspaces, now: Callable[[], float]
    ) -> None:
        self._oauth = oauth
        self._states = states
        self._workspaces = workspaces
        self._now = now

    async def begin(self) -> tuple[str, Secret]:
        """The page of Slack's to go to, and what the browser must show on its way back. Raises StoreError."""
        begun: Begun = await self._states.begin(now=self._now())
        return self._oauth.consent_url(begun.state), begun.browser

    async def end(self, back: WayBack) -> InstallOutcome:
        """Let the workspace in, or say why not; the log has the outcome."""
        try:
            outcome = await self._end(back)
        except StoreError as error:
            _log.error("the database can't be used", extra={"why": str(error)})
            outcome = NotKept()
        team = {"team": outcome.team_id} if isinstance(outcome, Installed) else {}
        why = {"why": outcome.code} if isinstance(outcome, RefusedBySlack) else {}
        _log.info("installation", extra={"outcome": type(outcome).__name__} | team | why)
        return outcome

    async def _end(self, back: WayBack) -> InstallOutcome:
        now = self._now()
        problem = await self._states.end(back.state, back.browser.reveal(), now=now)
        if problem is not None:
            return problem
        if back.error:
            return Denied() if back.error == _DENIED else RefusedBySlack(back.error)
        if not back.code.reveal():
            return UnknownState()
        granted = await self._oauth.exchange(back.code, now=now)
        if not isinstance(granted, Installation):
            return granted
        has_key = await self._workspaces.install(granted)
        return Installed(granted.team_id, granted.team_name, has_key)
