"""Open modals within the 3 seconds of a trigger, and update them; those for admins: settings and past orders."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.core.cards import alerts_url
from bot.core.history import HistoryFilter
from bot.core.policy import Role
from bot.core.requests import Actor, ReplyAddress, Trigger
from bot.core.workspace import Workspace
from bot.messages import buttons, settings
from bot.messages.blocks import Message, View, ephemeral
from bot.messages.history import DAYS, MOST_IN_MODAL, TITLE, history_modal
from bot.messages.senders import TOKEN_REVOKED, new_token_modal, token_modal
from bot.outbound.slack.client import SlackClient, ViewResult
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.marks import SenderUse
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery

_log = logging.getLogger(__name__)

_ACK_ARRIVES = 1.0  # seconds; an update of a modal that is there before an ack is overwritten by it
_OPEN_WAIT = 0.5  # seconds for a modal to be made before a placeholder opens: a trigger lasts 3


@dataclass(frozen=True, slots=True)
class NotOpened:
    """The messages about a modal that does not open, by the reason."""

    without_database: Message
    not_served: Message
    too_late: Message


@dataclass(frozen=True, slots=True)
class Modals:
    """Opener of modals."""

    workspaces: Workspaces
    slack: SlackClient
    delivery: MessageDelivery
    tasks: Tasks

    async def open(
        self,
        address: ReplyAddress,
        trigger: Trigger,
        make: Callable[[Workspace], Coroutine[Any, Any, View]],
        placeholder: View,
        not_opened: NotOpened,
    ) -> None:
        """Open the modal that `make` returns, or report that it does not open.

        A placeholder opens first if making takes longer than a trigger may wait. https://docs.slack.dev/surfaces/modals
        """
        workspace = await self._workspace(address, not_opened)
        if workspace is None:
            return
        token, making = workspace.bot_token, self.tasks.start(make(workspace))
        await asyncio.wait({making}, timeout=_OPEN_WAIT)
        first = making.result() if making.done() else placeholder
        view_id = await self.slack.open_view(token, trigger, first)
        is_open = view_id is not None
        if view_id is not None and first is not (view := await making):  # a closed modal is no failure
            is_open = await self.slack.update_view(token, view_id, view) is not ViewResult.FAILED
        if not is_open:
            await self.delivery.deliver(address, not_opened.too_late)

    async def update(self, actor: Actor, view_id: str, view: View) -> bool:
        """Show `view` in place of an open modal. Return whether it is shown."""
        try:
            workspace = await self.workspaces.find(actor.team_id)
        except StoreError:
            return False
        return (
            workspace is not None
            and await self.slack.update_view(workspace.bot_token, view_id, view) is ViewResult.SHOWN
        )

    async def update_after_ack(self, actor: Actor, view_id: str, view: View) -> bool:
        """Show `view` in an open modal once its ack has arrived there. Return whether it is shown."""
        await asyncio.sleep(_ACK_ARRIVES)
        return await self.update(actor, view_id, view)

    async def _workspace(self, address: ReplyAddress, not_opened: NotOpened) -> Workspace | None:
        try:
            workspace = await self.workspaces.find(address.actor.team_id, max_age=0.0)  # or the change would conflict
            why = "the app is not installed"
            message = not_opened.not_served
        except StoreError as error:
            workspace, why, message = None, str(error), not_opened.without_database
        if workspace is None:
            _log.error("modal not opened", extra={"team": address.actor.team_id, "why": why})
            await self.delivery.deliver(address, message)
        return workspace


_NOT_OPENED = NotOpened(
    without_database=ephemeral(settings.MODAL_NOT_OPENED),
    not_served=ephemeral(settings.NOT_SERVED.text),
    too_late=ephemeral(settings.TOO_LATE),
)

MakeView = Callable[[Workspace], Awaitable[View]]


@dataclass(frozen=True, slots=True)
class AdminModals:
    """Modals that only admins see, of a bot whose public URL is `base_url`."""

    modals: Modals
    roles: RoleCache
    history: OrderHistory
    sender_use: SenderUse
    base_url: str

    async def open_named(self, address: ReplyAddress, trigger: Trigger, name: str, about: str) -> None:
        """Open the settings modal `name`, `about` a token if its title says so, or report why it does not open."""
        await self._open(address, trigger, settings.TITLES[name], partial(self._settings, name, about))

    async def open_history(self, address: ReplyAddress, trigger: Trigger) -> None:
        """Open the modal with the orders of the last 30 days, or report why it does not open."""
        await self._open(address, trigger, TITLE, self._history)

    async def _open(self, address: ReplyAddress, trigger: Trigger, title: str, make: MakeView) -> None:
        make_by_role = partial(self._by_role, address.actor, title, make)
        await self.modals.open(
            address, trigger, make_by_role, settings.answer_view(title, settings.ONE_MOMENT), _NOT_OPENED
        )

    async def _by_role(self, actor: Actor, title: str, make: MakeView, workspace: Workspace) -> View:
        """Make the view if Slack confirms once more that the person is an admin: earlier answers can be out of date."""
        role = await self.roles.fetch(workspace, actor)
        return (
            await make(workspace) if role is Role.ADMIN else settings.answer_view(title, settings.not_admin(role).text)
        )

    async def _settings(self, name: str, about: str, workspace: Workspace) -> View:
        match name:
            case buttons.SET_KEY:
                return settings.key_modal(workspace)
            case buttons.REMOVE_KEY:
                key = workspace.anchor_key
                removed = settings.answer_view(settings.TITLES[name], settings.key_removed(None).text)
                return removed if key is None else settings.removal_modal(workspace, key)
            case buttons.CHANGE_POLICY:
                return settings.policy_modal(workspace)
            case buttons.ALERTS_SENDER:
                return await self._sender(about, workspace)
            case _:
                return new_token_modal(workspace, alerts_url(self.base_url, workspace.team_id))

    async def _sender(self, name: str, workspace: Workspace) -> View:
        token = workspace.named_token(name)
        if token is None:
            return settings.answer_view(settings.TITLES[buttons.ALERTS_SENDER], TOKEN_REVOKED.text)
        use = await self.sender_use.find(workspace.team_id)
        return token_modal(workspace, token, use.last(token), use.asked_for(token, time.time()))

    async def _history(self, workspace: Workspace) -> View:
        since = time.time() - DAYS * 86_400
        chosen = HistoryFilter(team_id=workspace.team_id, since=since, has_changes=True)
        return history_modal(await self.history.newest_in_time(chosen, most=MOST_IN_MODAL + 1))
