"""Orders, from the request to the told result, also those that another process has left."""

import asyncio
import logging
import time
from dataclasses import KW_ONLY, dataclass, replace

from cachetools import TTLCache

from bot.core.cards import BatchContent
from bot.core.orders import (
    LATE,
    NOBODY,
    STILL_WANTED,
    Order,
    ReplyAddress,
    Source,
    State,
    Verb,
    operator_name,
    read_attempt,
)
from bot.core.outcomes import CALL_SOMEBODY, Doubt, Outcome, Paused, Refusal, Resumed, Unconfirmed, Why, name_of
from bot.messages.blocks import Message, Visibility
from bot.messages.cards import mentioning
from bot.messages.results import (
    NOT_RECORDED,
    OVERTAKEN,
    apply,
    card_update,
    facts_message,
    incident_message,
    outcome_message,
    warnings,
)
from bot.metrics import OFF, Metrics
from bot.outbound.store.errors import StoreError
from bot.outbound.store.orders import MOST_TAKEN, OrderRows
from bot.outbound.store.running_orders import RunningOrder, Settled
from bot.runtime import Tasks, begin_request, ended, log_incident
from bot.usecases.anchor_reads import FactReads
from bot.usecases.control import SessionControl
from bot.usecases.results import MessageDelivery
from bot.usecases.session_cards import REPLACE_TIMEOUT, SessionCards

_log = logging.getLogger(__name__)

_REMEMBER = 900.0  # seconds; Slack sends an unanswered request again for up to some minutes
MOST_TRIGGERS = 10_000  # the journal knows older ones
_BY_BATCH = "batch"  # the route of an outcome that the result of its batch tells

RECOVERY_INTERVAL, ALONE_INTERVAL = 4.0, 16.0
"""Seconds between two looks for orders to take over, also if only commands run beside the bot."""


@dataclass(eq=False, repr=False)
class Orders:
    """Execution and delivery of orders."""

    session_control: SessionControl
    rows: OrderRows
    delivery: MessageDelivery
    session_cards: SessionCards
    tasks: Tasks
    _: KW_ONLY
    facts: FactReads
    metrics: Metrics = OFF

    def __post_init__(self) -> None:
        self._by_trigger: TTLCache[str, RunningOrder] = TTLCache(MOST_TRIGGERS, _REMEMBER, timer=time.monotonic)
        self.in_work: dict[str, RunningOrder | None] = {}  # by id; None from when it is told until that is recorded

    def start(self, order: Order, address: ReplyAddress, outcome: Outcome | None = None) -> tuple[RunningOrder, bool]:
        """Record an order and begin to execute it, unless its outcome is known.

        Return it, and whether it came before: then it is that one.
        """
        if order.trigger_id and (earlier := self._by_trigger.get(order.trigger_id)):
            return earlier, True
        return self._start(begin(self.rows, order, address), outcome), False

    def knows(self, order: Order) -> bool:
        """Return whether the order came before, to this process or to one whose orders it has taken over."""
        return order.trigger_id in self._by_trigger

    def interrupt(self) -> None:
        """Stop waiting for Anchor, and for all else: what was sent is told as unconfirmed, and nothing more is sent."""
        for running in filter(None, self.in_work.values()):
            running.result.cancel()

    def message(self, running: RunningOrder, settled: Settled) -> Message:
        """Return the result of an order, which is then to be delivered, with what is known of its session."""
        running.known = self.facts.reads.known(*running.session) or settled.cards.facts
        return result_message(running, settled)

    def told(self, running: RunningOrder) -> None:
        """Record that Slack has the outcome in its ack."""
        self.record_told(running, "ack")
        self.tasks.start(self._follow(running, running.address))

    def record_told(self, running: RunningOrder, route: str | None) -> None:
        """Record that an outcome was told by a route, or that Slack refused it finally (None)."""
        if self.in_work.get(running.id) is None:
            return
        self.in_work[running.id] = None
        self.rows.told(running, route).add_done_callback(lambda _: self.in_work.pop(running.id, None))
        self.metrics.took(running.age, "order_delivery", running.order.verb.value, route or "none")
        running.address = ReplyAddress(running.order.actor, thread_ts=running.address.result_thread)  # memory

    async def deliver(self, running: RunningOrder, address: ReplyAddress, *, is_left: bool = False) -> None:
        """Deliver the outcome of an order to an address, and record that. Never raises.

        One that was given without a channel is posted in the alert channel, too, if there is one. If a process has left
        the order, no card of an alert need tell it, and nobody waits for that of the command line.
        """
        await ended(running.result)
        order, actor = running.order, running.order.actor
        if order.batch_id:
            content = BatchContent(actor.user_id, actor.channel_id, order.reason, verb=order.verb)
            if await self.let_batch_tell(running, self.tasks.start(self.session_cards.keep_batch(running, content))):
                return
        if (settled := running.result.result()) is not None:  # else another order or process tells it
            await self._deliver(running, settled, address, is_left=is_left)

    async def _deliver(self, running: RunningOrder, settled: Settled, address: ReplyAddress, *, is_left: bool) -> None:
        order, is_paused = running.order, isinstance(settled.outcome, Paused)
        try:
            address, message = self._result(running, settled, address)
            if not address.actor.channel_id:
                await self.session_cards.post(running, message)
            is_on_card = _is_on_card(order, settled.outcome) and not (is_left and is_paused)
            if is_on_card or (operator_name(order.actor.user_id) and not address.actor.channel_id):
                self.record_told(running, NOBODY)
                return
            is_failed_alert = order.source is Source.ALERT and not is_paused
            told = await self._call(running, message) if is_failed_alert else message
            if told is None or await self._replace(running, settled, address):
                return
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            message = told = incident_message(log_incident(error))
        delivered = await self.delivery.deliver(address, told, session_id=order.session_id)
        self.record_told(running, delivered.route if delivered else None)
        if delivered and delivered.route == "channel" and delivered.posted and message.blocks:
            self.session_cards.posted(running, message, delivered.posted)
        if delivered:
            await self._follow(running, address)

    async def _call(self, running: RunningOrder, message: Message) -> Message | None:
        """Let a message tell that the pause of an alert has failed, which mentions people.

        Return the one to post now, without the database.
        """
        try:
            is_told = await self.session_cards.tell_failure(running, message)
        except StoreError:
            group = await self.session_cards.group_to_call(running.order.actor)
            return mentioning(message, group) if group else message
        self.record_told(running, "channel" if is_told else NOBODY)
        return None

    async def let_batch_tell(self, running: RunningOrder, keeping: asyncio.Future[None]) -> bool:
        """Let the result of its batch tell the outcome of an order. Return whether that result could be stored."""
        try:
            await asyncio.shield(keeping)
        except StoreError:
            return False
        await ended(running.result)
        self.record_told(running, _BY_BATCH)
        return True

    async def _follow(self, running: RunningOrder, address: ReplyAddress) -> None:
        """Tell the people who have the result of a pause what is read after it, if they must know."""
        if isinstance(running.outcome, Paused):
            known, now = await self.facts.known_after_read(*running.session), time.time()
            about = running.order.session_id, running.known, known
            if message := facts_message(*about, now=now, offers_end=_offers_end(running)):
                await self.delivery.deliver(address, message)

    async def take_over(self) -> float:
        """Take over the orders of processes that have ended, if this one leads. Return when to look again.

        A pause is sent again, which does no harm. A resume that can have been sent never is: it could undo a newer
        pause. An end never is. Raises StoreError.
        """
        interval = ALONE_INTERVAL if self.rows.lease.is_alone else RECOVERY_INTERVAL
        if self.rows.writer.is_full or self.rows.lease.term is None:
            return interval
        taken = await self.rows.adopt(self.in_work)
        for running in taken:
            begin_request(running.id)
            about = {"session": running.order.session_id, "state": running.state, "age_seconds": round(running.age)}
            _log.warning("unfinished order taken over", extra=about)
            verb = running.order.verb
            late = Refusal(Why.LATE, seconds=running.age) if verb is Verb.END else None
            is_over = running.age > STILL_WANTED if verb is Verb.PAUSE else running.doubt
            self._start(running, running.outcome or (Unconfirmed(Doubt.NO_ANSWER) if is_over else late))
            self.tasks.start(self.deliver(running, running.address, is_left=True))
        return 0.0 if len(taken) == MOST_TAKEN else interval

    def _start(self, running: RunningOrder, outcome: Outcome | None) -> RunningOrder:
        self.in_work[running.id] = running
        running.result = self.tasks.start(self._execute(running, outcome))
        self.session_cards.watch(running)
        if running.order.trigger_id:
            self._by_trigger[running.order.trigger_id] = running
        return running

    async def _execute(self, running: RunningOrder, outcome: Outcome | None) -> Settled | None:
        settled = await self.session_control.execute(running, outcome)
        if settled is None or running.is_repeated:
            self.in_work.pop(running.id, None)  # another order or process tells it
            return None
        verb, source = running.order.verb.value, running.order.source.value
        self.metrics.count("orders", verb, source, name_of(settled.outcome))
        self.metrics.took(running.age, "order_outcome", verb)
        return settled

    def _result(self, running: RunningOrder, settled: Settled, address: ReplyAddress) -> tuple[ReplyAddress, Message]:
        """Update the clicked message of another program. Return the message about the outcome, and where it goes.

        A pause goes to the message's thread. All else goes to the channel, so that nobody misses it.
        """
        clicked, outcome, message = address.clicked, settled.outcome, self.message(running, settled)
        if clicked is not None and clicked.content is not None and settled.card_id(running) is None:
            update = card_update(running.order, outcome, now=time.time(), order_id=running.id, known=running.known)
            if update is not None:
                updated = apply(update, clicked.content)
                self.tasks.start(self.delivery.update_message(address, updated, Visibility.IN_CHANNEL))
        if clicked is not None and isinstance(outcome, Paused | Resumed):
            address = replace(address, thread_ts=address.result_thread if isinstance(outcome, Paused) else None)
        return address, message

    async def _replace(self, running: RunningOrder, settled: Settled, address: ReplyAddress) -> bool:
        """Let the clicked message of the bot tell a pause. Return whether Slack has taken that, and it says all."""
        outcome, card_id = settled.outcome, settled.card_id(running)
        if card_id is None or not isinstance(outcome, Paused) or not running.replaces_click(outcome):
            return False
        has_more = settled.is_overtaken or any(warnings(running.order, outcome, running.known))
        replacing = self.tasks.start(self.session_cards.replace(running, card_id))
        await asyncio.wait({replacing}, timeout=REPLACE_TIMEOUT)
        if has_more or not (replacing.done() and replacing.result()):
            return False
        self.record_told(running, "response_url")
        self.tasks.start(self._follow(running, address))
        return True


def begin(rows: OrderRows, order: Order, address: ReplyAddress) -> RunningOrder:
    """Record a new order. A pause counts as sent from now on, unless an alert asks for it, or it came late."""
    is_at_once = order.verb is Verb.PAUSE and order.source is not Source.ALERT
    state = State.SENT if is_at_once and order.age <= LATE else State.WAITING
    running = RunningOrder(order, address, time.monotonic() - order.age, state=state)
    running.recorded = rows.record(running)
    return running


def result_message(running: RunningOrder, settled: Settled) -> Message:
    """Return the result of an order. A reason that was given without a channel is not told in one."""
    order, is_paused = running.order, isinstance(settled.outcome, Paused)
    return outcome_message(
        order if order.actor.channel_id else replace(order, reason=""),
        settled.outcome,
        now=time.time(),
        order_id=running.id,
        known=running.known,
        offers_end=_offers_end(running),
        note=OVERTAKEN if settled.is_overtaken else NOT_RECORDED if is_paused and not settled.is_recorded else "",
    )


def _offers_end(running: RunningOrder) -> bool:
    return running.policy is not None and running.policy.end is not None


def _is_on_card(order: Order, outcome: Outcome) -> bool:
    """Return whether the card of an alert tells the outcome of its pause: the first failure has its own message."""
    attempt = read_attempt(order.trigger_id)
    return attempt is not None and (attempt.number > 0 or name_of(outcome) not in CALL_SOMEBODY)
