"""The slash commands: read the order, execute it, answer in the ack or after it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.outcomes import Outcome
from bot.core.requests import Order, Verb, read_command
from bot.core.session_id import Found
from bot.inbound.slack.listener import RequestContext, Routes, done_before_ack_deadline, safe_before_ack_deadline
from bot.messages.message import Message, Visibility
from bot.messages.outcome import question_message, waiting_message
from bot.messages.usage import COMMANDS, usage_message
from bot.request_id import new_id
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.orders import Orders, RunningOrder

_VERBS = {command: verb for verb, command in COMMANDS.items()}


class CommandListeners:
    """Listener for `/anchor-pause` and `/anchor-resume`."""

    def __init__(
        self, orders: Orders, delivery: MessageDelivery, tasks: Tasks, *, dashboard_url: str, ack_wait: float
    ) -> None:
        self._orders = orders
        self._delivery = delivery
        self._tasks = tasks
        self._dashboard_url = dashboard_url
        self._ack_wait = ack_wait
        self.routes = Routes(commands=dict.fromkeys(_VERBS, self.run))

    async def run(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """Execute `<command> <session_id> [reason]`."""
        request = context["request"]
        request.ack.message = await self._execute(body, request)
        await ack()

    async def _execute(self, body: Mapping[str, str], request: RequestContext) -> Message | None:
        """Return the outcome if it arrives before the ack deadline; otherwise a waiting message, then deliver it.

        For a request that may be old Slack shows no ack, so deliver the outcome, or the question about a resume.
        """
        verb, found = _VERBS[body["command"]], read_command(body.get("text", ""))
        if not isinstance(found, Found):
            return usage_message(verb, found, dashboard_url=self._dashboard_url)
        order = Order(verb, found.session_id, request.address.actor, found.rest, body.get("trigger_id"), request.age)
        if verb is Verb.RESUME and request.may_be_old and not self._orders.knows(order):
            asking = self._tasks.start(self._delivery.deliver(request.address, question_message(order, new_id())))
            await asyncio.wait({asking}, timeout=self._ack_wait)
            return None
        running, is_repeated = self._orders.start(order, request.address)
        is_congested = partial(self._orders.is_congested, order)
        if not request.may_be_old and await done_before_ack_deadline(
            running.outcome, request.given_at, self._ack_wait, is_congested
        ):
            return self._answer(running, running.outcome.result(), request, is_repeated=is_repeated)
        is_safe = await safe_before_ack_deadline(running, request.given_at)
        self._tasks.start(self._orders.deliver(running, request.address))
        request.ack.is_announcement = True
        return waiting_message(order, is_recorded=is_safe)

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
