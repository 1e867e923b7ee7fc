"""The slash commands: read the order, execute it, answer in the ack or after it."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.outcomes import Outcome
from bot.core.requests import Actor, Help, Order, Verb, read_command
from bot.core.session_ids import Found, SessionId
from bot.core.sessions import NotRead, Session, words_of
from bot.inbound.slack.listener import RequestContext, Routes
from bot.messages.blocks import Message, Visibility, ephemeral
from bot.messages.results import question_message, waiting_message
from bot.messages.sessions import list_message, list_refusal, not_read_text, reading_message
from bot.messages.usage import COMMANDS, usage_message
from bot.request_id import new_id
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.orders import Orders, RunningOrder
from bot.usecases.session_list import Listing, SessionLists

_VERBS = {command: verb for verb, command in COMMANDS.items()}


class CommandListeners:
    """Listener for `/anchor-pause` and `/anchor-resume`."""

    def __init__(
        self, orders: Orders, lists: SessionLists, delivery: MessageDelivery, tasks: Tasks, *, dashboard_url: str
    ) -> None:
        self._orders = orders
        self._lists = lists
        self._delivery = delivery
        self._tasks = tasks
        self._dashboard_url = dashboard_url
        self.routes = Routes(commands=dict.fromkeys(_VERBS, self.run))

    async def run(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """Execute `<command> <session_id> [reason]`, or look for the session to pause."""
        request = context["request"]
        request.ack.message = await self._execute(body, request)
        await ack()

    async def _execute(self, body: Mapping[str, str], request: RequestContext) -> Message | None:
        verb, found = _VERBS[body["command"]], read_command(body.get("text", ""))
        if isinstance(found, Found):
            return await self._send(_order(verb, found, body, request), request)
        words = None if verb is Verb.RESUME or isinstance(found, Help) else words_of(found)
        if words is None:
            return usage_message(verb, found, dashboard_url=self._dashboard_url)
        return await self._search(words, body, request)

    async def _send(self, order: Order, request: RequestContext) -> Message | None:
        """Return the outcome if it arrives before the ack deadline; otherwise a waiting message, then deliver it.

        For a request that may be old Slack shows no ack, so deliver the outcome, or the question about a resume.
        """
        if order.verb is Verb.RESUME and request.may_be_old and not self._orders.knows(order):
            asking = self._tasks.start(self._delivery.deliver(request.address, question_message(order, new_id())))
            await asyncio.wait({asking}, timeout=request.ack_wait)
            return None
        running, is_repeated = self._orders.start(order, request.address)
        is_congested = partial(self._orders.is_congested, order)
        if not request.may_be_old and await request.is_done_in_time(running.outcome, is_congested):
            return self._answer(running, running.outcome.result(), request, is_repeated=is_repeated)
        is_safe = await request.is_safe_in_time(running)
        self._tasks.start(self._orders.deliver(running, request.address))
        request.ack.is_announcement = True
        return waiting_message(order, is_recorded=is_safe)

    async def _search(self, words: str, body: Mapping[str, str], request: RequestContext) -> Message | None:
        """Pause the session that the words mean alone, or offer those that they choose."""
        searching = self._tasks.start(self._find(words, request.address.actor))
        if not request.may_be_old and await request.is_done_in_time(searching):
            found = searching.result()
            return found if isinstance(found, Message) else await self._send(_pause(found, body, request), request)
        self._tasks.start(self._answer_later(searching, body, request))
        request.ack.is_announcement = True
        return reading_message(words)

    async def _find(self, words: str, actor: Actor) -> SessionId | Message:
        try:
            found = await self._lists.search(actor, words)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            return report(error)
        match found:
            case Session(id=session_id):
                return session_id
            case Listing(running=running, matches=matches):
                return list_message(running, matches, words, dashboard_url=self._dashboard_url)
            case NotRead():
                return ephemeral(not_read_text(found, dashboard_url=self._dashboard_url))
            case _:
                return list_refusal(found, dashboard_url=self._dashboard_url)

    async def _answer_later(
        self, searching: asyncio.Task[SessionId | Message], body: Mapping[str, str], request: RequestContext
    ) -> None:
        found = await searching
        if isinstance(found, Message):
            await self._delivery.deliver(request.address, found)
        else:
            running, _ = self._orders.start(_pause(found, body, request), request.address)
            await self._orders.deliver(running, request.address)

    def _answer(
        self, running: RunningOrder, outcome: Outcome | None, request: RequestContext, *, is_repeated: bool
    ) -> Message | None:
        """Return the outcome for the ack; to the person alone if everybody has it from elsewhere."""
        if outcome is None:
            return None
        message = self._orders.message(running.entry, outcome)
        if running.entry.is_lost:
            return replace(message, visibility=Visibility.EPHEMERAL)
        if is_repeated and message.visibility is Visibility.IN_CHANNEL:
            # Slack did not get the first ack, and may show no other
            self._tasks.start(self._delivery.deliver(request.address, message))
            return replace(message, visibility=Visibility.EPHEMERAL)
        request.ack.order = running
        return message


def _order(verb: Verb, found: Found, body: Mapping[str, str], request: RequestContext) -> Order:
    return Order(verb, found.session_id, request.address.actor, found.rest, body.get("trigger_id"), request.age)


def _pause(session_id: SessionId, body: Mapping[str, str], request: RequestContext) -> Order:
    """Return the order for a session that was found; it has become older since."""
    order = _order(Verb.PAUSE, Found(session_id, ""), body, request)
    return replace(order, age=max(order.age, time.monotonic() - request.given_at))
