"""The simulated Anchor: its server, the requests that it got, and its faults."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from bot.sim.anchor.session import DEFAULT_KEY, PARAMETERS, Reply, Session, Sessions, SessionState, Unknowns, error
from bot.sim.change_event import ChangeEvent
from bot.sim.faults import Answer, Fault, Faults, ResetBeforeReading, inject_fault
from bot.sim.local_server import LocalServer

# A request as it reached the simulated Anchor, and what a client should not have done in it.

END_ALL = "would end every session of the key"
_ROUTES: tuple[tuple[re.Pattern[str], str, str | None], ...] = (
    (re.compile(r"/v1/sessions"), "GET", "list"),
    (re.compile(r"/v1/sessions/all/status"), "GET", "statuses"),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)/agent/(?P<verb>pause|resume)"), "POST", None),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)/agent/status"), "GET", "agent status"),
    (re.compile(r"/v1/sessions/all"), "DELETE", "end all"),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)"), "GET", "get"),
    (re.compile(r"/v1/sessions/(?P<id>[^/]+)"), "DELETE", "end"),
)
_PARAMETERS = {"list": PARAMETERS, "statuses": frozenset({"tags", "created_from"})}


@dataclass(frozen=True, slots=True)
class Target:
    """The meaning of a path; `verb` is an order or names a read; it needs `method`."""

    verb: str
    method: str
    session_id: str | None


def find_target(method: str, path: str) -> Target | None:
    """Read a path of the API, with the method if it has that; None for one that the API does not have."""
    for pattern, needed, verb in sorted(_ROUTES, key=lambda route: route[1] != method):
        if match := pattern.fullmatch(path):
            groups = match.groupdict()
            return Target(verb or groups["verb"], needed, groups.get("id"))
    return None


@dataclass(slots=True)
class Received:
    """One request; `status` is filled in when it was answered and stays None when it never was."""

    method: str
    path: str
    key: str | None
    headers: Mapping[str, str]
    body: bytes
    target: Target | None
    query: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def session_id(self) -> str | None:
        """The session in the path."""
        return self.target.session_id if self.target else None

    @property
    def verb(self) -> str | None:
        """The verb of its target; None for an unknown path."""
        return self.target.verb if self.target else None

    def mistakes(self) -> list[str]:
        """Say what a careful client would not have sent, for instance a cookie that belongs to another key."""
        wrong = {
            "sent a body, but the API takes none": bool(self.body),
            "sent a content-type without having content": "Content-Type" in self.headers,
            "sent back a cookie: requests of different keys would be tied together": "Cookie" in self.headers,
            "sent no user-agent": not self.headers.get("User-Agent"),
            "asked for a path that the API does not have": self.target is None,
            "used the wrong method": self.target is not None and self.method != self.target.method,
            END_ALL: self.verb == "end all" and self.method == "DELETE",
            "asked with a parameter that the API does not have": bool(self.query.keys() - self._parameters),
            "put something into the path that is no lower-case UUID": not _is_plain_uuid(self.session_id),
        }
        return [f"{self.method} {self.path}: {what}" for what, is_so in wrong.items() if is_so]

    @property
    def _parameters(self) -> frozenset[str]:
        return _PARAMETERS.get(self.verb or "", frozenset())


def _is_plain_uuid(session_id: str | None) -> bool:
    if session_id is None:
        return True
    try:
        return str(uuid.UUID(session_id)) == session_id
    except ValueError:
        return False


_EVERYWHERE, _READS, _ORDERS = "everywhere", "reads", "orders"
_COOKIE = {"Set-Cookie": "anchor_sticky=sim; Path=/; HttpOnly"}


@dataclass(frozen=True, slots=True)
class _FaultOf:
    """The fault of some requests, as an attribute."""

    requests: str

    def __get__(self, anchor: "SimAnchor", _: object = None) -> Fault | None:
        return anchor.faults[self.requests]

    def __set__(self, anchor: "SimAnchor", fault: Fault | None) -> None:
        anchor.faults[self.requests] = fault


class SimAnchor:
    """Anchor on 127.0.0.1: `requests` in order of arrival, `violations` by clients, one `fault` at a time.

    `change_event` reports every request and answer; `unknowns` are what its documents leave open. Who asks it to end
    all sessions gets an AssertionError at the end.
    """

    fault = _FaultOf(_EVERYWHERE)
    """That of every request from now on; None again after its `times`, of which reads use up none."""
    read_fault = _FaultOf(_READS)
    """That of every request that reads, unless there is one of every request."""
    order_fault = _FaultOf(_ORDERS)
    """That of every pause, resume and end, unless there is one of every request."""

    def __init__(self, *, keys: Iterable[str] = (DEFAULT_KEY,)) -> None:
        self.requests: list[Received] = []
        self.violations: list[str] = []
        self.unknowns = Unknowns()
        self._sessions = Sessions(keys, self.unknowns)
        self.faults = Faults()
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
        return isinstance(self.fault, ResetBeforeReading) and self.faults.take(_EVERYWHERE) is not None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        received = await self._record(request)
        is_read = received.method == "GET"  # those of the bot come at any moment
        fault = self.fault if is_read else self.faults.take(_EVERYWHERE)
        if fault is None:
            fault = self.faults.take(_READS if is_read else _ORDERS)

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
        if verb == "end all":  # a violation, and not simulated
            return error(500, "Failed")
        if received.session_id is None:
            return self._sessions.statuses(key)
        if verb == "get":
            return self._sessions.details(key, received.session_id)
        if verb == "agent status":
            return self._sessions.agent_status(key, received.session_id)
        return self._sessions.order(key, received.session_id, verb)


# The wrong answers that an API behind a gateway is known to give, ready to be set as a fault.


def _error(status: int, message: str, **how: Any) -> Answer:  # noqa: ANN401 - any field of Answer
    return Answer(status, json.dumps({"error": {"code": status, "message": message}}).encode(), **how)


def unauthorized(*, times: int | None = None) -> Answer:
    """401: the key is wrong or was revoked."""
    return _error(401, "Invalid API key", times=times)


def forbidden(*, times: int | None = None) -> Answer:
    """403: the key may not do this."""
    return _error(403, "Forbidden", times=times)


def rate_limited(retry_after: float | None = 1, *, times: int | None = None) -> Answer:
    """429, with `Retry-After` in seconds unless None."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return _error(429, "Too many requests", headers=headers, times=times)


def server_error(status: int = 500, *, applied: bool = False, times: int | None = None) -> Answer:
    """500 (or another 5xx) in Anchor's own JSON."""
    return _error(status, "Failed to pause agent", times=times, applied=applied)


def html(status: int = 502, *, applied: bool = False, times: int | None = None) -> Answer:
    """Answer with a gateway's page; with status 200 it looks like success."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return Answer(status, body, "text/html", applied=applied, times=times)
