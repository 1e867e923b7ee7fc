"""The Bolt app: requests as listeners get them, their ack with its deadline, the router, and the route over HTTP."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar, assert_never

from aiohttp import web
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.error import BoltError, BoltUnhandledRequestError
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.response import BoltResponse

from bot.core.fields import Secret, objects_in, text_field
from bot.core.orders import Actor, ReplyAddress, request_age
from bot.core.session_ids import Found, find_session_id
from bot.inbound.http import (
    BODIES_CAPACITY,
    LARGEST_UNSIGNED,
    UNSIGNED_CAPACITY,
    Bodies,
    Rejected,
    RejectionLog,
    error_response,
)
from bot.inbound.slack.request import Check, ParsedRequest, read_address, read_time, verify_and_parse
from bot.inbound.slack.signature import TIMESTAMP, find_header_problem
from bot.messages.blocks import Message, as_response
from bot.messages.results import incident_message, unknown_message
from bot.messages.settings import Reply
from bot.metrics import Metrics
from bot.outbound.slack.web_api import SlackClock
from bot.outbound.store.errors import StoreError
from bot.outbound.store.running_orders import RunningOrder
from bot.runtime import Tasks, log_incident
from bot.usecases.orders import Orders
from bot.usecases.results import MessageDelivery
from bot.usecases.views import Modals

_log = logging.getLogger(__name__)

MOST_TASKS = 150_000  # three for each unfinished order, and for each result
ACK_WAIT = 2.0  # the age of a request, in seconds, until which its ack waits for the outcome. Slack waits 3.

_SPARE = 0.5  # seconds after `ack_wait` until which an ack is sent: a later one can get lost, and the outcome with it

_LEAST_WAIT = 0.5  # seconds for an order to be recorded that came late, so that its ack is late anyway

_T = TypeVar("_T")


@dataclass(slots=True)
class Ack:
    """The answer to a payload, set by the listener: empty, a message, or a `reply` in the submitted modal `name`.

    Listeners do not pass it to Bolt's `ack`: Socket Mode would have to parse Bolt's JSON again. A `status` of 503
    makes Slack send an event again, and show a warning at a clicked button. An announcement says that the result comes
    later. Otherwise a message about an order is its result.
    """

    message: Message | None = None
    reply: Reply | None = None
    name: str = ""
    status: int = 200
    is_announcement: bool = False
    order: RunningOrder | None = None

    def json(self) -> dict[str, Any] | None:
        """Return the JSON; None if it is empty."""
        if self.message is not None:
            return as_response(self.message)
        return None if self.reply is None else self.reply.response(self.name)


@dataclass(frozen=True, slots=True)
class Request:
    """A payload, and how its person is answered.

    `age` is how many seconds old it is at least, `given_at` the earliest monotonic time at which it was given.
    `may_be_old` says that it can be minutes old in spite of that. The ack waits for an outcome until the request is
    `ack_wait` seconds old.
    """

    payload: Mapping[str, Any]
    address: ReplyAddress
    age: float
    given_at: float
    ack_wait: float
    tasks: Tasks
    delivery: MessageDelivery
    may_be_old: bool = False
    ack: Ack = field(default_factory=Ack)

    @property
    def actor(self) -> Actor:
        """The person."""
        return self.address.actor

    @property
    def trigger_id(self) -> str:
        """Slack's id of what the person did, which opens one modal within 3 seconds; "" if Slack sent none."""
        return self.payload.get("trigger_id") or ""

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Do some work behind the ack. The person is told of an exception."""
        self.tasks.start(self._do(work))

    async def now_or_later(self, work: Coroutine[Any, Any, _T], later: Callable[[_T], Awaitable[object]]) -> _T | None:
        """Return the result of `guarded` work if the ack can carry and show it. Else return None: `later` gets it."""
        working = self.tasks.start(work)
        if not self.may_be_old and await self.is_done_in_time(working):
            return working.result()

        async def follow() -> None:
            await later(await working)

        self.start(follow())
        return None

    async def is_done_in_time(self, work: asyncio.Task[Any]) -> bool:
        """Wait for `work`. Return whether the ack can carry its result."""
        ends = self.given_at + self.ack_wait
        await asyncio.wait({work}, timeout=max(0.0, ends - time.monotonic()))
        return work.done() and time.monotonic() < ends + _SPARE

    async def is_safe_in_time(self, running: RunningOrder, delivery: asyncio.Task[None] | None = None) -> bool:
        """Wait until the end of the process would not lose the order or its result. Return whether that is so."""
        left = self.given_at + self.ack_wait + _SPARE - time.monotonic()
        return await running.is_safe(delivery, within=max(_LEAST_WAIT, left))

    async def _do(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - reported to the person
            await self.delivery.deliver(self.address, incident_message(log_incident(error)))


async def guarded(work: Awaitable[_T], instead: Callable[[Message], _T]) -> _T:
    """Return the result, or after an exception what `instead` makes of the message about it."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - reported to the person
        return instead(incident_message(log_incident(error)))


Listener = Callable[["Request"], Awaitable[None]]


class Router(AsyncMiddleware):
    """The listeners of a Bolt app: by slash command, `action_id`, `callback_id` of views and shortcuts, event type.

    It is the first middleware of the app, and the only one: Bolt would ask each listener in turn whether it matches.
    """

    def __init__(self) -> None:
        self.bolt = _BoltApp(
            name="slack_bolt.app",
            logger=logging.getLogger("slack_bolt"),
            before_authorize=self,
            authorize=_refuse,
            request_verification_enabled=False,  # bot.inbound.slack.request does these three
            ssl_check_enabled=False,
            url_verification_enabled=False,
            ignoring_self_events_enabled=False,
            attaching_function_token_enabled=False,
        )
        self.bolt.error(_refuse)
        self._listeners: dict[tuple[str, str], Listener] = {}

    def add(self, kind: str, *names: str, listener: Listener) -> None:
        """Let a listener handle payloads of a kind with these names."""
        self._listeners |= {(kind, name): listener for name in names}

    async def async_process(self, *, req: AsyncBoltRequest, resp: BoltResponse, **_: object) -> BoltResponse:
        """Let the listener handle the payload. Raises BoltUnhandledRequestError if there is none."""
        listener = self._listeners.get(_name_of(req.body))
        if listener is None:
            raise BoltUnhandledRequestError(request=req, current_response=resp)
        await listener(req.context["request"])
        return resp


class _BoltApp(AsyncApp):
    """A Bolt app without a client for each request: no listener uses it."""

    def _init_context(self, req: AsyncBoltRequest) -> None:
        pass


_KINDS = {
    "block_actions": "action",
    "interactive_message": "attachment_action",
    "message_action": "message_shortcut",
    "shortcut": "global_shortcut",
    "view_submission": "view",
}
"""By the type of a payload. https://docs.slack.dev/interactivity/handling-user-interaction#payloads"""


def _name_of(payload: dict[str, Any]) -> tuple[str, str]:
    if "command" in payload:
        return "command", payload["command"]
    if "event" in payload:
        return "event", payload["event"]["type"]
    kind = _KINDS.get(payload.get("type", ""), "")
    if kind == "action":
        return kind, text_field(payload.get("actions", ({},))[0], "action_id")
    return kind, text_field(payload["view"] if kind == "view" else payload, "callback_id")


async def _refuse(error: Exception | None) -> NoReturn:
    """Leave every error to `SlackApp.dispatch`, and authorize no payload: the router handles all before."""
    raise error or BoltError


@dataclass(eq=False, repr=False)
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

    async def dispatch(
        self, payload: dict[str, Any], *, received_at: float, timestamp: float | None = None, may_be_old: bool = False
    ) -> Ack:
        """Handle a payload.

        `received_at` is the monotonic time at which it can have come, `timestamp` Slack's of the HTTP request (Unix
        seconds). `may_be_old` says that Slack can have sent it to another process before: it shows no message of its
        ack, since its person has seen an error.
        """
        address = read_address(payload)
        if len(self.tasks) >= self.most_tasks:
            return Ack(status=503)  # Slack sends an event again, and tells a person of a command or click
        sent_at, resolution = read_time(payload, timestamp)
        slack_now, now = self.slack_clock(), time.monotonic()
        least, most = request_age(now=slack_now, timestamp=sent_at, resolution=resolution, waited=now - received_at)
        given_at, began = min(received_at, now - most), min(received_at, now - least)
        work = (self.ack_wait, self.tasks, self.delivery)
        ack = await self._run(payload, Request(payload, address, least, given_at, *work, may_be_old=may_be_old))
        self.metrics.took(time.monotonic() - began, "ack", str(ack.status))
        if may_be_old and ack.message is not None:
            self.deliver_lost_ack(payload, ack)
            return Ack()
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
            message = incident_message(log_incident(error))
            return Ack(status=503) if "event" in payload else self._answer(payload, address, message)
        return request.ack

    def ack_sent(self, ack: Ack) -> None:
        """Record that the result of an order was sent in the ack."""
        if ack.order is not None:
            self.orders.told(ack.order)

    def deliver_lost_ack(self, payload: dict[str, Any], ack: Ack) -> None:
        """Deliver a lost message through the response_url, unless it only announces one, or a view in its modal."""
        if ack.reply is not None and not ack.reply.fields:
            actor, view_id = read_address(payload).actor, payload["view"]["id"]
            self.tasks.start(self.modals.update_after_ack(actor, view_id, ack.reply.view(ack.name)))
        elif ack.order is not None:
            self.tasks.start(self.orders.deliver(ack.order, read_address(payload)))
        elif ack.message is not None and not ack.is_announcement:
            self.tasks.start(self.delivery.deliver(read_address(payload), ack.message))

    def _answer(self, payload: dict[str, Any], address: ReplyAddress, message: Message | None) -> Ack:
        if message is not None and "command" in payload:
            return Ack(message)
        if message is not None and payload.get("type") == "view_submission":
            return Ack(reply=Reply("Incident", message.text), name=text_field(payload["view"], "callback_id"))
        if message is not None and "response_url" in payload:
            self.tasks.start(self.delivery.deliver(address, message))
        return Ack()


def _unknown(payload: dict[str, Any]) -> Message | None:
    if "command" in payload:
        return unknown_message(str(payload["command"]))
    if payload.get("type") == "message_action":
        return unknown_message()
    if "actions" not in payload:
        return None
    action = payload["actions"][0]
    if _has_link(payload.get("message"), text_field(action, "action_id")):
        return None
    found = find_session_id(text_field(action, "value"))
    return unknown_message(session_id=found.session_id if isinstance(found, Found) else None)


def _has_link(message: object, action_id: str) -> bool:
    # Slack reports its click: https://docs.slack.dev/reference/block-kit/block-elements/button-element
    return any(one.get("action_id") == action_id and one.get("url") for one in objects_in(message))


class SlackRoute:
    """The route of Slack's requests over HTTP, signed with one of `secrets`. `now` gives Unix seconds."""

    def __init__(self, slack_app: SlackApp, secrets: Sequence[Secret], now: Callable[[], float]) -> None:
        self._slack_app = slack_app
        self._secrets = secrets
        self._now = now
        self._rejections = RejectionLog()
        self._bodies = Bodies(capacity=BODIES_CAPACITY - UNSIGNED_CAPACITY)
        self._unsigned = Bodies(largest=LARGEST_UNSIGNED, capacity=UNSIGNED_CAPACITY)

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/slack/events", self.slack_events)]

    async def slack_events(self, request: web.Request) -> web.Response:
        """Answer a command, interaction or event of Slack."""
        received_at = time.monotonic()
        try:
            return await self._answer(request, await self._parse(request), received_at)
        except Exception as error:  # noqa: BLE001 - Slack needs a 200, and the person an incident id
            return web.json_response(as_response(incident_message(log_incident(error))))

    async def _parse(self, request: web.Request) -> ParsedRequest:
        problem = find_header_problem(request.headers, now=self._now())
        body = await (self._unsigned if problem else self._bodies).read(request)
        if isinstance(body, Rejected):
            return Rejected(401, problem) if problem and body.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else body
        return verify_and_parse(body, request.headers, secrets=self._secrets, now=self._now())

    async def _answer(self, request: web.Request, parsed: ParsedRequest, received_at: float) -> web.Response:
        match parsed:
            case Rejected():
                self._rejections.record(parsed)
                return error_response(parsed)
            case Check(answer=body):
                return web.Response() if body is None else web.json_response(body)
            case dict():
                timestamp = float(request.headers[TIMESTAMP])
                ack = await self._slack_app.dispatch(parsed, received_at=received_at, timestamp=timestamp)
                if request.transport is None:  # Slack waits no longer
                    self._slack_app.deliver_lost_ack(parsed, ack)
                else:
                    self._slack_app.ack_sent(ack)
                body = ack.json()
                return web.Response(status=ack.status) if body is None else web.json_response(body)
            case _:
                assert_never(parsed)
