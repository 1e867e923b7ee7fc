"""The modal in which admins look for past orders."""

from collections.abc import Callable
from functools import partial

from bot.core.admin_outcomes import NotServed
from bot.core.history import HistoryQuery
from bot.core.requests import Actor, ReplyAddress
from bot.core.workspace import Workspace
from bot.messages.blocks import View
from bot.messages.history import MOST_IN_MODAL, TITLE, history_modal
from bot.messages.settings import MODAL_NOT_OPENED, about_problem, answer_view
from bot.outbound.slack.client import SlackViews
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.admin.modals import Modals
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.past_orders import PastOrders


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
