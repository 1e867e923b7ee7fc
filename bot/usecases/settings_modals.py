"""The modals for admins: settings and past orders."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bot.core.cards import alerts_url
from bot.core.history import HistoryFilter
from bot.core.policy import Role
from bot.core.requests import Actor, ReplyAddress, Trigger
from bot.core.workspace import Workspace
from bot.messages import buttons, settings
from bot.messages.blocks import View, ephemeral
from bot.messages.history import DAYS, MOST_IN_MODAL, TITLE, history_modal
from bot.messages.senders import TOKEN_REVOKED, new_token_modal, token_modal
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.marks import SenderUse
from bot.usecases.modals import Modals, NotOpened

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
