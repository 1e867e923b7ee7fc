"""An order in work: in the memory of the process that has it, and as the columns of its row."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

from bot.core.cards import MarkedCards, SessionName
from bot.core.orders import REPEATED, Actor, Order, ReplyAddress, Source, State, Verb
from bot.core.outcomes import (
    Broken,
    Done,
    Doubt,
    Ended,
    Outcome,
    Paused,
    RateLimited,
    Refusal,
    Resumed,
    Unconfirmed,
    Why,
    name_of,
)
from bot.core.permissions import Policy
from bot.core.reminders import UNKNOWN_AFTER
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.store.connections import Row, storable
from bot.outbound.store.outbox import Marks
from bot.runtime import order_id

NO_CARDS = MarkedCards()
IS_UNFINISHED = f"(state <> '{State.SETTLED}' OR told = 0)"  # it repeats the condition of the partial index
HAS_EFFECT = Done | Unconfirmed | Broken
_TYPES: dict[str, Callable[..., Outcome]] = {one.__name__: one for one in get_args(Outcome)}


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of an order: the outcome to tell, and the cards of its session.

    It `is_overtaken` if another order has left the session otherwise before this outcome was told. A pause that has
    crossed a resume of `crossed_by`, which still `is_running` or not, is not recorded, but sent again.
    """

    outcome: Outcome
    cards: MarkedCards = NO_CARDS
    is_overtaken: bool = False
    is_recorded: bool = True
    crossed_by: str = ""
    is_running: bool = False

    def card_id(self, running: "RunningOrder") -> str | None:
        """Return the id of the card that is the message of a click or thread; None if that is none of the bot's."""
        actor = running.order.actor
        return self.cards.ids.get((actor.team_id, actor.channel_id, running.address.message_ts or ""))


@dataclass(slots=True, eq=False, repr=False)
class RunningOrder:
    """An order in work. Times are monotonic, in seconds."""

    order: Order
    address: ReplyAddress
    given_at: float
    id: str = field(default_factory=order_id)
    state: State = State.SENT
    """That of the row that is adopted; of a new one, the first, as soon as it is allowed. SENT once a request began."""
    recorded: asyncio.Future[State | None] = field(init=False)
    """The state with which the database has it; None if another order has its trigger."""
    policy: Policy | None = None
    """The policy of its workspace, from when its person was found to be allowed to give it, and it is being sent."""
    doubt: bool = False
    """It can have reached Anchor: an attempt had no answer, or it is adopted as sent."""
    outcome: Outcome | None = None
    settled_at: float | None = None
    known: Session | None = None
    """What was known of its session when its result was written."""
    result: asyncio.Task[Settled | None] = field(init=False)
    """What is told; None if another process has the order, and tells it."""

    @property
    def is_recorded(self) -> bool:
        """Return whether it survives the end of the process."""
        return self.recorded.done() and not self.recorded.cancelled() and self.recorded.exception() is None

    @property
    def is_repeated(self) -> bool:
        """Return whether another order has its trigger, as far as is known."""
        return self.is_recorded and self.recorded.result() is None

    @property
    def age(self) -> float:
        """Return the seconds since it was given."""
        return time.monotonic() - self.given_at

    @property
    def session(self) -> SessionName:
        """Return the name of its session."""
        return self.order.actor.team_id, self.order.session_id

    def replaces_click(self, outcome: Outcome | None) -> bool:
        """Return whether the message that was clicked is replaced through its response_url."""
        is_click = self.address.clicked is not None and self.address.response_url is not None
        return is_click and isinstance(outcome, Paused) and not self.order.batch_id

    async def is_safe(self, delivery: asyncio.Task[None] | None, *, within: float) -> bool:
        """Wait until it survives the end of the process, or is delivered. Return whether it has come so far."""
        parts: set[asyncio.Future[Any]] = {self.recorded} if delivery is None else {self.recorded, delivery}
        await asyncio.wait(parts, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return self.is_recorded or (delivery is not None and delivery.done())

    def know(self, outcome: Outcome) -> None:
        """Let it have an outcome from now on."""
        self.outcome, self.settled_at = outcome, self.settled_at or time.monotonic()

    def marks(self, outcome: Outcome | None) -> Marks:
        """Return the sessions whose cards can be out of date after an outcome: none after most refusals."""
        order, clicked = self.order, self.address.message_ts
        is_shown = self.policy is not None or order.source is Source.ALERT or bool(order.batch_id)
        if isinstance(outcome, Refusal) and not is_shown:
            return {}
        own = {self.session: frozenset({clicked} if clicked else ())}
        batch = {(order.actor.team_id, SessionId(order.batch_id)): frozenset[str]()} if order.batch_id else {}
        return own | batch

    def in_sequence(
        self, outcome: Outcome, look: Row, given_at: float, told_at: float | None
    ) -> tuple[Outcome, int | None]:
        """Return the outcome beside the other orders of its session, and the place of its effect among theirs.

        It is in doubt if an opposite order still can act. What was told at a time has no effect if another order has
        had one since. The `look` has these orders, and the last one that had an effect.
        """
        verb, has_effect, place = self.order.verb, isinstance(outcome, HAS_EFFECT), (look.effect or 0) + 1
        if not isinstance(outcome, HAS_EFFECT | RateLimited) or (
            look.outcome == Ended.__name__ and not isinstance(outcome, Ended)
        ):
            return outcome, None
        if told_at and has_effect and verb.opposite and (look.running or look.crossed or look.doubts):
            return Unconfirmed(Doubt.OVERTAKEN), place
        if told_at and look.effect is not None and look.settled_at > told_at and not isinstance(outcome, Ended):
            place = None
        is_pause, is_paused = verb is Verb.PAUSE, look.outcome == Paused.__name__
        is_other = look.user_id != self.order.actor.user_id or self.order.source is Source.ALERT
        earlier = Paused(earlier_by=look.user_id, earlier_at=look.last_given_at) if is_pause and is_paused else None
        if isinstance(outcome, Paused | Resumed) and (look.doubts or (look.running and is_pause)):
            outcome = Unconfirmed(Doubt.OVERTAKEN)
        elif isinstance(outcome, Paused) and earlier and (is_other or earlier.earlier_at < given_at - REPEATED):
            outcome = replace(earlier, status=outcome.status, crossed=outcome.crossed)
        elif isinstance(outcome, RateLimited) and earlier and look.settled_at >= given_at:
            outcome = earlier
        return outcome, place if has_effect else None


def is_overtaken(verb: str, outcome: Outcome, effect: int | None, last: Row) -> bool:
    """Return whether the `last` order of the session that had an effect is a later one, and left it otherwise."""
    is_later = last.effect is not None and (effect is None or effect < last.effect)
    return is_later and isinstance(outcome, HAS_EFFECT) and (last.verb, last.outcome) != (verb, name_of(outcome))


def write_row(running: RunningOrder, owner: str) -> dict[str, Any]:
    """Return the columns of a new row but for its times. An order without a trigger has its id for one.

    Of the address it keeps the thread: an answer after the end of the process is posted, or a direct message.
    """
    order, actor = running.order, running.order.actor
    return {
        "id": running.id,
        "trigger_id": storable(order.trigger_id) or running.id,
        "team_id": actor.team_id,
        "session_id": order.session_id,
        "verb": order.verb.value,
        "reason": storable(order.reason),
        "source": order.source.value,
        "batch_id": order.batch_id or None,
        "user_id": actor.user_id,
        "home_team_id": actor.home_team_id,
        "channel_id": actor.channel_id,
        "thread_ts": storable(running.address.result_thread),
        "expected_version": order.expected_version,
        "state": (running.state if running.policy else State.WAITING).value,
        "is_at_once": int(running.state is State.SENT),
        "owner": owner,
        "remind_after": UNKNOWN_AFTER if order.verb is Verb.PAUSE else None,
    }


def read_row(row: Row, now: float) -> RunningOrder:
    """Return the order of a row, without `recorded`; `now` is the database's time.

    Raises ValueError, TypeError, OverflowError or OSError for an odd row, also with a time that no calendar has.
    """
    actor, source = Actor(row.team_id, row.channel_id, row.user_id, row.home_team_id), Source(row.source)
    order = Order(
        verb=Verb(row.verb),
        session_id=SessionId(row.session_id),
        actor=actor,
        reason=row.reason,
        trigger_id=None if row.trigger_id == row.id else row.trigger_id,
        source=source,
        expected_version=row.expected_version,
        batch_id=row.batch_id or "",
    )
    thread_ts = None if source is Source.BUTTON else row.thread_ts  # a failure goes to the channel
    address = ReplyAddress(actor, thread_ts=thread_ts)
    datetime.fromtimestamp(row.given_at, UTC)
    running = RunningOrder(order, address, time.monotonic() - max(0.0, now - row.given_at), row.id, State(row.state))
    running.doubt = running.state is State.SENT
    if row.outcome is not None:
        running.know(read_outcome(row.outcome, row.outcome_fields))
    return running


def write_outcome(outcome: Outcome) -> tuple[str, str]:
    """Return the name of the outcome's type, and its fields as JSON."""
    fields = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    return name_of(outcome), json.dumps(fields, default=sorted)


def read_outcome(name: str, fields: str) -> Outcome:
    """Decode an outcome. One of another version of the bot counts as Broken."""
    try:
        read = json.loads(fields)
        if "why" in read:  # JSON has no enums and no sets
            read["why"] = (Doubt if name == Unconfirmed.__name__ else Why)(read["why"])
        if "ids" in read:
            read["ids"] = frozenset(read["ids"])
        return (_TYPES.get(name) or Refusal)(**read)
    except (ValueError, TypeError):
        return Broken("")
