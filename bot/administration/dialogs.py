"""Opens the dialogs in which admins change things, before a trigger is too old, and has the last word in them."""

import logging

from bot.core.administration import NotAdmin, NotServed
from bot.core.alert import alerts_url
from bot.core.messages import controls
from bot.core.messages.dialog_answers import NO_DIALOG, ONE_MOMENT, TOO_LATE, about_problem, answer_view
from bot.core.messages.dialogs import TITLES, alerts_dialog, key_dialog, policy_dialog
from bot.core.messages.message import ephemeral
from bot.core.messages.view import View
from bot.core.policy import Role
from bot.core.requests import Asker, ReplyAddress
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.slack_views import Shown, SlackViews
from bot.outbound.teller import Teller
from bot.outbound.workspaces import StoreError, Workspaces

_log = logging.getLogger(__name__)


class Dialogs:
    """Shows them; the bot is reached at `base_url`."""

    def __init__(
        self, workspaces: Workspaces, roles: Roles, views: SlackViews, teller: Teller, *, base_url: str
    ) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._views = views
        self._teller = teller
        self._base_url = base_url

    async def open(self, address: ReplyAddress, trigger_id: str, name: str) -> None:
        """Open the dialog of that `callback_id`, or say why this person does not get it.

        Whom Slack has not called an admin of late may be one now. For them a dialog opens at once and says that it
        takes a moment: a trigger is good for 3 seconds, and Slack may take longer to say.
        https://docs.slack.dev/surfaces/modals
        """
        asker = address.asker
        try:
            workspace = await self._workspaces.find(asker.team_id)
        except StoreError as error:
            await self._give_up(address, str(error), NO_DIALOG)
            return
        if workspace is None:
            await self._give_up(address, "the app is not installed", about_problem(NotServed()))
            return
        is_known = self._roles.remembered(asker) is Role.ADMIN
        first = self._view(name, workspace, Role.ADMIN) if is_known else answer_view(TITLES[name], ONE_MOMENT)
        view_id = await self._views.open(workspace.bot_token, trigger_id, first)
        is_open = view_id is not None and (is_known or await self._complete(asker, workspace, view_id, name))
        if not is_open:
            await self._teller.write_to(asker.team_id, asker.user_id, ephemeral(TOO_LATE))

    async def say(self, asker: Asker, view_id: str, name: str, text: str) -> bool:
        """Show `text` (mrkdwn) in an open dialog, and say whether it is there to be read."""
        try:
            workspace = await self._workspaces.find(asker.team_id)
        except StoreError:
            workspace = None
        if workspace is None:
            return False
        shown = await self._views.update(workspace.bot_token, view_id, answer_view(TITLES[name], text))
        return shown is Shown.YES

    def alerts_url(self, team_id: str) -> str:
        """Where programs post the alerts of a workspace."""
        return alerts_url(self._base_url, team_id)

    async def _give_up(self, address: ReplyAddress, why: str, text: str) -> None:
        """Say so, as well as that can be done without a token: a button in a message has its response_url."""
        _log.error("a dialog can't be opened", extra={"team": address.asker.team_id, "why": why})
        await self._teller.tell(address, ephemeral(text))

    async def _complete(self, asker: Asker, workspace: Workspace, view_id: str, name: str) -> bool:
        """Show what was asked for, and say whether that came of it, or whoever asked has closed the dialog."""
        token = workspace.bot_token
        role = await self._roles.now(token, asker)
        return await self._views.update(token, view_id, self._view(name, workspace, role)) is not Shown.NO

    def _view(self, name: str, workspace: Workspace, role: Role) -> View:
        if role is not Role.ADMIN:
            return answer_view(TITLES[name], about_problem(NotAdmin(role)))
        match name:
            case controls.SET_KEY:
                return key_dialog(workspace)
            case controls.CHANGE_POLICY:
                return policy_dialog(workspace)
            case _:
                return alerts_dialog(workspace, self.alerts_url(workspace.team_id or ""))
