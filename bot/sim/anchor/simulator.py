"""The simulated Anchor: its API over HTTP, with everything it received on record."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Self

from aiohttp import web

from bot.sim.anchor.received import END_ALL, Received, find_target
from bot.sim.anchor.session import Session, SessionState
from bot.sim.anchor.sessions import DEFAULT_KEY, Reply, Sessions, Unknowns, error
from bot.sim.change_event import ChangeEvent
from bot.sim.fault_injection import inject_fault
from bot.sim.faults import Fault, Faults, ResetBeforeReading
from bot.sim.local_server import LocalServer

_EVERYWHERE, _READS, _ORDERS = "everywhere", "reads", "orders"
_COOKIE = {"Set-Cookie": "anchor_sticky=sim; Path=/; HttpOnly"}


class SimAnchor:
    """Anchor on 127.0.0.1: `requests` in order of arrival, `violations` by clients, one `fault` at a time.

    `change_event` reports every request and answer; `unknowns` are what its documents leave open. Who asks it to end
    all sessions gets an AssertionError at the end.
    """

    def __init__(self, *, keys: Iterable[str] = (DEFAULT_KEY,)) -> None:
        self.requests: list[Received] = []
        self.violations: list[str] = []
        self.unknowns = Unknowns()
        self._sessions = Sessions(keys, self.unknowns)
        self._faults = Faults()
        self.change_event = ChangeEvent()
        routes = [web.route("*", "/{path:.*}", self._answer)]
        self._server = LocalServer(routes, resets=self._resets, headers=lambda: _COOKIE)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._server.release_port()
        if ended_all := [one for one in self.violations if END_ALL in one]:
            raise AssertionError(ended_all)

    async def start(self) -> None:
        """Listen; the port stays the same over stop and start."""
        await self._server.start()

    async def stop(self) -> None:
        """Drop everything at once; `url` stays, and connecting to it is refused."""
        await self._server.stop()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._server.port

    @property
    def url(self) -> str:
        """Scheme, host and port, to be used as Anchor's base URL."""
        return self._server.origin

    @property
    def fault(self) -> Fault | None:
        """The fault of every request from now on; None again after its `times`, of which reads use up none."""
        return self._faults[_EVERYWHERE]

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._faults[_EVERYWHERE] = fault

    @property
    def read_fault(self) -> Fault | None:
        """The fault of every request that reads, unless there is one of every request."""
        return self._faults[_READS]

    @read_fault.setter
    def read_fault(self, fault: Fault | None) -> None:
        self._faults[_READS] = fault

    @property
    def order_fault(self) -> Fault | None:
        """The fault of every pause, resume and end, unless there is one of every request."""
        return self._faults[_ORDERS]

    @order_fault.setter
    def order_fault(self, fault: Fault | None) -> None:
        self._faults[_ORDERS] = fault

    @property
    def is_up(self) -> bool:
        """Whether it can be connected to."""
        return self._server.is_listening

    def accepts(self, key: str) -> bool:
        """Whether this key is good."""
        return key in self._sessions.keys

    def add_key(self, key: str, *, team_of: str | None = None) -> None:
        """Accept this key from now on; it belongs to the team of the key `team_of`, or to a team of its own."""
        self._sessions.keys.add(key)
        if team_of is not None:
            self._sessions.teams[key] = self._sessions.teams.setdefault(team_of, team_of)

    def revoke(self, key: str) -> None:
        """Answer this key with 401 from now on."""
        self._sessions.keys.discard(key)

    def add_session(
        self,
        *,
        key: str = DEFAULT_KEY,
        session_id: str | None = None,
        state: SessionState = SessionState.RUNNING,
        **details: Any,  # noqa: ANN401 - any field of Session
    ) -> str:
        """Add a session of `key` and return its id; ValueError for an unknown key. `details` are fields of Session."""
        return self._sessions.add(key, session_id, state, details).session_id

    def forget_session(self, session_id: str) -> Session:
        """Answer from now on that there is no such session; return it."""
        return self._sessions.remove(session_id)

    def session(self, session_id: str) -> Session:
        """Return the session; its fields may be set."""
        return self._sessions[session_id]

    @property
    def orders(self) -> list[Received]:
        """The pauses, resumes and ends, in order of arrival."""
        return [one for one in self.requests if one.method != "GET"]

    def posts(self, session_id: str) -> list[Received]:
        """Return the pauses, resumes and ends asked for this session, in order of arrival."""
        return [one for one in self.orders if one.session_id == session_id]

    async def until(self, condition: Callable[[], object], *, within: float = 20.0) -> None:
        """Wait until `condition` is true, looked at after every request and answer; else TimeoutError."""
        await self.change_event.wait_for(condition, within, self._seen)

    def _seen(self) -> str:
        """Return the newest requests and the violations, as lines."""
        lines = [f"{one.method} {one.path}: {one.status}" for one in self.requests[-10:]]
        return "\n".join(["Anchor received:", *lines, *self.violations])

    def _resets(self) -> bool:
        return isinstance(self.fault, ResetBeforeReading) and self._faults.take(_EVERYWHERE) is not None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        received = await self._record(request)
        is_read = received.method == "GET"  # those of the bot come at any moment
        fault = self.fault if is_read else self._faults.take(_EVERYWHERE)
        if fault is None:
            fault = self._faults.take(_READS if is_read else _ORDERS)

        def handle() -> web.Response:
            reply = self._reply(received)
            return web.json_response(reply.body, status=reply.status)

        session = None if is_read else self._sessions.get(received.session_id)
        way = session.seconds / 2 if session else 0.0
        await asyncio.sleep(way)
        response = await inject_fault(fault, request, handle)
        await asyncio.sleep(way)
        received.status = response.status if response else None
        self.change_event.notify()
        return response or web.Response()

    async def _record(self, request: web.Request) -> Received:
        received = Received(
            method=request.method,
            path=request.path,
            key=request.headers.get("anchor-api-key"),
            headers=request.headers,
            body=await request.read(),
            target=find_target(request.method, request.path),
            query=request.query,
        )
        self.requests.append(received)
        self.violations.extend(received.mistakes())
        self.change_event.notify()
        return received

    def _reply(self, received: Received) -> Reply:
        target, key = received.target, received.key
        if target is None:
            return error(404, "Not found")
        if received.method != target.method:
            return error(405, "Method not allowed")
        if key is None or not self.accepts(key):
            return error(401, "Invalid API key")
        return self._execute(key, received, target.verb)

    def _execute(self, key: str, received: Received, verb: str) -> Reply:
        if verb == "list":
            return self._sessions.listing(key, received.query)
        if verb == "end all":
            return self._sessions.end_all(key)
        if received.session_id is None:
            return self._sessions.statuses(key)
        if verb == "get":
            return self._sessions.details(key, received.session_id)
        return self._sessions.order(key, received.session_id, verb)
