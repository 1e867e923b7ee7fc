"""The orders of a measure, and the check of all that became of them."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Any

_MOST_PROBLEMS = 5  # that are named
_LONGEST_QUOTE = 100
_VERDICT = "Paused"


@dataclass(frozen=True, slots=True)
class Card:
    """An alert that the bot has posted, with the fields of the message."""

    session: str
    fields: dict[str, Any]


@dataclass(slots=True, eq=False)
class Order:
    """A command, or a click on a card; times are those of `perf_counter`, 0.0 until it happened.

    `message_at`: the ack with the result has arrived, or Slack has processed the call that shows it.
    """

    number: int
    person: str
    session: str
    done: asyncio.Future[None]
    card: Card | None = None
    sent_at: float = 0.0
    acked_at: float = 0.0
    anchor_at: float = 0.0
    message_at: float = 0.0
    anchor_calls: int = 0
    messages: int = 0


class OrderBook:
    """The orders since the last `check`. Each call finishes an order about which all is known."""

    def __init__(self) -> None:
        self._next = 0
        self._orders: dict[str, Order] = {}
        self._by_session: dict[str, Order] = {}
        self._problems: list[str] = []

    def add(self, person: str, card: Card | None = None) -> Order:
        """Return a new order: a command, or a click on a card."""
        self._next += 1
        session = card.session if card else str(uuid.uuid4())
        order = Order(self._next, person, session, asyncio.get_running_loop().create_future(), card)
        self._orders[str(order.number)] = self._by_session[session] = order
        return order

    def by_session(self, session: str) -> Order | None:
        """Return the order for this session."""
        return self._by_session.get(session)

    def report(self, problem: str, order: Order | None = None) -> None:
        """Record a problem; the order is not waited for any longer."""
        self._problems.append(problem)
        if order is not None and not order.done.done():
            order.done.set_result(None)

    def acknowledge(self, number: str, body: Any, at: float) -> None:  # noqa: ANN401 - JSON
        """Record the ack of an order; `body` is its JSON, None if it is empty."""
        order = self._orders.get(number)
        if order is not None:
            order.acked_at = at
            _finish(order)
        if body is not None and not (isinstance(body, dict) and "Pausing" in str(body.get("text"))):
            self.show(number, body, at)

    def show(self, number: str, body: Any, at: float) -> None:  # noqa: ANN401 - JSON
        """Record a message, which has to say that the session is paused. A card can say before that it is in work."""
        order = self._orders.get(number)
        is_verdict = isinstance(body, dict) and _VERDICT in str(body.get("text"))
        if order is not None and is_verdict and order.session in json.dumps(body):
            order.messages += 1
            order.message_at = order.message_at or at
            _finish(order)
        elif order is None or not order.card:
            self.report(f"the message of order {number} is {str(body)[:_LONGEST_QUOTE]!r}", order)

    def update(self, body: dict[str, Any], at: float) -> None:
        """Record the update of a card that was clicked."""
        for order in self._orders.values():
            if order.card and order.card.fields["ts"] == body["ts"]:
                self.show(str(order.number), body, at)

    def check(self) -> list[str]:
        """Return what went wrong with the orders, and forget them.

        Anchor must have had one call for each order, and each command must have one message.
        """
        orders = list(self._orders.values())
        calls = [order for order in orders if order.anchor_calls != 1]
        messages = [order for order in orders if not (order.messages == 1 or (order.card and order.messages))]
        problems = self._problems[:_MOST_PROBLEMS]
        problems += [f"{len(self._problems)} problems like these"] if len(self._problems) > _MOST_PROBLEMS else []
        problems += [f"{len(calls)} of {len(orders)} orders without just one call of Anchor"] if calls else []
        problems += [f"{len(messages)} of {len(orders)} orders without just one message"] if messages else []
        self._orders, self._by_session, self._problems = {}, {}, []
        return problems


def _finish(order: Order) -> None:
    if order.acked_at and order.message_at and not order.done.done():
        order.done.set_result(None)
