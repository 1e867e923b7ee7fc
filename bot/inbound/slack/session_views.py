"""The surfaces that show sessions: `/anchor-sessions`, and the button that reads them again."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.requests import Actor, MessageContent, ReplyAddress, asks_for_help
from bot.core.sessions import Overview
from bot.inbound.slack.listener import Routes
from bot.inbound.slack.payload import read_view
from bot.messages.blocks import Message, Visibility
from bot.messages.sessions import REFRESH, list_refusal, overview_message, reading_overview_message
from bot.messages.usage import SESSIONS, sessions_help_message
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.session_list import SessionLists
from bot.usecases.session_views import SessionViews


class SessionViewListeners:
    """Listeners for what shows sessions. `now` gives Unix seconds."""

    def __init__(  # noqa: PLR0913 - collaborators and settings
        self,
        lists: SessionLists,
        views: SessionViews,
        delivery: MessageDelivery,
        tasks: Tasks,
        *,
        now: Callable[[], float],
        dashboard_url: str,
    ) -> None:
        self._lists = lists
        self._views = views
        self._delivery = delivery
        self._tasks = tasks
        self._now = now
        self._dashboard_url = dashboard_url
        self.routes = Routes(commands={SESSIONS: self.show}, actions={REFRESH: self.refresh})

    async def show(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """Ack with the sessions if they come before the ack deadline; otherwise they follow."""
        request = context["request"]
        if asks_for_help(body.get("text", "")):
            request.ack.message = sessions_help_message()
        else:
            reading = self._tasks.start(self._overview(request.address.actor))
            is_done = not request.may_be_old and await request.is_done_in_time(reading)
            request.ack.message = reading.result() if is_done else reading_overview_message()
            if not is_done:
                request.ack.is_announcement = True
                self._tasks.start(self._deliver(request.address, reading))
        await ack()

    async def refresh(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Read the sessions again, in the message, Home or modal that has the button."""
        await ack()
        address, view = context["request"].address, read_view(body)
        if view is None:
            self._tasks.start(self._replace(address))
        else:
            self._tasks.start(self._views.refresh(self._views.address(address, view), view))

    async def _overview(self, actor: Actor) -> Message:
        try:
            found = await self._lists.overview(actor)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return report(error)
        if isinstance(found, Overview):
            return overview_message(found, now=self._now(), dashboard_url=self._dashboard_url)
        return list_refusal(found, dashboard_url=self._dashboard_url)

    async def _deliver(self, address: ReplyAddress, reading: asyncio.Task[Message]) -> None:
        await self._delivery.deliver(address, await reading)

    async def _replace(self, address: ReplyAddress) -> None:
        message = await self._overview(address.actor)
        content = MessageContent(message.text, message.blocks)
        await self._delivery.update_message(address, content, Visibility.EPHEMERAL)
