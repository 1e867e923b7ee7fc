"""Bring the cards of a session up to date with its orders, and report a resume wherever a message says it is paused.

A pause is sent before anything here is read or written, and no order waits for it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from bot.core.cards import CardName, NewCard, ResultContent, SessionName
from bot.core.outcomes import Outcome, PausedSince, Refusal, Resumed, ResumedSince
from bot.core.requests import Order, Verb
from bot.messages.blocks import Message
from bot.messages.cards import digest_of
from bot.messages.results import outcome_message
from bot.outbound.slack.client import Posted
from bot.outbound.store.errors import StoreError
from bot.outbound.store.journal_entry import JournalEntry
from bot.outbound.store.session_states import SessionStates
from bot.request_id import new_id
from bot.usecases.card_outbox import CardOutbox

_log = logging.getLogger(__name__)

PAUSING_AFTER = 0.2  # seconds without an outcome; a faster pause is shown when it is done
_KNOWN_WITHIN = 1.0  # seconds for which the result of a click waits to know whether its message is a card


class SessionCards:
    """The cards of the sessions of orders; `now` gives Unix seconds."""

    def __init__(
        self,
        outbox: CardOutbox,
        states: SessionStates,
        now: Callable[[], float],
        *,
        dashboard_url: str,
    ) -> None:
        self._outbox = outbox
        self._states = states
        self._now = now
        self._dashboard_url = dashboard_url

    def watch(self, entry: JournalEntry) -> None:
        """Show that a pause is being sent, if that takes some time."""
        if entry.order.verb is Verb.PAUSE:
            asyncio.get_running_loop().call_later(PAUSING_AFTER, self._show_pausing, entry)

    def _show_pausing(self, entry: JournalEntry) -> None:
        if entry.outcome is not None:
            return
        if entry.is_allowed and entry.is_stored:
            self._outbox.refresh(_session(entry.order), clicked=_clicked(entry))
        else:
            self.watch(entry)

    async def update(self, entry: JournalEntry, outcome: Outcome) -> bool:
        """Update the cards, once the outcome is recorded. Return whether the message of the click or thread is one.

        If that takes long, nobody waits for it, and the cards are updated later.
        """
        if not _concerns_cards(entry, outcome):
            return False
        loop, clicked, written = asyncio.get_running_loop(), _clicked(entry), entry.written
        ends = loop.time() + _KNOWN_WITHIN
        await asyncio.wait({written}, timeout=_KNOWN_WITHIN)
        if not written.done():
            written.add_done_callback(lambda _: self._outbox.refresh(_session(entry.order)))
            return False
        names = self._outbox.refresh(_session(entry.order), clicked=clicked)
        await asyncio.wait({names}, timeout=max(0.0, ends - loop.time()))
        return names.done() and clicked in names.result()

    async def report(self, entry: JournalEntry, outcome: Outcome, *, in_thread: bool) -> None:
        """Post a resume in the channels in which a message that cannot be edited says that the session is paused.

        The channel of the order has its result already, unless that is in the thread of a card.
        """
        if entry.is_lost or not isinstance(outcome, Resumed):
            return  # another process reports a lost one
        order, own = entry.order, entry.order.actor.channel_id
        try:
            names = await self._states.channels_saying_paused(order.actor.team_id, order.session_id, entry.id)
        except StoreError as error:
            _log.warning("resume not reported in other channels", extra={"why": str(error)})
            names = frozenset()
        channels = (names | {own}) if in_thread else (names - {own})
        for channel in sorted(channels):
            told = order if channel == own else replace(order, reason="")  # a reason stays where it was given
            message = outcome_message(
                told, outcome, now=self._now(), dashboard_url=self._dashboard_url, order_id=entry.id
            )
            self._outbox.remember([_card(entry, channel, message)])

    def posted(self, entry: JournalEntry, message: Message, posted: Posted) -> None:
        """Keep a result up to date that was posted to a channel."""
        card = _card(entry, posted.channel, message)
        self._outbox.remember([replace(card, ts=posted.ts, shown=digest_of(message))])


def _concerns_cards(entry: JournalEntry, outcome: Outcome) -> bool:
    """Return whether the order has changed the session, or a card may be out of date."""
    return entry.is_allowed or not isinstance(outcome, Refusal) or isinstance(outcome, PausedSince | ResumedSince)


def _session(order: Order) -> SessionName:
    return order.actor.team_id, order.session_id


def _clicked(entry: JournalEntry) -> CardName | None:
    """Return the message whose button was clicked, or in whose thread the result goes: it can be a card."""
    actor, address = entry.order.actor, entry.address
    ts = address.clicked.ts if address.clicked else address.thread_ts
    return None if ts is None else (actor.team_id, actor.channel_id, ts)


def _card(entry: JournalEntry, channel_id: str, message: Message) -> NewCard:
    content = ResultContent(entry.id, message.text, message.blocks)
    return NewCard(new_id(), entry.order.actor.team_id, channel_id, entry.order.session_id, content)
