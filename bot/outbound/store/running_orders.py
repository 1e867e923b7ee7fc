"""An order in work: in the memory of the process that has it, and as the columns of its row."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from bot.core.audit import AuditRow, row_of_order
from bot.core.cards import MarkedCards, SessionName
from bot.core.fields import Secret
from bot.core.outcomes import Broken, Doubt, Outcome, Paused, RateLimited, Refusal, Resumed, Unconfirmed, Why, name_of
from bot.core.reminders import UNKNOWN_AFTER
from bot.core.requests import REPEATED, Actor, ClickedMessage, MessageContent, Order, ReplyAddress, Source, State, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Session
from bot.outbound.store.connections import Row, storable
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.messages import Marks
from bot.outbound.store.secrets import FieldCipher, FieldRef
from bot.request_id import order_id

NO_CARDS = MarkedCards()
_REPLY = "reply"
_TYPES: dict[str, Callable[..., Outcome]] = {one.__name__: one for one in get_args(Outcome)}
_hints_of = cache(get_type_hints)


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of an order: the outcome to tell, and the cards of its session.

    It `is_overtaken` if a later order has changed the session before this outcome was told.
    """

    outcome: Outcome
    cards: MarkedCards = NO_CARDS
    is_overtaken: bool = False
    is_recorded: bool = True


@dataclass(frozen=True, slots=True)
class Crossed:
    """A pause has crossed a resume by `user_id`, which can still be at Anchor (`is_running`): it is sent again."""

    user_id: str
    is_running: bool


@dataclass(slots=True, eq=False)
class RunningOrder:
    """An order in work. Times are monotonic, in seconds."""

    order: Order
    address: ReplyAddress
    given_at: float
    id: str = field(default_factory=order_id)
    state: State = State.SENT
    """That of the row that is adopted; of a new one, the first."""
    recorded: asyncio.Future[str | None] = field(init=False)
    """The id of the order that the database has with this trigger."""
    is_allowed: bool = False
    """Its person was found to be allowed to give it, and it is being sent."""
    offers_end: bool = False
    """Its workspace lets people end sessions."""
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
        return self.is_recorded and self.recorded.result() not in {None, self.id}

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
        left: set[asyncio.Future[Any]] = {self.recorded} if delivery is None else {self.recorded, delivery}
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while left and not self.is_recorded and not (delivery and delivery.done()):
                    _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        return self.is_recorded or (delivery is not None and delivery.done())

    def know(self, outcome: Outcome) -> None:
        """Let it have an outcome from now on."""
        self.outcome, self.settled_at = outcome, self.settled_at or time.monotonic()


def write_reply(order_id: str, address: ReplyAddress, version: str | None, cipher: FieldCipher) -> str | None:
    """Encrypt what an answer needs besides the ids, and the version that its person knew of; None if it is nothing."""
    clicked = None if address.clicked is None else dataclasses.asdict(address.clicked)
    if address.response_url is None and clicked is None and not address.message_url and version is None:
        return None
    url = address.response_url.reveal() if address.response_url else None
    fields = {"url": url, "clicked": clicked, "version": version, "message_url": address.message_url}
    return cipher.encrypt(Secret(json.dumps(fields)), FieldRef(order_id, _REPLY))


def read_reply(
    order_id: str, actor: Actor, thread_ts: str | None, text: str | None, cipher: FieldCipher
) -> tuple[ReplyAddress, str | None]:
    """Decrypt a reply address and a version. Text that no key decrypts counts as none."""
    try:
        reply = {} if text is None else json.loads(cipher.decrypt(text, FieldRef(order_id, _REPLY)).reveal())
    except UnreadableError:
        reply = {}
    url, clicked = reply.get("url"), reply.get("clicked")
    address = ReplyAddress(
        actor,
        Secret(url) if url else None,
        thread_ts,
        _read_clicked(clicked) if clicked else None,
        reply.get("message_url", ""),
    )
    return address, reply.get("version")


def _read_clicked(clicked: dict[str, Any]) -> ClickedMessage:
    content = clicked.pop("content")
    if content is None:
        return ClickedMessage(**clicked, content=None)
    return ClickedMessage(**clicked, content=MessageContent(content["text"], tuple(content["blocks"])))


def row_values(running: RunningOrder, owner: str, cipher: FieldCipher, *, trigger_id: str | None) -> dict[str, Any]:
    """Return the columns of a new row but for its times. An order without a trigger has its id for one."""
    order, actor = running.order, running.order.actor
    return {
        "id": running.id,
        "trigger_id": storable(trigger_id) or running.id,
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
        "reply": write_reply(running.id, running.address, order.expected_version, cipher),
        "owner": owner,
        "remind_after": UNKNOWN_AFTER if order.verb is Verb.PAUSE and order.source is not Source.DRILL else None,
    }


def read_row(row: Row, cipher: FieldCipher, now: float) -> RunningOrder:
    """Return the order of a row, without `recorded`; `now` is the database's time.

    Raises ValueError, TypeError, OverflowError or OSError for an odd one, also with a time that no calendar has.
    """
    actor = Actor(row.team_id, row.channel_id, row.user_id, row.home_team_id)
    address, version = read_reply(row.id, actor, row.thread_ts, row.reply, cipher)
    if address.clicked and address.clicked.ts == address.thread_ts:
        address = replace(address, thread_ts=None)  # a failure goes to the channel
    order = Order(
        verb=Verb(row.verb),
        session_id=SessionId(row.session_id),
        actor=actor,
        reason=row.reason,
        trigger_id=None if row.trigger_id == row.id else row.trigger_id,
        source=Source(row.source),
        expected_version=version,
        batch_id=row.batch_id or "",
    )
    datetime.fromtimestamp(row.given_at, UTC)
    running = RunningOrder(order, address, time.monotonic() - max(0.0, now - row.given_at), row.id, State(row.state))
    if row.outcome is not None:
        try:
            running.know(read_outcome(row.outcome, row.outcome_fields))
        except UnreadableError:
            running.know(Broken(""))
    return running


def audit_row(running: RunningOrder, given_at: float, at: float, outcome: str) -> AuditRow:
    """Return the row of the audit trail about an order that has ended; the times are the database's."""
    order, actor = running.order, running.order.actor
    what = running.id, actor.team_id, order.verb.value, order.source.value, order.session_id, actor.channel_id
    return row_of_order((*what, order.batch_id, actor.user_id, given_at, at, outcome))


def write_outcome(outcome: Outcome) -> tuple[str, str]:
    """Return the name of the outcome's type, and its fields as JSON."""
    fields = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    return name_of(outcome), json.dumps(fields, default=sorted)


def read_outcome(name: str, fields: str) -> Outcome:
    """Decode an outcome. Raises UnreadableError for one of another version of the bot."""
    try:
        read, outcome_type = json.loads(fields), _TYPES.get(name) or Refusal
        hints = _hints_of(outcome_type)
        return outcome_type(**{key: _as_field(hints[key], value) for key, value in read.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError(f"this version cannot read the outcome {name}") from None


def _as_field(hint: object, value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    """Return the value of a field: JSON has no enums and no sets."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return frozenset(value) if get_origin(hint) is frozenset else value


def in_sequence(outcome: Outcome, running: RunningOrder, look: Row, given_at: float) -> Outcome:
    """Return the outcome beside the other orders of the session: that in doubt if an opposite one still can act."""
    is_paused, is_other = look.outcome == Paused.__name__, look.user_id != running.order.actor.user_id
    is_pause = running.order.verb is Verb.PAUSE
    if isinstance(outcome, Paused | Resumed) and (look.doubts or (look.running and is_pause)):
        return Unconfirmed(Doubt.OVERTAKEN)
    is_further = is_other or running.order.source is Source.ALERT or look.last_given_at < given_at - REPEATED
    if isinstance(outcome, Paused) and is_paused and is_further:
        return replace(outcome, earlier_by=look.user_id, earlier_at=look.last_given_at)
    if isinstance(outcome, RateLimited) and is_pause and is_paused and look.settled_at >= given_at:
        return Paused(earlier_by=look.user_id, earlier_at=look.last_given_at)
    return outcome


def marks_of(running: RunningOrder, outcome: Outcome | None) -> Marks:
    """Return the sessions whose cards can be out of date after an order: none after most refusals."""
    order = running.order
    is_shown = running.is_allowed or order.source is Source.ALERT or bool(order.batch_id)
    if isinstance(outcome, Refusal) and not is_shown:
        return {}
    clicked = running.address.message_ts
    marks = {running.session: frozenset({clicked} if clicked else ())}
    # a message counts what its sender's alerts did not pause
    is_held = isinstance(outcome, Refusal) and outcome.why is Why.HELD_BACK
    others = [order.batch_id] if order.batch_id else [order.actor.user_id] if is_held else []
    return marks | {(order.actor.team_id, SessionId(one)): frozenset() for one in others}
