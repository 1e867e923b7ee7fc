"""Open modals for admins within the 3 seconds of a trigger, and update them with the result."""

import logging
from collections.abc import Awaitable, Callable

from bot.core.admin_outcomes import NotAdmin, NotServed
from bot.core.policy import Role
from bot.core.requests import Actor, ReplyAddress
from bot.core.workspace import Workspace
from bot.messages.blocks import View, ephemeral
from bot.messages.settings import MODAL_NOT_OPENED, ONE_MOMENT, TOO_LATE, about_problem, answer_view
from bot.outbound.slack.client import SlackViews, ViewResult
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.message_delivery import MessageDelivery

_log = logging.getLogger(__name__)

MakeView = Callable[[Workspace], Awaitable[View]]
"""A function that returns a modal for an admin of the workspace. It takes less time than a trigger lasts."""


class Modals:
    """The part that all modals for admins share."""

    def __init__(self, workspaces: Workspaces, roles: RoleCache, views: SlackViews, delivery: MessageDelivery) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._views = views
        self._delivery = delivery

    async def open(self, address: ReplyAddress, trigger_id: str, title: str, make: MakeView) -> None:
        """Open a modal with this title, or report why it does not open.

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
        first = await make(workspace) if is_admin else answer_view(title, ONE_MOMENT)
        view_id = await self._views.open(workspace.bot_token, trigger_id, first)
        if view_id is None or not (is_admin or await self._complete(actor, workspace, view_id, title, make)):
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

    async def for_admin(self, actor: Actor, workspace: Workspace, title: str, make: MakeView) -> View:
        """Return the modal if the person is an admin now, else the reason why it is not shown."""
        role = await self._roles.fetch(workspace, actor)
        return await make(workspace) if role is Role.ADMIN else answer_view(title, about_problem(NotAdmin(role)))

    async def _report_failure(self, address: ReplyAddress, why: str, text: str) -> None:
        """Log why, and tell the person by response_url if there is one: without the workspace there is no token."""
        _log.error("modal not opened", extra={"team": address.actor.team_id, "why": why})
        await self._delivery.deliver(address, ephemeral(text))

    async def _complete(self, actor: Actor, workspace: Workspace, view_id: str, title: str, make: MakeView) -> bool:
        """Replace the placeholder by the modal. Return False if that failed; a closed modal is no failure."""
        view = await self.for_admin(actor, workspace, title, make)
        return await self._views.update(workspace.bot_token, view_id, view) is not ViewResult.FAILED
