"""The Bolt app, and its one entry point for every transport."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.error import BoltUnhandledRequestError

from bot.core.fields import objects_in, text_field
from bot.core.requests import ReplyAddress, request_age
from bot.core.session_ids import Found, find_session_id
from bot.health import Metrics
from bot.inbound.slack.payload import read_address, read_time
from bot.inbound.slack.router import Ack, Request, Router
from bot.messages.blocks import Message
from bot.messages.results import unknown_action_message, unknown_command_message
from bot.messages.settings import answer_view
from bot.outbound.slack.clock import SlackClock
from bot.outbound.store.errors import StoreError
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery
from bot.usecases.incidents import report
from bot.usecases.modals import Modals
from bot.usecases.orders import Orders
from bot.usecases.queue import FairQueue

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 64  # requests that Bolt gets: one person's do not hold up those of others
MOST_TASKS = 150_000  # three for each unfinished order, and for each result


@dataclass(eq=False)
class SlackApp:
    """Dispatcher of validated payloads to the listeners of `router`.

    An ack waits for an outcome until its request is `ack_wait` seconds old. With `most_tasks` under way, requests fail.
    """

    router: Router
    orders: Orders
    delivery: MessageDelivery
    modals: Modals
    tasks: Tasks
    slack_clock: SlackClock
    metrics: Metrics
    ack_wait: float
    most_tasks: int

    def __post_init__(self) -> None:
        self._queue = FairQueue(most=_MOST_AT_ONCE, most_each=_MOST_AT_ONCE)

    async def dispatch(
        self,
        payload: dict[str, Any],
        *,
        received_at: float,
        timestamp: float | None = None,
        standstill: float = 0.0,
        may_be_old: bool = False,
    ) -> Ack:
        """Handle a payload.

        `received_at` is the monotonic time of its first byte, `timestamp` Slack's of the HTTP request (Unix seconds),
        and `standstill` how many seconds the payload can have waited for this process. `may_be_old` says that Slack
        can have sent it to another process before.
        """
        address = read_address(payload)
        async with self._queue.turn(address.actor.person) as why_not:
            if why_not is not None or len(self.tasks) >= self.most_tasks:
                return Ack(status=503)  # Slack sends an event again, and tells a person of a command or click
        sent_at, resolution = read_time(payload, timestamp)
        slack_now, now = self.slack_clock(), time.monotonic()
        least, most = request_age(now=slack_now, timestamp=sent_at, resolution=resolution, standstill=standstill)
        given_at, began = min(received_at, now - most), min(received_at, now - least)
        work = (self.ack_wait, self.tasks, self.delivery)
        ack = await self._run(payload, Request(payload, address, least, given_at, *work, may_be_old=may_be_old))
        kind = "command" if "command" in payload else "event" if "event" in payload else str(payload.get("type"))
        self.metrics.acknowledged(kind, ack.status, time.monotonic() - began)
        return ack

    async def _run(self, payload: dict[str, Any], request: Request) -> Ack:
        address = request.address
        try:
            bolt_request = AsyncBoltRequest(body=payload, mode="socket_mode", context={"request": request})
            await self.router.bolt.async_dispatch(bolt_request)
        except BoltUnhandledRequestError:
            return self._answer(payload, address, _unknown(payload))
        except StoreError as error:
            _log.error("database error; event not handled, Slack sends it again", extra={"why": str(error)})
            return Ack(status=503)
        except Exception as error:  # noqa: BLE001 - reported to the person; an event is sent again
            message = report(error)
            return Ack(status=503) if "event" in payload else self._answer(payload, address, message)
        return request.ack

    def ack_sent(self, ack: Ack) -> None:
        """Record that the result of an order was sent in the ack."""
        if ack.order is not None:
            self.orders.told(ack.order)

    def deliver_lost_ack(self, payload: dict[str, Any], ack: Ack) -> None:
        """Deliver a lost message through the response_url, unless it only announces one, or a view in its modal."""
        if ack.view is not None:
            actor, view_id = read_address(payload).actor, payload["view"]["id"]
            self.tasks.start(self.modals.update_after_ack(actor, view_id, ack.view))
        elif ack.order is not None:
            self.tasks.start(self.orders.deliver(ack.order, read_address(payload)))
        elif ack.message is not None and not ack.is_announcement:
            self.tasks.start(self.delivery.deliver(read_address(payload), ack.message))

    def _answer(self, payload: dict[str, Any], address: ReplyAddress, message: Message | None) -> Ack:
        if message is not None and "command" in payload:
            return Ack(message)
        if message is not None and payload.get("type") == "view_submission":
            return Ack(view=answer_view("Something broke", message.text))
        if message is not None and "response_url" in payload:
            self.tasks.start(self.delivery.deliver(address, message))
        return Ack()


def _unknown(payload: dict[str, Any]) -> Message | None:
    if "command" in payload:
        return unknown_command_message(str(payload["command"]))
    if payload.get("type") == "message_action":
        return unknown_action_message()
    if "actions" not in payload:
        return None
    action = payload["actions"][0]
    if _has_link(payload.get("message"), text_field(action, "action_id")):
        return None
    found = find_session_id(text_field(action, "value"))
    return unknown_action_message(found.session_id if isinstance(found, Found) else None)


def _has_link(message: object, action_id: str) -> bool:
    # Slack reports its click: https://docs.slack.dev/reference/block-kit/block-elements/button-element
    return any(one.get("action_id") == action_id and one.get("url") for one in objects_in(message))
