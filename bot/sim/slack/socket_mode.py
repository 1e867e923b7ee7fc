"""Socket Mode: the connections of the app, and the envelopes that go over them."""

import asyncio
import contextlib
import itertools
import json
import secrets
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast
from urllib.parse import urlencode

from aiohttp import web

from bot.sim.faults import inject_fault, reset
from bot.sim.local_server import black_hole
from bot.sim.slack.content import json_object
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.platform import Platform, Timing
from bot.sim.slack.rules import Rule, Violation

HOST = "applink-7fc4fdbb64-4x5xq"
_PING_INTERVAL = 10.0  # seconds


class Connection:
    """Sends frames. Whatever gets lost on the way is lost in silence, as Slack does not wait for it either."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport, timing: Timing) -> None:
        self._socket = socket
        self._transport = transport
        self._timing = timing
        self.is_black_hole = False
        self.is_dropped = False

    async def send(self, frame: Mapping[str, object] | str) -> None:
        """Send a text frame, JSON unless it is a text already."""
        await self._timing.travel_to_app()
        if not self.is_black_hole:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def keep_pinging(self) -> None:
        """Send a ping again and again, as Slack does; whether there is a pong does not matter."""
        while True:
            await asyncio.sleep(_PING_INTERVAL)
            if not self.is_black_hole:
                with contextlib.suppress(ConnectionError):
                    await self._socket.ping(f"Ping from {HOST}".encode())

    async def close(self) -> None:
        """Send a close frame, and wait a while for the app's."""
        await self._socket.close()

    def black_hole(self) -> None:
        """Become a black hole: bytes are still accepted, but nothing is read, answered or sent any more."""
        self.is_black_hole = True
        black_hole(self._transport)

    def drop(self) -> None:
        """Reset the connection (TCP RST); what the app has sent and Slack has not read yet is lost."""
        self.is_dropped = True
        reset(self._transport)


# Envelopes, and the acks that come back for them over whichever connection.
#
# An envelope whose connection ends without an ack is delivered again over another one. A command or an action is then
# the very same envelope. An event is a retry: the same event in a new envelope.


@dataclass(frozen=True, slots=True)
class Envelope:
    """A delivery: a payload of some kind, such as slash_commands or interactive."""

    kind: str
    payload: Mapping[str, object]
    accepts_response_payload: bool
    envelope_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    retry_attempt: int = 0  # of an event

    @property
    def frame(self) -> str:
        """The JSON text that goes over the websocket."""
        retry = {"retry_attempt": self.retry_attempt, "retry_reason": "timeout" if self.retry_attempt else ""}
        return json.dumps(
            {
                "envelope_id": self.envelope_id,
                "type": self.kind,
                "accepts_response_payload": self.accepts_response_payload,
                **(retry if self.is_event else {}),
                "payload": self.payload,
            }
        )

    @property
    def is_event(self) -> bool:
        """Whether it is an event, the only kind that has retries."""
        return self.kind == "events_api"

    def again(self) -> "Envelope":
        """Return what Slack sends if there was no ack."""
        if not self.is_event:
            return self
        return replace(self, envelope_id=str(uuid.uuid4()), retry_attempt=self.retry_attempt + 1)


@dataclass(slots=True)
class Sent:
    """A delivery, repeated or not; the latest `envelope` went over the connection `over` at the time `at`."""

    envelope: Envelope
    answer: asyncio.Future[bytes]
    over: Connection
    at: float = field(default_factory=time.monotonic)
    deliveries: int = 1
    acks: int = 0


class Envelopes:
    """All that were sent. An ack that comes too late is dropped: the person has already seen an error."""

    def __init__(self) -> None:
        self._sent: dict[str, Sent] = {}

    def expect(self, envelope: Envelope, over: Connection) -> asyncio.Future[bytes]:
        """Return what the JSON of the ack's payload will be put into; empty if it has none."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._sent[envelope.envelope_id] = Sent(envelope, answer, over)
        return answer

    def unacknowledged(self) -> list[Sent]:
        """Return all for which no ack came, in the order in which they were sent."""
        return sorted((sent for sent in self._sent.values() if not sent.acks), key=lambda sent: sent.at)

    def again(self, sent: Sent, over: Connection) -> Envelope:
        """Return what to send over another connection; its ack counts for `sent`."""
        sent.envelope, sent.over, sent.at = sent.envelope.again(), over, time.monotonic()
        sent.deliveries += 1
        self._sent[sent.envelope.envelope_id] = sent
        return sent.envelope

    def acknowledge(self, frame: str) -> Iterator[Violation]:
        """Take a frame of the app's, and yield what is wrong with it."""
        ack = json_object(frame) or {}
        envelope_id = ack.get("envelope_id")
        if not isinstance(envelope_id, str):
            yield Violation(Rule.ACK_WITHOUT_ENVELOPE, f"{frame:.80}")
        elif envelope_id not in self._sent:
            yield Violation(Rule.ACK_UNKNOWN_ENVELOPE, envelope_id)
        else:
            yield from _settle(self._sent[envelope_id], ack.get("payload"))


def _settle(sent: Sent, payload: object) -> Iterator[Violation]:
    if payload and not sent.envelope.accepts_response_payload:
        yield Violation(Rule.ACK_PAYLOAD_NOT_ACCEPTED, f"{payload!r:.80}")
        payload = None
    sent.acks += 1
    if not sent.answer.done():
        sent.answer.set_result(json.dumps(payload).encode() if payload else b"")
    elif sent.acks > sent.deliveries and not sent.answer.cancelled():
        yield Violation(Rule.ACK_TWICE, sent.envelope.envelope_id)


# The URLs that apps.connections.open hands out: each is good for one connection, and not for long.

LIFETIME = 30.0  # seconds; Slack only says that it is short


class Links:
    """All that can still be used; `now` is Slack's time (Unix seconds)."""

    def __init__(self, origin: Callable[[], str], now: Callable[[], float]) -> None:
        self._origin = origin
        self._now = now
        self._expiry: dict[str, float] = {}

    def new_url(self, app_id: str) -> str:
        """Make a URL with a new ticket."""
        ticket = secrets.token_urlsafe(18)
        self._expiry[ticket] = self._now() + LIFETIME
        origin = self._origin().replace("http", "ws", 1)
        return f"{origin}/link/?{urlencode({'ticket': ticket, 'app_id': app_id})}"

    def redeem(self, ticket: str) -> bool:
        """Use a ticket up; False if it is unknown, used or too old."""
        return self._expiry.pop(ticket, 0.0) > self._now()


Reason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]
Choice = Callable[[Sequence[Connection]], Connection]

HANDSHAKE = "handshake"  # the endpoint, for its faults
MOST = 10  # connections of an app
MOST_BYTES = 20_480  # of a frame of the app's
WARNING = 10.0  # seconds between the warning and the close


class Sockets:
    """Socket Mode of the one app; `enabled` is the switch in its settings.

    With `claims_off` Slack says that it is off, whether or not it is: that was seen.
    `choose` picks the connection for each envelope: in turn, unless it is replaced, for instance by the `choice` of a
    seeded random.Random.
    """

    def __init__(self, platform: Platform, app_id: str, origin: Callable[[], str]) -> None:
        self.enabled = self.claims_off = False
        self.choose: Choice = in_turn()
        self._platform = platform
        self._app_id = app_id
        self._links = Links(origin, platform.clock.now)
        self._envelopes = Envelopes()
        self._open: list[Connection] = []
        self._acks_to_lose = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those which get envelopes, oldest first."""
        return tuple(self._open)

    @property
    def count(self) -> int:
        """Return the number of connections."""
        return len(self._open)

    def new_url(self) -> str:
        """Return where to connect, once and soon."""
        return self._links.new_url(self._app_id)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one connection until either side ends it."""
        if fault := self._platform.faults.take(HANDSHAKE):
            return await inject_fault(fault, request, _unavailable) or _unavailable()
        if not self._links.redeem(request.query.get("ticket", "")):
            return web.Response(status=403)  # not documented
        socket = web.WebSocketResponse(compress=False, max_msg_size=MOST_BYTES + 1)  # closes with 1009
        await socket.prepare(request)
        transport = cast("asyncio.BaseTransport", request.transport)  # prepare() would have failed without one
        connection = Connection(socket, transport, self._platform.timing)
        if self.count == MOST or not self.enabled:
            await connection.send(_disconnect("too_many_websockets" if self.enabled else "link_disabled"))
            await connection.close()
            return socket
        await self._hold(connection, socket)
        return socket

    async def deliver(self, envelope: Envelope) -> Answered:
        """Send an envelope over one connection, and wait for its ack over any."""
        began = time.monotonic()
        if not (self.enabled and self._open):
            return Answered(None, "dispatch_failed", 0.0)
        connection = self.choose(self.connections)
        expected = self._envelopes.expect(envelope, connection)
        self._start(connection.send(envelope.frame))
        try:
            async with asyncio.timeout(self._platform.timing.ack_deadline):
                body = await expected
        except TimeoutError:
            expected.cancel()
            return Answered(None, "operation_timeout", time.monotonic() - began)
        headers = {"Content-Type": "application/json"} if body else {}
        return Answered(200, None, time.monotonic() - began, body, headers)

    async def send(
        self, kind: str, payload: Mapping[str, object], *, accepts_response_payload: bool = False
    ) -> Answered:
        """Send an envelope of any kind, and wait for its ack."""
        return await self.deliver(Envelope(kind, payload, accepts_response_payload))

    async def disconnect(self, reason: Reason, *, only: Connection | None = None, after: float = WARNING) -> None:
        """Tell the app to reconnect, and close: at once, but `after` so many seconds for a warning.

        link_disabled is what turning Socket Mode off does, so that happens as well.
        """
        if reason == "link_disabled":
            self.enabled = False
        for connection in self._these(only):
            if reason != "warning":
                self._leave(connection)
            await connection.send(_disconnect(reason))
            self._start(self._close(connection, after if reason == "warning" else 0.0))

    def drop(self, only: Connection | None = None) -> None:
        """Reset connections (TCP RST), without a close frame."""
        for connection in self._these(only):
            self._leave(connection)
            connection.drop()

    def lose_acks(self, count: int = 1) -> None:
        """Reset a connection (TCP RST) when the next ack comes over it, which is lost; and so on, `count` times.

        The app then connects again, and gets the envelope once more.
        """
        self._acks_to_lose = count

    def black_hole(self, only: Connection | None = None) -> None:
        """Turn connections into black holes; they still get their share of envelopes, which are lost."""
        for connection in self._these(only):
            connection.black_hole()

    async def say(self, frame: str, only: Connection | None = None) -> None:
        """Send any text, however odd."""
        for connection in self._these(only):
            await connection.send(frame)

    async def stop(self) -> None:
        """Close nothing politely any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hold(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        self._open.append(connection)
        self._platform.change_event.notify()
        pinging = asyncio.create_task(connection.keep_pinging())
        try:
            await connection.send(_hello(self._app_id, self.count))
            self._start(self._redeliver())
            async for frame in socket:
                if isinstance(frame.data, str):
                    self._start(self._receive(connection, frame.data))
        finally:
            pinging.cancel()
            self._leave(connection)

    async def _redeliver(self) -> None:
        for sent in self._envelopes.unacknowledged():
            await asyncio.sleep(self._platform.timing.until_redelivery(sent.at))
            if self.enabled and self._open and not sent.acks and sent.over not in self._open:
                connection = self.choose(self.connections)
                self._start(connection.send(self._envelopes.again(sent, connection).frame))

    async def _receive(self, connection: Connection, frame: str) -> None:
        await self._platform.timing.travel_from_app()
        if self._acks_to_lose and not connection.is_dropped:
            self._acks_to_lose -= 1
            self.drop(connection)
        if not connection.is_dropped:
            self._platform.record(self._envelopes.acknowledge(frame))

    async def _close(self, connection: Connection, after: float) -> None:
        await asyncio.sleep(after)
        self._leave(connection)
        await connection.close()

    def _leave(self, connection: Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)
            self._platform.change_event.notify()

    def _these(self, only: Connection | None) -> Iterable[Connection]:
        return self.connections if only is None else (only,)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def in_turn() -> Choice:
    """Return a choice that goes round."""
    turns = itertools.count()
    return lambda connections: connections[next(turns) % len(connections)]


def _unavailable() -> web.Response:
    return web.Response(status=503)


def _hello(app_id: str, count: int) -> dict[str, object]:
    return {
        "type": "hello",
        "num_connections": count,
        "debug_info": {"host": HOST, "build_number": 10, "approximate_connection_time": 18060},
        "connection_info": {"app_id": app_id},
    }


def _disconnect(reason: Reason) -> dict[str, object]:
    if reason == "too_many_websockets":
        return {"type": "disconnect", "reason": reason}
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}
