"""The orders of a measure, and the check of all that became of them."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Any

from bench.people import Card, Person

_MOST_PROBLEMS = 5  # that are named
_LONGEST_QUOTE = 100
_VERDICT = "Paused"


@dataclass(slots=True, eq=False)
class Order:
    """A command, or a click on a card; times are those of `perf_counter`, 0.0 until it happened.

    `message_at`: the ack with the result has arrived, or Slack has processed the call of the response_url. `card_at`:
    Slack has processed the update of the card with the result, which an order that `ends_with_card` has, too.
    """

    number: int
    person: Person
    session: str
    done: asyncio.Future[None]
    card: Card | None = None
    ends_with_card: bool = False
    sent_at: float = 0.0
    acked_at: float = 0.0
    anchor_at: float = 0.0
    message_at: float = 0.0
    card_at: float = 0.0
    anchor_calls: int = 0
    messages: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether all has come that is waited for."""
        return bool(self.acked_at and self.message_at and (self.card_at or not self.ends_with_card))


class OrderBook:
    """The orders since the last `check`."""

    def __init__(self) -> None:
        self._next = 0
        self._orders: dict[int, Order] = {}
        self._by_session: dict[str, Order] = {}
        self._problems: list[str] = []

    def add(self, person: Person, card: Card | None = None, *, ends_with_card: bool = False) -> Order:
        """Return a new order: a command, or a click on a card."""
        self._next += 1
        session = card.session if card else str(uuid.uuid4())
        done = asyncio.get_running_loop().create_future()
        order = Order(self._next, person, session, done, card, ends_with_card)
        self._orders[order.number] = self._by_session[session] = order
        return order

    def by_number(self, number: str) -> Order | None:
        """Return the order with this number."""
        return self._orders.get(int(number)) if number.isdecimal() else None

    def by_session(self, session: str) -> Order | None:
        """Return the order for this session."""
        return self._by_session.get(session)

    def report(self, problem: str, order: Order | None = None) -> None:
        """Record a problem; the order is not waited for any longer."""
        self._problems.append(problem)
        if order is not None and not order.done.done():
            order.done.set_result(None)

    def acknowledge(self, order: Order, at: float, body: Any) -> None:  # noqa: ANN401 - JSON
        """Record the ack of an order; `body` is its JSON, None if it is empty."""
        order.acked_at = at
        if isinstance(body, dict) and not _is_announcement(body):
            self.show(order, body, at)
        elif body is not None and not isinstance(body, dict):
            self.report(f"the ack is {body!r}", order)
        _finish_complete(order)

    def update(self, ts: str, body: dict[str, Any], at: float) -> None:
        """Record the update of a card, which shows that the session is being paused, and then that it is paused."""
        order = next((one for one in self._orders.values() if one.card and one.card.ts == ts), None)
        if order is None:
            self.report(f"the message {ts} is updated, which nobody has clicked")
        elif _VERDICT in str(body.get("text")) and order.session in json.dumps(body):
            order.card_at = order.card_at or at
            _finish_complete(order)

    def show(self, order: Order, body: dict[str, Any], at: float) -> None:
        """Record a message, which has to say that the session is paused, or the update of a clicked one."""
        if order.card and body.get("replace_original") is True:
            self.update(order.card.ts, body, at)
            return
        if _VERDICT not in str(body.get("text")) or order.session not in json.dumps(body):
            self.report(f"the message is {str(body.get('text'))[:_LONGEST_QUOTE]!r}", order)
            return
        order.messages += 1
        order.message_at = order.message_at or at
        _finish_complete(order)

    def check(self) -> list[str]:
        """Return what went wrong with the orders, and forget them.

        Anchor must have had one call for each order, and each command must have one message.
        """
        orders = list(self._orders.values())
        calls = sum(order.anchor_calls for order in orders)
        wrong_calls = [order for order in orders if order.anchor_calls != 1]
        wrong_messages = [order for order in orders if not (order.messages == 1 or (order.card and order.messages))]
        problems = self._problems[:_MOST_PROBLEMS]
        if len(self._problems) > _MOST_PROBLEMS:
            problems.append(f"and {len(self._problems) - _MOST_PROBLEMS} more of these")
        if wrong_calls:
            problems.append(
                f"{len(orders)} orders, {calls} calls of Anchor, {len(wrong_calls)} orders without just one"
            )
        if wrong_messages:
            problems.append(f"{len(wrong_messages)} of {len(orders)} orders have no message or several")
        self._orders, self._by_session, self._problems = {}, {}, []
        return problems


def _is_announcement(body: dict[str, Any]) -> bool:
    """Return whether an ack says only that the result will come."""
    return body.get("response_type") == "ephemeral" and "Pausing" in str(body.get("text"))


def _finish_complete(order: Order) -> None:
    if order.is_complete and not order.done.done():
        order.done.set_result(None)
