"""The modal with past orders: open it, and search in it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.history import HistoryQuery, Period, Result
from bot.core.requests import Actor, ReplyAddress
from bot.core.session_ids import Found, Missing, find_session_id
from bot.inbound.slack.listener import ACK_ARRIVES, Routes
from bot.inbound.slack.payload import Submission, read_submission
from bot.messages.blocks import View
from bot.messages.buttons import HISTORY
from bot.messages.history import NO_SESSION, PEOPLE, PERIOD, RESULT, SESSION, TITLE
from bot.messages.settings import ONE_MOMENT, answer_view
from bot.usecases.admin.history import HistoryModal
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery


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
