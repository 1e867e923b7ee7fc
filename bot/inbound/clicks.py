"""What a click does after its ack: carry the order out, change the message, tell the outcome."""

from collections.abc import Callable
from dataclasses import replace

from bot.control import Control
from bot.core.card import Change, has_line
from bot.core.messages.blocks import section
from bot.core.messages.message import Message, Visibility
from bot.core.messages.notices import broken_button_message
from bot.core.messages.order import card_change, outcome_message
from bot.core.outcomes import Done, Outcome
from bot.core.requests import Order, ReplyAddress
from bot.core.session_id import Found, find_session_id
from bot.inbound.cards import Cards
from bot.inbound.click import Click
from bot.inbound.incidents import report
from bot.outbound.teller import Teller


class Clicks:
    """Carries out clicks; `now` gives Unix seconds."""

    def __init__(self, control: Control, teller: Teller, now: Callable[[], float]) -> None:
        self._control = control
        self._teller = teller
        self._now = now
        self._cards = Cards()

    async def carry_out(self, click: Click) -> None:
        """Do what was clicked, and see to it that everybody who should knows what came of it. Never raises."""
        try:
            address, message = await self._answer(click)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            address, message = click.address, report(error)
        await self._teller.tell(address, message)

    async def _answer(self, click: Click) -> tuple[ReplyAddress, Message]:
        found = find_session_id(click.value)
        if not isinstance(found, Found):
            return click.address, broken_button_message(click.verb, click.value)
        order = Order(click.verb, found.session_id, click.address.asker, trigger_id=click.trigger_id)
        outcome = await self._control.carry_out(order)
        line = await self._change_card(click, card_change(order, outcome, now=self._now()))
        return _place_of(outcome, click), _with_line(outcome_message(order, outcome), line)

    async def _change_card(self, click: Click, change: Change | None) -> str:
        """Change the clicked message, and return the line that found no room in it, if any."""
        if change is None or click.card is None:
            return ""
        asker = click.address.asker
        name = (asker.team_id, asker.channel_id, click.message_ts)
        async with self._cards.change(name, change, click.card) as card:
            visibility = Visibility.EPHEMERAL if click.is_ephemeral else Visibility.IN_CHANNEL
            await self._teller.replace(click.address, card, visibility)
        return "" if has_line(change, card) else change.line


def _place_of(outcome: Outcome, click: Click) -> ReplyAddress:
    """A success belongs into the message's thread; a failure goes to the channel, so that nobody misses it."""
    return replace(click.address, thread_ts=click.thread_ts or None) if isinstance(outcome, Done) else click.address


def _with_line(message: Message, line: str) -> Message:
    """The message with one more line, its buttons kept."""
    if not line:
        return message
    text = f"{message.text}\n{line}"
    return replace(message, text=text, blocks=(section(text), *message.blocks[1:]))
