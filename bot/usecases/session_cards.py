"""The cards that an order changes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace

from cachetools import LRUCache, TTLCache

from bot.core.cards import MOST_IN_SUMMARY, BatchContent, CardName, NewCard, ResultContent
from bot.core.outcomes import Done, Outcome, Paused, Unconfirmed
from bot.core.requests import ClickedMessage, MessageContent, Person, ReplyAddress, Source, Verb, operator_name
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session
from bot.core.workspace import Workspace
from bot.messages.blocks import Message, Visibility
from bot.messages.cards import digest_of
from bot.messages.clicked import CardUpdate, apply, has_line
from bot.messages.results import CARD_NOT_UPDATED, outcome_message
from bot.messages.sessions import list_update
from bot.outbound.slack.client import Doubtful, Posted, PostResult
from bot.outbound.store.card_values import ClaimedCard
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.history import SessionStates
from bot.outbound.store.orders import OrderRows
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.request_id import new_id
from bot.runtime import Tasks
from bot.usecases.cards import REPLACE_TIMEOUT, CardOutbox, MessageWrites
from bot.usecases.delivery import MessageDelivery
from bot.usecases.sessions import KEPT

_log = logging.getLogger(__name__)

PAUSING_AFTER = 0.2  # seconds without an outcome; a faster pause is shown when it is done
_CORRECTED_WITHIN = 1.0  # seconds for a look whether a message shows the newest state

_CARD_WAIT = 1.0  # seconds that a result waits for the update of the clicked message
_UNKNOWN = "?"  # no digest
_MOST_BATCHES = 1_000  # that are remembered
MAX_MESSAGES = 2_000  # a click lacks an update for some seconds
MAX_UPDATES = 100  # of a message
MOST_LISTS = 2_000


@dataclass(eq=False)
class SessionCards:
    """The cards of the sessions of orders. `find` returns the workspace with a team id."""

    rows: OrderRows
    outbox: CardOutbox
    states: SessionStates
    _: KW_ONLY
    dashboard_url: str
    find: Callable[[str], Awaitable[Workspace | None]]

    def __post_init__(self) -> None:
        self._batches: LRUCache[str, asyncio.Future[None]] = LRUCache(_MOST_BATCHES)

    def watch(self, running: RunningOrder) -> None:
        """Show that a pause is being sent, if that takes some time."""
        if running.order.verb is Verb.PAUSE:
            asyncio.get_running_loop().call_later(PAUSING_AFTER, self._show_pausing, running)

    def _show_pausing(self, running: RunningOrder) -> None:
        if running.outcome is not None or running.result.done():
            return
        if running.is_allowed and running.is_recorded:
            self.rows.show(running)
        else:
            self.watch(running)

    def is_card(self, running: RunningOrder, settled: Settled) -> bool:
        """Return whether the message of a click or thread is a card, as its mark with the outcome has shown."""
        actor = running.order.actor
        name = actor.team_id, actor.channel_id, running.address.message_ts
        return settled.cards is not None and name in settled.cards.names

    def will_replace(self, running: RunningOrder) -> None:
        """Let the outbox wait for the message that was clicked: it is going to be replaced through its response_url."""
        if (name := self._clicked(running)) and self.outbox.sender is not None:
            writes = self.outbox.sender.writes.setdefault(name, MessageWrites())
            writes.coming[running.id] = asyncio.get_running_loop().create_future()

    async def replace(
        self, running: RunningOrder, settled: Settled, send: Callable[[Message], Awaitable[PostResult]]
    ) -> bool:
        """Replace the bot's own message that was clicked by what it shows now. Return whether that tells the pause.

        It does not if somebody else has ordered meanwhile, or Slack has not taken it. Never raises.
        """
        began, name, sender = time.monotonic(), self._clicked(running), self.outbox.sender
        writes = sender.writes.get(name) if sender and name else None
        if name is None or sender is None or writes is None:
            return False
        try:
            async with writes.turn:
                card = await self.outbox.rows.message(*name) if settled.cards and name in settled.cards.names else None
                is_late = time.monotonic() - began > REPLACE_TIMEOUT  # then its thread has the result
                if card is None or is_late or not await self._is_paused_by(running):
                    return False
                message = await sender.compose(card)
                result = await send(message)
                if not isinstance(result, Posted | Doubtful):
                    return False
                writes.shown = digest_of(message) if isinstance(result, Posted) else _UNKNOWN
                await or_default(self._correct(name, card, writes.shown), None, within=_CORRECTED_WITHIN)
                return isinstance(result, Posted)
        except Exception as error:  # noqa: BLE001 - its thread gets the result
            _log.warning("clicked message not replaced", extra={"why": str(error) or type(error).__name__})
            return False
        finally:
            if (coming := writes.coming.pop(running.id, None)) is not None:
                coming.set_result(None)

    async def _is_paused_by(self, running: RunningOrder) -> bool:
        team_id, session_id = running.session
        state = (await self.states.of(team_id, [session_id])).get(session_id)
        return state is not None and state.phase is Phase.PAUSED and state.user_id == running.order.actor.user_id

    async def _correct(self, name: CardName, card: ClaimedCard, shown: str) -> None:
        """Let the outbox write the message again if it may not show the newest state, also that of another process."""
        sender = self.outbox.sender
        if sender is not None and digest_of(await sender.compose(card)) != shown:
            await self.outbox.rows.write_again(*name)
            self.outbox.wake.set()

    def _clicked(self, running: RunningOrder) -> CardName | None:
        actor, clicked = running.order.actor, running.address.clicked
        is_replaceable = clicked is not None and running.address.response_url is not None
        return (actor.team_id, actor.channel_id, clicked.ts) if clicked and is_replaceable else None

    async def announce(self, orders: Sequence[RunningOrder], known: Mapping[SessionId, Session]) -> None:
        """Post what was done without a channel to the alert channel, in one message, unless it has cards of that.

        A pause by an alert that was taken over goes to its channel. `known` are the facts of sessions.
        """
        ended = [one for one in orders if isinstance(one.outcome, Done | Unconfirmed)]
        done = [one for one in ended if not (one.order.batch_id or one.order.actor.channel_id) or _is_by_alert(one)]
        channel = done[0].order.actor.channel_id or await self._alerts_channel(done[0]) if done else None
        if channel is None:
            return
        for first in range(0, len(done), MOST_IN_SUMMARY):
            some = done[first : first + MOST_IN_SUMMARY]
            self.outbox.remember([self._announcement(one, channel, known, group=some[0].id) for one in some])

    def _announcement(
        self, running: RunningOrder, channel: str, known: Mapping[SessionId, Session], *, group: str
    ) -> NewCard:
        session, outcome = known.get(running.order.session_id), running.outcome
        assert outcome is not None  # noqa: S101 - it has ended
        card = _card(running, channel, self._message(running, outcome, channel, session), group=group)
        return replace(card, id=running.id, facts=session and session.for_card(), is_spare=True)

    async def _alerts_channel(self, running: RunningOrder) -> str | None:
        try:
            workspace = await self.find(running.order.actor.team_id)
        except StoreError as error:
            _log.warning("order without a channel not posted", extra={"why": str(error)})
            return None
        return None if workspace is None else workspace.alerts_channel

    def _message(self, running: RunningOrder, outcome: Outcome, channel: str, known: Session | None = None) -> Message:
        """Return a result for a channel. A reason stays where it was given."""
        order = running.order if channel == running.order.actor.channel_id else replace(running.order, reason="")
        now, url = time.time(), self.dashboard_url
        return outcome_message(
            order, outcome, now=now, dashboard_url=url, order_id=running.id, known=known, offers_end=running.offers_end
        )

    def post(self, running: RunningOrder, outcome: Outcome) -> None:
        """Post an outcome in the channel of its order, if that has one."""
        if channel := running.order.actor.channel_id:
            self.outbox.remember([_card(running, channel, self._message(running, outcome, channel))])

    async def keep_batch(self, running: RunningOrder, content: BatchContent) -> None:
        """Keep the result of the batch of an order up to date, also where it was given without a channel.

        Return when that is stored. An operator reads it in a terminal.
        """
        batch_id = running.order.batch_id
        if batch_id not in self._batches:
            self._batches[batch_id] = asyncio.ensure_future(self._keep_batch(running, content))
        await asyncio.shield(self._batches[batch_id])

    async def _keep_batch(self, running: RunningOrder, content: BatchContent) -> None:
        actor, batch_id = running.order.actor, running.order.batch_id
        name = (actor.team_id, actor.channel_id or actor.user_id, SessionId(batch_id))
        is_operator = operator_name(actor.user_id) is not None
        keeping = [] if is_operator else [self.outbox.keep(NewCard(batch_id, *name, content))]
        if not actor.channel_id and (channel := await self._alerts_channel(running)):
            elsewhere = replace(content, reason="", address="")
            keeping.append(self.outbox.keep(NewCard(f"{batch_id}-alerts", name[0], channel, name[2], elsewhere)))
        await asyncio.gather(*keeping)

    def posted(self, running: RunningOrder, message: Message, posted: Posted) -> None:
        """Keep a result up to date that was posted to a channel."""
        self.outbox.remember([replace(_card(running, posted.channel, message), ts=posted.ts, shown=digest_of(message))])


def _is_by_alert(running: RunningOrder) -> bool:
    return running.order.source is Source.ALERT and isinstance(running.outcome, Paused)


def _card(running: RunningOrder, channel_id: str, message: Message, *, group: str = "") -> NewCard:
    content = ResultContent(running.id, message.text, message.blocks, group)
    return NewCard(new_id(), running.order.actor.team_id, channel_id, running.order.session_id, content)


_Name = tuple[str, str, str]  # team, channel and ts


@dataclass(slots=True)
class _Clicked:
    updates: LRUCache[SessionId, CardUpdate] = field(default_factory=lambda: LRUCache(MAX_UPDATES))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def apply_to(self, content: MessageContent) -> MessageContent:
        """Return the content with the updates."""
        for update in self.updates.values():
            content = apply(update, content)
        return content


@dataclass(eq=False)
class CardUpdates:
    """The updates of clicked messages. A message in a click lacks those that the client does not show yet."""

    delivery: MessageDelivery
    tasks: Tasks

    def __post_init__(self) -> None:
        self._clicked: LRUCache[_Name, _Clicked] = LRUCache(MAX_MESSAGES)
        self._shown: TTLCache[Person, tuple[MessageContent, _Clicked]] = TTLCache(MOST_LISTS, KEPT, time.monotonic)

    def show(self, person: Person, message: Message) -> Message:
        """Return the list that a person is shown, and keep it for 10 minutes: Slack omits it in their clicks."""
        self._shown[person] = MessageContent(message.text, message.blocks), _Clicked()
        return message

    async def follow(self, running: RunningOrder, address: ReplyAddress) -> None:
        """Show in the list with the clicked button that an order is under way, unless that is short, and its result."""
        content, recent = self._shown.get(running.order.actor.person, (MessageContent(""), _Clicked()))
        for within in (PAUSING_AFTER, None):
            await asyncio.wait({running.result}, timeout=within)
            update = list_update(running.order, running.outcome, now=time.time(), order_id=running.id)
            if (within is None or not running.result.done()) and apply(
                update, content
            ) != content:  # it has such a button
                recent.updates[update.session_id] = update
                await self._send(address, recent, content, Visibility.EPHEMERAL)

    async def send(self, address: ReplyAddress, clicked: ClickedMessage, update: CardUpdate | None) -> str:
        """Update the clicked message, and wait for that a while.

        Return a line for the result: that Slack refused the update, the line for which the message has no room, or "".
        """
        if update is None or clicked.content is None:
            return ""
        name = address.actor.team_id, address.actor.channel_id, clicked.ts
        recent = self._clicked.setdefault(name, _Clicked())
        recent.updates[update.session_id] = update
        updated = recent.apply_to(clicked.content)
        visibility = Visibility.EPHEMERAL if clicked.is_ephemeral else Visibility.IN_CHANNEL
        sending = self.tasks.start(self._send(address, recent, clicked.content, visibility))
        await asyncio.wait({sending}, timeout=_CARD_WAIT)
        if sending.done() and not sending.result():
            return CARD_NOT_UPDATED
        return "" if has_line(update, updated) else update.line

    async def _send(
        self, address: ReplyAddress, recent: _Clicked, content: MessageContent, visibility: Visibility
    ) -> bool:
        """Send the message with all updates so far, after those that are being sent. Return whether Slack took it."""
        async with recent.lock:
            return await self.delivery.update_message(address, recent.apply_to(content), visibility)
