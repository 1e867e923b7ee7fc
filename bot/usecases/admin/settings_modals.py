"""The modals in which admins change the settings of their workspace."""

from functools import partial

from bot.core.admin_outcomes import KeyRemoved
from bot.core.cards import alerts_url
from bot.core.requests import ReplyAddress
from bot.core.workspace import Workspace
from bot.messages import buttons
from bot.messages.blocks import View
from bot.messages.settings import (
    TITLES,
    about_removal,
    alerts_modal,
    answer_view,
    key_modal,
    policy_modal,
    removal_modal,
)
from bot.outbound.slack.client import SlackViews
from bot.outbound.slack.roles import RoleCache
from bot.outbound.workspaces import Workspaces
from bot.usecases.admin.modals import Modals
from bot.usecases.message_delivery import MessageDelivery


class SettingsModals(Modals):
    """The settings modals of a bot whose public URL is `base_url`."""

    def __init__(
        self, workspaces: Workspaces, roles: RoleCache, views: SlackViews, delivery: MessageDelivery, *, base_url: str
    ) -> None:
        super().__init__(workspaces, roles, views, delivery)
        self._base_url = base_url

    async def open_named(self, address: ReplyAddress, trigger_id: str, name: str) -> None:
        """Open the modal of the `callback_id` `name`, or report why it does not open."""
        await self.open(address, trigger_id, TITLES[name], partial(self._view, name))

    def alerts_url(self, team_id: str) -> str:
        """Return the URL that programs post a workspace's alerts to."""
        return alerts_url(self._base_url, team_id)

    async def _view(self, name: str, workspace: Workspace) -> View:
        match name:
            case buttons.SET_KEY:
                return key_modal(workspace)
            case buttons.REMOVE_KEY:
                key = workspace.anchor_key
                removed = answer_view(TITLES[name], about_removal(KeyRemoved("")))
                return removed if key is None else removal_modal(workspace, key)
            case buttons.CHANGE_POLICY:
                return policy_modal(workspace)
            case _:
                return alerts_modal(workspace, self.alerts_url(workspace.team_id))
