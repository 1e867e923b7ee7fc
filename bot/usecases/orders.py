"""Orders, from the request to the reported result, also those that another process left or an operator gives."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any

from cachetools import TTLCache

from bot import request_id
from bot.core.cards import BatchContent
from bot.core.outcomes import CALL_SOMEBODY, Outcome, Paused, Refusal, Resumed
from bot.core.recovery import settled_outcome
from bot.core.requests import MessageContent, Order, ReplyAddress, Source, Verb, operator_name, read_attempt
from bot.core.sessions import Session
from bot.messages.blocks import Message, Visibility, section
from bot.messages.cards import mentioning
from bot.messages.results import CARD_LOST, CARD_NOT_UPDATED, card_update, facts_message, outcome_message, warnings
from bot.outbound.slack.client import PostResult
from bot.outbound.store.entries import Entry
from bot.outbound.store.errors import StoreError, StoreUnreachableError, or_default
from bot.outbound.store.journal import Journal
from bot.outbound.store.orders import MOST_TAKEN, OrderRows
from bot.runtime import Tasks, ended, happens, until_tick
from bot.usecases.cards import REPLACE_TIMEOUT
from bot.usecases.control import SessionControl
from bot.usecases.delivery import MessageDelivery, Receipt
from bot.usecases.incidents import report
from bot.usecases.session_cards import CardUpdates, SessionCards
from bot.usecases.sessions import KEPT, FactReads

_log = logging.getLogger(__name__)

_SETTLE_TIMEOUT = 1.0  # seconds for an outcome to be stored before it is told or shown
_NAMED_WITHIN = 0.1  # seconds that a pause waits for its cards
_REMEMBER = 900.0  # seconds; Slack sends an unanswered request again for up to some minutes
MOST_TRIGGERS = 10_000  # the journal knows older ones
_BY_BATCH = "batch"  # the route of an outcome that the result of its batch tells
_NOBODY = Receipt("nobody")
_REPLACED = Receipt("response_url")
_MOST_FOLLOWED_UP = 10_000  # conversations that were told what was read after a pause, in the last KEPT seconds

_SESSION = attrgetter("session")

RECOVERY_INTERVAL = 2.0
"""Seconds between two looks for orders to take over, while other processes have unfinished ones."""


@dataclass(frozen=True, slots=True)
class RunningOrder:
    """An order in the journal, and the task that executes it."""

    entry: Entry
    outcome: asyncio.Task[Outcome | None]
    """None if another process executes the order, and tells its outcome."""

    async def is_safe(self, delivery: asyncio.Task[None] | None, *, within: float) -> bool:
        """Wait until the order survives the end of the process, or is delivered. Return whether it has come so far."""
        parts: set[asyncio.Future[Any]] = {self.entry.written} if delivery is None else {self.entry.written, delivery}
        if not self.entry.is_stored:
            await asyncio.wait(parts, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return self.entry.is_stored or (delivery is not None and delivery.done())


@dataclass(eq=False)
class Orders:
    """Execution and delivery of orders. `has_paused` is set after each pause."""

    session_control: SessionControl
    journal: Journal
    rows: OrderRows
    delivery: MessageDelivery
    session_cards: SessionCards
    tasks: Tasks
    _: KW_ONLY
    dashboard_url: str
    facts: FactReads
    has_paused: asyncio.Event

    def __post_init__(self) -> None:
        self._followed_up: TTLCache[tuple[str | None, ...], bool] = TTLCache(
            _MOST_FOLLOWED_UP, KEPT, timer=time.monotonic
        )
        self._card_updates = CardUpdates(self.delivery, self.tasks)
        self._by_trigger: TTLCache[str, RunningOrder] = TTLCache(MOST_TRIGGERS, _REMEMBER, timer=time.monotonic)

    def start(self, order: Order, address: ReplyAddress, outcome: Outcome | None = None) -> tuple[RunningOrder, bool]:
        """Record an order and begin to execute it, unless its outcome is known.

        Return it, and whether it came before: then it is that one.
        """
        if order.trigger_id and (earlier := self._by_trigger.get(order.trigger_id)):
            return earlier, True
        return self._start(self.journal.begin(order, address), outcome), False

    def knows(self, order: Order) -> bool:
        """Return whether the order came before, to this process or to one whose orders it has taken over."""
        return order.trigger_id in self._by_trigger

    def message(self, entry: Entry, outcome: Outcome) -> Message:
        """Return the result of an order, which is then to be delivered."""
        entry.known = self._known(entry)
        return self._message(entry, outcome, entry.known)

    def _known(self, entry: Entry) -> Session | None:
        """Return what was read of the session of an order in the last 10 minutes, else what its card shows."""
        return self.facts.reads.known(*entry.session) or entry.on_card

    def _message(self, entry: Entry, outcome: Outcome, known: Session | None) -> Message:
        message = outcome_message(
            entry.order,
            outcome,
            now=time.time(),
            dashboard_url=self.dashboard_url,
            order_id=entry.id,
            message_url=entry.address.message_url,
            known=known,
            offers_end=entry.offers_end,
        )
        return _with_line(message, CARD_LOST if entry.has_lost_card else "")

    def told(self, running: RunningOrder) -> None:
        """Record that Slack has the outcome in its ack."""
        entry, address = running.entry, running.entry.address
        self.journal.told(entry, "ack")
        self._follow(entry, address)

    async def deliver(self, running: RunningOrder, address: ReplyAddress) -> None:
        """Deliver the outcome of an order to an address, and record that. Never raises.

        Nobody waits for that of the command line, whose process was killed, for one that is needless, and for one that
        a card tells.
        """
        await ended(running.outcome)
        entry, is_operator = running.entry, operator_name(address.actor.user_id) is not None
        if entry.order.batch_id:
            order = entry.order
            content = BatchContent(order.actor.user_id, order.actor.channel_id, order.reason, verb=order.verb)
            await self.let_batch_tell(running, content)
            return
        is_ours = partial(self.journal.is_ours, entry)
        try:
            outcome = running.outcome.result()
            if outcome is None or not await is_ours():
                return
            address, message = await self._result(entry, outcome, address)
            is_on_card = _is_on_card(entry.order, outcome)
            is_by_alert = entry.order.source is Source.ALERT and not is_on_card
            group = await self._take_call(entry.order) if is_by_alert else ""
            nobody_waits = is_operator or is_on_card or group is None or await self.session_cards.is_needless(entry)
            is_replaced = False
            if isinstance(outcome, Paused):
                has_more = entry.has_lost_card or any(warnings(entry.order, outcome, entry.known))
                is_replaced = await self._replace(entry, address) and not has_more  # which its thread says
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            message, nobody_waits, is_replaced, group = report(error), is_operator, False, ""
        told = mentioning(message, group) if group else message
        receipt = _NOBODY if nobody_waits else _REPLACED if is_replaced else None
        receipt = receipt or await self.delivery.deliver(address, told, is_ours=is_ours)
        self.journal.told(entry, receipt.route if receipt else None)
        if receipt and receipt.route == "channel" and receipt.posted and message.blocks:
            self.session_cards.posted(entry, message, receipt.posted)
        if receipt is not None and not nobody_waits:
            self._follow(entry, address)

    async def _take_call(self, order: Order) -> str | None:
        """Return the group that the message about a failed pause mentions, or ""; None if another message counts it."""
        rows, actor = self.session_control.auto_pauses, order.actor
        is_now = rows and await rows.take_call(order)
        workspace = await or_default(self.session_cards.find(actor.team_id), None, within=_SETTLE_TIMEOUT)
        return None if is_now is False else (workspace and is_now and workspace.group_for(actor.channel_id)) or ""

    async def let_batch_tell(self, running: RunningOrder, content: BatchContent) -> None:
        """Let the result of its batch tell the outcome of an order. Return when it is recorded."""
        entry = running.entry
        await self.session_cards.keep_batch(entry, content)
        await ended(running.outcome)
        if not running.outcome.cancelled() and running.outcome.result() is not None:
            self.journal.told(entry, _BY_BATCH)

    def _follow(self, entry: Entry, address: ReplyAddress) -> None:
        """Let a follow-up tell the people who have the result of a pause what is read after it, if they must know."""
        if isinstance(entry.outcome, Paused) and self.facts.have_more(entry.known, *entry.session):
            self.tasks.start(self._follow_up(entry, address))

    async def _follow_up(self, entry: Entry, address: ReplyAddress) -> None:
        await asyncio.wait({entry.written}, timeout=_SETTLE_TIMEOUT)  # that it was told: then no process repeats it
        known = await self.facts.known_after_read(*entry.session)
        message = facts_message(
            entry.order.session_id, entry.known, known, now=time.time(), offers_end=entry.offers_end
        )
        actor = address.actor
        audience = (*entry.session, actor.channel_id or actor.user_id, address.thread_ts)
        if message is None or entry.is_lost or audience in self._followed_up:
            return
        self._followed_up[audience] = True
        await self.delivery.deliver(address, message)

    async def announce(self, running: Sequence[RunningOrder]) -> None:
        """Post what was done without a channel to the alert channel, when all of it has ended."""
        await asyncio.wait([one.outcome for one in running])
        names = {one.entry.session for one in running if not one.entry.order.actor.channel_id}
        known = {name[1]: await self.facts.known_after_read(*name) for name in names}
        facts = {session_id: session for session_id, session in known.items() if session is not None}
        await self.session_cards.announce([one.entry for one in running], facts)

    async def stored_result(self, running: RunningOrder) -> Message | None:
        """Return the message about an order once its outcome is stored, or the database takes too long.

        Return None if another process tells the outcome.
        """
        outcome = await asyncio.shield(running.outcome)
        await asyncio.wait({running.entry.written}, timeout=_SETTLE_TIMEOUT)
        return None if outcome is None else self._message(running.entry, outcome, self._known(running.entry))

    def recover(self, entry: Entry) -> RunningOrder:
        """Execute an order that another process left unfinished, unless its outcome follows from what is recorded."""
        company = {"is_opposed": entry.is_opposed, "has_company": entry.has_company}
        return self._start(entry, entry.outcome or settled_outcome(entry.order.verb, entry.state, entry.age, **company))

    def _start(self, entry: Entry, outcome: Outcome | None = None) -> RunningOrder:
        running = RunningOrder(entry, self.tasks.start(self._execute(entry, outcome)))
        self.session_cards.watch(entry)
        if entry.order.trigger_id:
            self._by_trigger[entry.order.trigger_id] = running
        return running

    async def _execute(self, entry: Entry, outcome: Outcome | None) -> Outcome | None:
        """Execute an order, unless its outcome is known, and record the outcome. Return it if it is to be told.

        That of a resume or an end is stored before it is told: a process that finds one without an outcome reports it
        as unconfirmed. A pause is executed again: it waits a moment for the name of its session on a card. If another
        process has the order, its outcome counts.
        """
        if outcome is None:
            outcome = await self.session_control.execute(entry)
        if isinstance(outcome, Paused):
            self.session_cards.will_replace(entry)
            self.has_paused.set()
        self.journal.settle(entry, outcome)
        is_pause = entry.order.verb is Verb.PAUSE
        if not isinstance(outcome, Refusal) and not (is_pause and self._known(entry)):
            await asyncio.wait({entry.written}, timeout=_NAMED_WITHIN if is_pause else _SETTLE_TIMEOUT)
        return outcome if await self.journal.is_ours(entry) else await self._outcome_elsewhere(entry.order.trigger_id)

    async def _outcome_elsewhere(self, trigger_id: str | None) -> Outcome | None:
        try:
            return await self.rows.outcome_of(trigger_id) if trigger_id else None
        except StoreError:
            return None

    async def _result(self, entry: Entry, outcome: Outcome, address: ReplyAddress) -> tuple[ReplyAddress, Message]:
        """Update the clicked message of another program. Return the message about the outcome, and where it goes.

        A pause goes to the message's thread. All else goes to the channel, so that nobody misses it.
        """
        clicked, line = address.clicked, ""
        is_card = await self.session_cards.is_card(entry)
        message, has_button = self.message(entry, outcome), is_card
        if clicked is not None and not is_card:
            update = card_update(entry.order, outcome, now=time.time(), order_id=entry.id, known=entry.known)
            line = await self._card_updates.send(address, clicked, update)
            has_button = clicked.content is not None and bool(clicked.thread_ts) and line != CARD_NOT_UPDATED
        if isinstance(outcome, Paused):
            if has_button:
                message = replace(message, blocks=())
            address = replace(address, thread_ts=address.result_thread) if clicked else address
        elif clicked is not None and isinstance(outcome, Resumed):
            address = replace(address, thread_ts=None)
        return address, _with_line(message, line)

    async def _replace(self, entry: Entry, address: ReplyAddress) -> bool:
        """Let the clicked message of the bot tell the pause. Return whether Slack has taken that in time."""
        url = address.response_url
        if url is None:
            return False

        async def send(message: Message) -> PostResult:
            content = MessageContent(message.text, message.blocks)
            return await self.delivery.response_urls.replace(url, content, Visibility.IN_CHANNEL)

        replacing = self.tasks.start(self.session_cards.replace(entry, send))
        await asyncio.wait({replacing}, timeout=REPLACE_TIMEOUT)
        return replacing.done() and replacing.result()


def _is_on_card(order: Order, outcome: Outcome) -> bool:
    """Return whether the card of an alert tells the outcome of its pause: the first failure has its own message."""
    attempt = read_attempt(order.trigger_id)
    return attempt is not None and (attempt.number > 0 or not isinstance(outcome, CALL_SOMEBODY))


def _with_line(message: Message, line: str) -> Message:
    if not line:
        return message
    text = f"{message.text}\n{line}"
    return replace(message, text=text, blocks=(section(text), *message.blocks[1:]) if message.blocks else ())


@dataclass(frozen=True, slots=True)
class OperatorOrders:
    """Orders of an operator on the command line."""

    control: SessionControl
    journal: Journal
    session_cards: SessionCards

    def begin(self, order: Order) -> Entry:
        """Record an order."""
        return self.journal.begin(order, ReplyAddress(order.actor))

    async def execute(self, entry: Entry, tell: Callable[[Outcome], None], *, within: float) -> None:
        """Execute an order, and tell its outcome. A running bot updates the cards of its session.

        Return when the journal has the outcome, or after `within` seconds.
        """
        order = entry.order
        outcome = await self.control.execute(entry)
        self.journal.settle(entry, outcome)
        tell(outcome)
        self.journal.told(entry, "terminal")
        await asyncio.wait({entry.written}, timeout=within)
        if entry.written.done():
            if order.batch_id:
                keeping = self.session_cards.keep_batch(entry, BatchContent(order.actor.user_id))
                await asyncio.wait({asyncio.ensure_future(keeping)}, timeout=within)
            elif order.source is Source.DRILL:
                self.session_cards.post(entry, outcome)
            else:
                await self.session_cards.announce([entry], {})


@dataclass(eq=False)
class Recovery:
    """Recovery of unfinished orders. `is_alone` says that no other process can use the database.

    `interval` is RECOVERY_INTERVAL. `wake` is set when there are orders that no process works on.
    """

    journal: Journal
    orders: Orders
    tasks: Tasks
    wake: asyncio.Event
    _: KW_ONLY
    is_alone: bool
    interval: float = RECOVERY_INTERVAL

    def __post_init__(self) -> None:
        self._is_stopping = self._are_left = False
        self._has_looked = asyncio.Event()
        self._follows_crash = True

    async def look(self, *, within: float) -> None:
        """Wait until it is known whether there are orders of other processes."""
        await happens(self._has_looked, within=within)

    def follows_crash(self) -> bool:
        """Return whether another process has left unfinished orders, or works on some; True until that is known."""
        return self._follows_crash

    def stop(self) -> None:
        """Let `run` end."""
        self._is_stopping = True
        self.wake.set()

    async def run(self) -> None:
        """Take over the orders of processes that have ended: alone once, beside others until `stop`."""
        while not self._is_stopping:
            self.wake.clear()
            taken = await self._take_over()
            for _, same_session in itertools.groupby(sorted(taken or (), key=_SESSION), _SESSION):
                self.tasks.start(self._recover(list(same_session)))
            if taken is not None and self.is_alone and len(taken) < MOST_TAKEN:
                return
            if taken is None or len(taken) < MOST_TAKEN:
                is_waiting = taken is None or self._are_left
                await happens(self.wake, within=self.interval if is_waiting else until_tick(self._longest))

    @property
    def _longest(self) -> float:
        """The seconds within which an order has to be seen, so that its lease has not ended an interval ago."""
        return max(self.interval, self.journal.rows.lease.seconds - self.interval)

    async def _take_over(self) -> list[Entry] | None:
        """Return the orders that were taken over; None if the database fails, or the journal is full."""
        if self.journal.is_full:
            return None
        try:
            self._are_left = await self.journal.has_unknown()
            if not self._has_looked.is_set():
                self._follows_crash = self._are_left
                self._has_looked.set()
            return await self.journal.take_over(all_leases=self.is_alone) if self._are_left else []
        except StoreUnreachableError:
            return None  # the journal reports it
        except Exception:  # noqa: BLE001 - the next attempt may work
            _log.exception("unfinished orders not taken over")
            return None

    async def _recover(self, taken: list[Entry]) -> None:
        """End the orders of a session in their sequence; those of the same verb share one call of Anchor."""
        for _, same_verb in itertools.groupby(taken, lambda entry: entry.order.verb):
            await asyncio.wait([self._start(entry).outcome for entry in same_verb])

    def _start(self, entry: Entry) -> RunningOrder:
        request_id.begin(entry.id)
        about = {"session": entry.order.session_id, "state": entry.state.value, "age_seconds": round(entry.age)}
        _log.warning("unfinished order taken over", extra=about)
        running = self.orders.recover(entry)
        self.tasks.start(self.orders.deliver(running, entry.address))
        self.tasks.start(self.orders.announce([running]))
        return running
