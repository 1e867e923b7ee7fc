"""The listeners for the views with sessions and with past orders."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.history import HistoryQuery, Period, Result
from bot.core.requests import Actor, MessageContent, ReplyAddress, asks_for_help
from bot.core.session_ids import Found, Missing, find_session_id
from bot.core.sessions import Overview
from bot.inbound.slack.listener import ACK_ARRIVES, Routes
from bot.inbound.slack.payload import Submission, read_submission, read_view
from bot.messages.blocks import Message, View, Visibility
from bot.messages.buttons import HISTORY
from bot.messages.history import NO_SESSION, PEOPLE, PERIOD, RESULT, SESSION, TITLE
from bot.messages.sessions import REFRESH, list_refusal, overview_message, reading_overview_message
from bot.messages.settings import ONE_MOMENT, answer_view
from bot.messages.usage import SESSIONS, sessions_help_message
from bot.usecases.delivery import MessageDelivery
from bot.usecases.incidents import report
from bot.usecases.session_modals import SessionViews
from bot.usecases.sessions import SessionLists
from bot.usecases.settings_modals import HistoryModal


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


class HistoryListeners:
    """Listeners for the button in Home that opens the modal, and for its submission."""

    def __init__(self, modal: HistoryModal, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._modal = modal
        self._delivery = delivery
        self._tasks = tasks
        self.routes = Routes(actions={HISTORY: self.open}, views={HISTORY: self.submit})

    async def open(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Open the modal."""
        await ack()
        self._tasks.start(self._open(context["request"].address, body.get("trigger_id", "")))

    async def submit(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Ack with the orders if they come before the ack deadline; otherwise with "One moment…", and update later."""
        request = context["request"]
        sent = read_submission(body, request.address.actor)
        query = _read_query(sent)
        if query is None:
            request.ack.fields = {"response_action": "errors", "errors": {SESSION: NO_SESSION}}
        else:
            searching = self._tasks.start(self._search(sent.actor, query))
            is_done = await request.is_done_in_time(searching)
            view = searching.result() if is_done else answer_view(TITLE, ONE_MOMENT)
            request.ack.fields = {"response_action": "update", "view": view.as_json()}
            if not is_done:
                self._tasks.start(self._update_later(sent, searching))
        await ack()

    async def _open(self, address: ReplyAddress, trigger_id: str) -> None:
        try:
            await self._modal.open_first(address, trigger_id)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            await self._delivery.deliver(address, report(error))

    async def _search(self, actor: Actor, query: HistoryQuery) -> View:
        """Return the modal, or that of an incident."""
        try:
            return await self._modal.search(actor, query)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return answer_view(TITLE, report(error).text)

    async def _update_later(self, sent: Submission, searching: asyncio.Task[View]) -> None:
        """Show the orders in the modal once the ack has arrived there. If it was closed, nobody waits for them."""
        _, view = await asyncio.gather(asyncio.sleep(ACK_ARRIVES), searching)
        await self._modal.update(sent.actor, sent.view_id, view)


def _read_query(sent: Submission) -> HistoryQuery | None:
    """Read the filters; None if a session is given, and not exactly one. What the client cannot send has no effect."""
    found = find_session_id(sent.text(SESSION).reveal())
    if not isinstance(found, Found | Missing):
        return None
    result, period = sent.selected_value(RESULT), sent.selected_value(PERIOD)
    return HistoryQuery(
        user_ids=sent.selected_ids(PEOPLE),
        session_id=found.session_id if isinstance(found, Found) else None,
        result=Result(result) if result in set(Result) else None,
        period=Period(period) if period in set(Period) else Period.DAY,
    )
