"""The Bolt app, and its one entry point for every transport."""

import logging
import time
from collections.abc import Iterable
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError

from bot.concurrency import Tasks
from bot.core.fields import objects_in, text_field
from bot.core.requests import ReplyAddress, request_age
from bot.core.session_ids import Found, find_session_id
from bot.inbound.slack.listener import Ack, RequestContext, Routes
from bot.inbound.slack.payload import read_address, read_time
from bot.messages.blocks import Message
from bot.messages.results import unknown_action_message, unknown_command_message
from bot.messages.settings import answer_view
from bot.metrics import OFF, Metrics
from bot.outbound.slack.clock import SlackClock
from bot.outbound.store.errors import StoreError
from bot.usecases.delivery import MessageDelivery
from bot.usecases.incidents import report
from bot.usecases.orders import Orders
from bot.usecases.queue import FairQueue

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 64  # requests that Bolt gets: one person's do not hold up those of others
MOST_TASKS = 150_000  # three for each unfinished order, and for each result

Payload = dict[str, Any]


class SlackApp:
    """Dispatcher of validated payloads to the listeners.

    An ack waits for an outcome until its request is `ack_wait` seconds old. With `most_tasks` under way, requests fail.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - collaborators
        self,
        tables: Iterable[Routes],
        orders: Orders,
        delivery: MessageDelivery,
        tasks: Tasks,
        slack_clock: SlackClock,
        metrics: Metrics = OFF,
        *,
        ack_wait: float,
        most_tasks: int = MOST_TASKS,
    ) -> None:
        self._orders = orders
        self._delivery = delivery
        self._tasks = tasks
        self._slack_clock = slack_clock
        self._metrics = metrics
        self._ack_wait = ack_wait
        self._most_tasks = most_tasks
        self._queue = FairQueue(most=_MOST_AT_ONCE, most_each=_MOST_AT_ONCE, is_urgent=True)
        self._bolt = AsyncApp(
            name="slack_bolt.app",
            logger=logging.getLogger("slack_bolt"),
            authorize=_authorize,
            process_before_response=True,  # with the default, Bolt polls for every ack
            raise_error_for_unhandled_request=True,
            request_verification_enabled=False,  # bot.inbound.slack.request does these three
            ssl_check_enabled=False,
            url_verification_enabled=False,
        )
        self._bolt.error(_raise)
        for routes in tables:
            self._register(routes)

    def _register(self, routes: Routes) -> None:
        for name, listener in routes.commands.items():
            self._bolt.command(name)(listener)
        for name, listener in routes.actions.items():
            self._bolt.block_action(name)(listener)  # `action` would match legacy attachments as well
        for name, listener in routes.attachment_actions.items():
            self._bolt.attachment_action(name)(listener)
        for name, listener in routes.message_shortcuts.items():
            self._bolt.message_shortcut(name)(listener)
        for name, listener in routes.views.items():
            self._bolt.view(name)(listener)
        for name, listener in routes.events.items():
            self._bolt.event(name)(listener)
        for name, listener in routes.global_shortcuts.items():
            self._bolt.global_shortcut(name)(listener)

    async def dispatch(
        self,
        payload: Payload,
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
            if why_not is not None or len(self._tasks) >= self._most_tasks:
                return Ack(status=503)  # Slack sends an event again, and tells a person of a command or click
        sent_at, resolution = read_time(payload, timestamp)
        if timestamp is not None:
            self._slack_clock.accept_signed()
        if sent_at is not None and not self._slack_clock.is_certain:
            sent_at, may_be_old = None, True
        age = request_age(now=self._slack_clock(), timestamp=sent_at, resolution=resolution, standstill=standstill)
        now = time.monotonic()
        given_at, began = min(received_at, now - age.most), min(received_at, now - age.least)
        request = RequestContext(address, age.least, given_at, Ack(), self._ack_wait, may_be_old=may_be_old)
        ack = await self._run(payload, request)
        self._metrics.acknowledged(_kind(payload), ack.status, time.monotonic() - began)
        return ack

    async def _run(self, payload: Payload, request: RequestContext) -> Ack:
        """Let Bolt call the listener, and return the ack; handle every exception of it."""
        address = request.address
        context = {"request": request, "installed_team": address.actor.team_id}
        try:
            await self._bolt.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode", context=context))
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
            self._orders.told(ack.order)

    def deliver_lost_ack(self, payload: Payload, ack: Ack) -> None:
        """Deliver the message of a lost ack through the response_url, unless it only announces one."""
        if ack.order is not None:
            self._tasks.start(self._orders.deliver(ack.order, read_address(payload)))
        elif ack.message is not None and not ack.is_announcement:
            self._tasks.start(self._delivery.deliver(read_address(payload), ack.message))

    def _answer(self, payload: Payload, address: ReplyAddress, message: Message | None) -> Ack:
        """Answer without a listener: a command or a modal in its ack, an interaction through its response_url."""
        if message is not None and "command" in payload:
            return Ack(message)
        if message is not None and payload.get("type") == "view_submission":
            view = answer_view("Something broke", message.text).as_json()
            return Ack(fields={"response_action": "update", "view": view})
        if message is not None and "response_url" in payload:
            self._tasks.start(self._delivery.deliver(address, message))
        return Ack()


def _kind(payload: Payload) -> str:
    return "command" if "command" in payload else "event" if "event" in payload else str(payload.get("type"))


def _unknown(payload: Payload) -> Message | None:
    """Return the message for a payload without a listener; events and links get none."""
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
    """Return whether a message has a button that opens a URL. Slack reports its click like any other.

    https://docs.slack.dev/reference/block-kit/block-elements/button-element
    """
    return any(one.get("action_id") == action_id and one.get("url") for one in objects_in(message))


async def _authorize(enterprise_id: str | None, installed_team: str) -> AuthorizeResult:
    """Accept every payload, without a token: no listener uses Bolt's own client.

    The use cases check whether the workspace is served. Bolt would fall back to the person's own team, so the
    installing team comes from our payload reader.
    """
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=installed_team, bot_token="")


async def _raise(error: Exception) -> None:
    """Leave every error to `dispatch`."""
    raise error
