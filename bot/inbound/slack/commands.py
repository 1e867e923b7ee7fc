"""The slash commands: read the order, execute it, answer in the ack or after it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.outcomes import Outcome
from bot.core.requests import Order, ReplyAddress, read_command
from bot.core.session_id import Found
from bot.inbound.slack.listener import RequestContext, Routes, done_before_ack_deadline
from bot.messages.message import Message, Visibility
from bot.messages.outcome import outcome_message, waiting_message
from bot.messages.usage import COMMANDS, usage_message
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.session_control import SessionControl

_VERBS = {command: verb for verb, command in COMMANDS.items()}


class CommandListeners:
    """Listener for `/anchor-pause` and `/anchor-resume`; `now` gives Unix seconds."""

    def __init__(  # noqa: PLR0913 - collaborators and settings
        self,
        session_control: SessionControl,
        delivery: MessageDelivery,
        tasks: Tasks,
        now: Callable[[], float],
        *,
        dashboard_url: str,
        ack_wait: float,
    ) -> None:
        self._session_control = session_control
        self._delivery = delivery
        self._tasks = tasks
        self._now = now
        self._dashboard_url = dashboard_url
        self._ack_wait = ack_wait
        self.routes = Routes(commands=dict.fromkeys(_VERBS, self.run))

    async def run(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """Execute `<command> <session_id> [reason]`."""
        request = context["request"]
        request.ack.message = await self._execute(body, request)
        await ack()

    async def _execute(self, body: Mapping[str, str], request: RequestContext) -> Message:
        """Return the outcome if it arrives before the ack deadline; otherwise a waiting message, then deliver it."""
        verb, found = _VERBS[body["command"]], read_command(body.get("text", ""))
        if not isinstance(found, Found):
            return usage_message(verb, found, dashboard_url=self._dashboard_url)
        order = Order(verb, found.session_id, request.address.actor, found.rest, body.get("trigger_id"), request.age)
        is_repeated = self._session_control.knows(order.trigger_id)
        work = self._tasks.start(self._session_control.execute(order))
        is_congested = partial(self._session_control.is_congested, order)
        if await done_before_ack_deadline(work, request.given_at, self._ack_wait, is_congested):
            message = self._message(order, work.result())
            if is_repeated and message.visibility is Visibility.IN_CHANNEL:
                # Slack did not get the first ack, and may show no other
                self._tasks.start(self._delivery.deliver(request.address, message))
                return replace(message, visibility=Visibility.EPHEMERAL)
            return message
        self._tasks.start(self._deliver_later(order, request.address, work))
        request.ack.is_announcement = True
        return waiting_message(order)

    async def _deliver_later(self, order: Order, address: ReplyAddress, work: Awaitable[Outcome]) -> None:
        await self._delivery.deliver(address, self._message(order, await work))

    def _message(self, order: Order, outcome: Outcome) -> Message:
        return outcome_message(order, outcome, now=self._now(), dashboard_url=self._dashboard_url)
