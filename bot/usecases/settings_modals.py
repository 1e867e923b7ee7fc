"""Open the modals for admins: settings and past orders."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from bot.core.admin_outcomes import KeyRemoved, NotAdmin, NotServed
from bot.core.cards import alerts_url
from bot.core.history import HistoryQuery
from bot.core.policy import Role
from bot.core.requests import Actor, ReplyAddress
from bot.core.workspace import Workspace
from bot.messages import buttons
from bot.messages.blocks import View, ephemeral
from bot.messages.history import MOST_IN_MODAL, TITLE, history_modal
from bot.messages.settings import (
    MODAL_NOT_OPENED,
    ONE_MOMENT,
    TITLES,
    TOO_LATE,
    about_problem,
    about_removal,
    alerts_modal,
    answer_view,
    key_modal,
    policy_modal,
    removal_modal,
)
from bot.outbound.slack.client import SlackViews, ViewResult
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.delivery import MessageDelivery
from bot.usecases.sessions import PastOrders

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


class HistoryModal(Modals):
    """The modal with past orders. `now` gives Unix seconds."""

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators
        self,
        workspaces: Workspaces,
        roles: RoleCache,
        views: SlackViews,
        delivery: MessageDelivery,
        past_orders: PastOrders,
        now: Callable[[], float],
    ) -> None:
        super().__init__(workspaces, roles, views, delivery)
        self._past_orders = past_orders
        self._now = now

    async def open_first(self, address: ReplyAddress, trigger_id: str) -> None:
        """Open the modal with the orders of the last day, or report why it does not open."""
        await self.open(address, trigger_id, TITLE, partial(self._view, HistoryQuery()))

    async def search(self, actor: Actor, query: HistoryQuery) -> View:
        """Return the modal with the orders of a query, or the reason why it is not shown."""
        try:
            workspace = await self._workspaces.find(actor.team_id)
        except StoreError:
            return answer_view(TITLE, MODAL_NOT_OPENED)
        if workspace is None:
            return answer_view(TITLE, about_problem(NotServed()))
        return await self.for_admin(actor, workspace, TITLE, partial(self._view, query))

    async def _view(self, query: HistoryQuery, workspace: Workspace) -> View:
        chosen = query.filter(workspace.team_id, self._now())
        return history_modal(query, await self._past_orders.newest(chosen, most=MOST_IN_MODAL + 1))
