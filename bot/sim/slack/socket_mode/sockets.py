"""All websockets of the app, and what tests do to them."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Literal, cast

from aiohttp import web

from bot.sim.fault_injection import inject_fault
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.platform import Platform
from bot.sim.slack.socket_mode.connection import HOST, Connection
from bot.sim.slack.socket_mode.envelopes import Envelope, Envelopes
from bot.sim.slack.socket_mode.links import Links

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
    seeded random.Random. `ping_interval` (seconds) is that of connections yet to come.
    """

    def __init__(self, platform: Platform, app_id: str, origin: Callable[[], str]) -> None:
        self.enabled = self.claims_off = False
        self.choose: Choice = in_turn()
        self.ping_interval = 10.0
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
        if self.count == MOST:
            await connection.send(_disconnect("too_many_websockets"))
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
        return await self.deliver(Envelope.of(kind, payload, accepts_response_payload=accepts_response_payload))

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
        pinging = asyncio.create_task(connection.keep_pinging(self.ping_interval))
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
