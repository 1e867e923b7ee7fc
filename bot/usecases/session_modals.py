"""Open and refresh the views that list sessions."""

import asyncio
import logging
from collections.abc import Callable

from bot.concurrency import Tasks
from bot.core.requests import Actor, ReplyAddress, ViewRef
from bot.core.session_ids import Mentions
from bot.core.sessions import Overview
from bot.core.workspace import Workspace
from bot.messages.blocks import View
from bot.messages.home import Notice
from bot.messages.pausing import choice_modal, loading_modal, message_modal, not_opened_message, sessions_modal
from bot.messages.sessions import list_refusal
from bot.outbound.slack.client import SlackViews, ViewResult
from bot.outbound.store.errors import StoreError
from bot.outbound.store.secrets import FieldCipher, seal, unseal
from bot.outbound.workspaces import Workspaces
from bot.usecases.delivery import MessageDelivery
from bot.usecases.home import HomeView
from bot.usecases.incidents import report
from bot.usecases.sessions import SessionLists

_log = logging.getLogger(__name__)

_OPEN_WAIT = 0.5  # seconds for the lists before the modal opens without them: a trigger lasts 3


class SessionModals:
    """The modal with the sessions, and the one to choose in among the ids of a message. `now` gives Unix seconds.

    Each carries the sealed address where its results go.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators and settings
        self,
        lists: SessionLists,
        workspaces: Workspaces,
        views: SlackViews,
        delivery: MessageDelivery,
        tasks: Tasks,
        cipher: FieldCipher,
        *,
        now: Callable[[], float],
        dashboard_url: str,
    ) -> None:
        self._lists = lists
        self._workspaces = workspaces
        self._views = views
        self._delivery = delivery
        self._tasks = tasks
        self._cipher = cipher
        self._now = now
        self._dashboard_url = dashboard_url

    async def open(self, address: ReplyAddress, trigger_id: str, *, note: str = "") -> None:
        """Open the modal with the sessions, or report that it does not open; `note` is mrkdwn above the lists."""
        making = self._tasks.start(self._view(address, note))
        await asyncio.wait({making}, timeout=_OPEN_WAIT)
        first = making.result() if making.done() else loading_modal(note)
        view_id = await self._open(address, trigger_id, first)
        if view_id is None or first is (view := await making):
            return
        if await self._replace(address.actor, view_id, view) is ViewResult.FAILED:
            await self._delivery.deliver(address, not_opened_message())

    async def choose(self, address: ReplyAddress, trigger_id: str, mentions: Mentions) -> None:
        """Open the modal to choose in among the ids of a message, or report that it does not open."""
        await self._open(address, trigger_id, choice_modal(mentions, seal(address, self._cipher)))

    async def update(self, address: ReplyAddress, view_id: str, *, note: str = "") -> None:
        """Show the lists as they are now. Nobody waits for them if the modal was closed."""
        await self._replace(address.actor, view_id, await self._view(address, note))

    def address(self, actor: Actor, origin: str) -> ReplyAddress | None:
        """Return where the results of a modal go; None if the modal is not one of this person's."""
        return unseal(origin, actor, self._cipher)

    async def _open(self, address: ReplyAddress, trigger_id: str, view: View) -> str | None:
        """Open a modal, and return its id, or report that it does not open, and return None."""
        workspace = await self._workspace(address.actor)
        view_id = None if workspace is None else await self._views.open(workspace.bot_token, trigger_id, view)
        if view_id is None:
            await self._delivery.deliver(address, not_opened_message())
        return view_id

    async def _replace(self, actor: Actor, view_id: str, view: View) -> ViewResult:
        workspace = await self._workspace(actor)
        if workspace is None:
            return ViewResult.FAILED
        return await self._views.update(workspace.bot_token, view_id, view)

    async def _workspace(self, actor: Actor) -> Workspace | None:
        try:
            return await self._workspaces.find(actor.team_id)
        except StoreError as error:
            _log.error("modal not shown", extra={"team": actor.team_id, "why": str(error)})
            return None

    async def _view(self, address: ReplyAddress, note: str) -> View:
        """Return the modal with the sessions. Never raises."""
        try:
            found = await self._lists.overview(address.actor)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return message_modal(report(error), note)
        if not isinstance(found, Overview):
            return message_modal(list_refusal(found, dashboard_url=self._dashboard_url), note)
        return sessions_modal(
            found,
            seal(address, self._cipher),
            now=self._now(),
            dashboard_url=self._dashboard_url,
            note=note,
            has_thread=address.thread_ts is not None,
        )


class SessionViews:
    """The views from which people pause and resume."""

    def __init__(self, home_view: HomeView, modals: SessionModals) -> None:
        self._home_view = home_view
        self._modals = modals

    def address(self, own: ReplyAddress, view: ViewRef) -> ReplyAddress:
        """Return where the results of a view go; `own` is the address of the click in it, which is in no channel."""
        return self._modals.address(own.actor, view.origin) or own

    async def refresh(self, address: ReplyAddress, view: ViewRef, *, note: str = "") -> None:
        """Show the sessions as they are now; `note` is mrkdwn above them."""
        if view.modal_id is None:
            await self._home_view.publish(address.actor, notice=Notice(note) if note else None)
        else:
            await self._modals.update(address, view.modal_id, note=note)
