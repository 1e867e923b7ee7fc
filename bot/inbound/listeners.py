"""What Bolt calls: read the payload, ask control, answer within the ack or after it."""

import asyncio
from collections.abc import Mapping
from re import Pattern
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.control import Control
from bot.core.command import read_command
from bot.core.messages.actions import ACTIONS
from bot.core.messages.message import Message, as_response
from bot.core.messages.order import outcome_message, waiting_message
from bot.core.messages.usage import COMMANDS, usage_message
from bot.core.outcomes import Outcome
from bot.core.requests import Order, ReplyAddress, Verb
from bot.core.session_id import Found
from bot.inbound.address import read_address
from bot.inbound.click import read_click
from bot.inbound.clicks import Clicks
from bot.inbound.incidents import report
from bot.inbound.patience import PATIENCE, ends_in_time
from bot.outbound.teller import Teller
from bot.tasks import Tasks


class Listeners:
    """The listeners of the app. An exception that leaves one is handled by `SlackApp`."""

    def __init__(
        self, control: Control, clicks: Clicks, teller: Teller, tasks: Tasks, *, patience: float = PATIENCE
    ) -> None:
        self._control = control
        self._clicks = clicks
        self._teller = teller
        self._tasks = tasks
        self._patience = patience

    def register(self, bolt: AsyncApp) -> None:
        """Put the listeners on, the hottest first: Bolt tries them in this order."""
        bolt.command(COMMANDS[Verb.PAUSE])(self.pause)
        bolt.action(_button(ACTIONS[Verb.PAUSE]))(self.click)
        bolt.command(COMMANDS[Verb.RESUME])(self.resume)
        bolt.action(_button(ACTIONS[Verb.RESUME]))(self.click)

    async def pause(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """`/anchor-pause <session_id> [reason]`."""
        await ack(as_response(await self._command(Verb.PAUSE, body, context["received_at"])))

    async def resume(self, ack: AsyncAck, body: Mapping[str, str], context: AsyncBoltContext) -> None:
        """`/anchor-resume <session_id> [reason]`."""
        await ack(as_response(await self._command(Verb.RESUME, body, context["received_at"])))

    async def click(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """A Pause or Resume button. Slack shows nothing of an ack: all that is to say follows it."""
        await ack()
        self._tasks.start(self._clicks.carry_out(read_click(body)))

    async def _command(self, verb: Verb, body: Mapping[str, str], received_at: float) -> Message:
        """The outcome, if it comes in time for the ack; else a word that it will come, and then it comes."""
        asked = read_command(body.get("text", ""))
        if not isinstance(asked, Found):
            return usage_message(verb, asked)
        address = read_address(body)
        order = Order(verb, asked.session_id, address.asker, asked.rest, body.get("trigger_id"))
        work = self._tasks.start(self._control.carry_out(order))
        if await ends_in_time(work, received_at, self._patience):
            return outcome_message(order, work.result())
        self._tasks.start(self._follow_up(order, address, work))
        return waiting_message(order)

    async def _follow_up(self, order: Order, address: ReplyAddress, work: asyncio.Task[Outcome]) -> None:
        try:
            message = outcome_message(order, await work)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            message = report(error)
        await self._teller.tell(address, message)


def _button(action_id: str) -> dict[str, str | Pattern[str]]:
    """Only Block Kit's buttons: a plain string would match legacy attachments as well."""
    return {"type": "block_actions", "action_id": action_id}
