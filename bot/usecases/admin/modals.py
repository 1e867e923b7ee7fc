"""Open the settings modals within the 3 seconds of a trigger, and update them with the result."""

import logging

from bot.core.admin_outcomes import KeyRemoved, NotAdmin, NotServed
from bot.core.alert import alerts_url
from bot.core.policy import Role
from bot.core.requests import Actor, ReplyAddress
from bot.core.workspace import Workspace
from bot.messages import home_elements
from bot.messages.message import ephemeral
from bot.messages.modal_results import (
    MODAL_NOT_OPENED,
    ONE_MOMENT,
    TOO_LATE,
    about_problem,
    about_removal,
    answer_view,
)
from bot.messages.modals import TITLES, alerts_modal, key_modal, policy_modal, removal_modal
from bot.messages.view import View
from bot.outbound.slack.client import SlackViews, ViewResult
from bot.outbound.slack.roles import RoleCache
from bot.outbound.workspaces import StoreError, Workspaces
from bot.usecases.message_delivery import MessageDelivery

_log = logging.getLogger(__name__)


class Modals:
    """The settings modals of a bot whose public URL is `base_url`."""

    def __init__(
        self, workspaces: Workspaces, roles: RoleCache, views: SlackViews, delivery: MessageDelivery, *, base_url: str
    ) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._views = views
        self._delivery = delivery
        self._base_url = base_url

    async def open(self, address: ReplyAddress, trigger_id: str, name: str) -> None:
        """Open the modal of the `callback_id` `name`, or report why it does not open.

        If the cached role is not admin, a placeholder opens first: users.info may take longer than a trigger lasts.
        https://docs.slack.dev/surfaces/modals
        """
        actor = address.actor
        try:
            workspace = await self._workspaces.find(actor.team_id)
        except StoreError as error:
            await self._report_failure(address, str(error), MODAL_NOT_OPENED)
            return
        if workspace is None:
            await self._report_failure(address, "the app is not installed", about_problem(NotServed()))
            return
        is_admin = self._roles.peek(workspace, actor) is Role.ADMIN
        first = self._view(name, workspace, Role.ADMIN) if is_admin else answer_view(TITLES[name], ONE_MOMENT)
        view_id = await self._views.open(workspace.bot_token, trigger_id, first)
        if view_id is None or not (is_admin or await self._complete(actor, workspace, view_id, name)):
            await self._delivery.send_dm(actor.team_id, actor.user_id, ephemeral(TOO_LATE))

    async def update(self, actor: Actor, view_id: str, view: View) -> bool:
        """Show `view` in place of an open modal. Return whether it is shown."""
        try:
            workspace = await self._workspaces.find(actor.team_id)
        except StoreError:
            workspace = None
        if workspace is None:
            return False
        return await self._views.update(workspace.bot_token, view_id, view) is ViewResult.SHOWN

    def alerts_url(self, team_id: str) -> str:
        """Return the URL that programs post a workspace's alerts to."""
        return alerts_url(self._base_url, team_id)

    async def _report_failure(self, address: ReplyAddress, why: str, text: str) -> None:
        """Log why, and tell the person by response_url if there is one: without the workspace there is no token."""
        _log.error("modal not opened", extra={"team": address.actor.team_id, "why": why})
        await self._delivery.deliver(address, ephemeral(text))

    async def _complete(self, actor: Actor, workspace: Workspace, view_id: str, name: str) -> bool:
        """Replace the placeholder by the modal. Return False if that failed; a closed modal is no failure."""
        role = await self._roles.fetch(workspace, actor)
        view = self._view(name, workspace, role)
        return await self._views.update(workspace.bot_token, view_id, view) is not ViewResult.FAILED

    def _view(self, name: str, workspace: Workspace, role: Role) -> View:
        if role is not Role.ADMIN:
            return answer_view(TITLES[name], about_problem(NotAdmin(role)))
        match name:
            case home_elements.SET_KEY:
                return key_modal(workspace)
            case home_elements.REMOVE_KEY:
                key = workspace.anchor_key
                removed = answer_view(TITLES[name], about_removal(KeyRemoved("")))
                return removed if key is None else removal_modal(workspace, key)
            case home_elements.CHANGE_POLICY:
                return policy_modal(workspace)
            case _:
                return alerts_modal(workspace, self.alerts_url(workspace.team_id))
