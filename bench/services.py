"""The simulated Slack and Anchor, as far as the measures need them: fast, with set delays, and strict."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bench.orders import Card, OrderBook

SIGNING_SECRET = "bench-signing-secret-0123456789a"  # noqa: S105 - made up
ANCHOR_KEY = "sk-bench-00000"
TEAM = "T0BENCH00000"
CHANNELS = tuple(f"C0BENCH{number:05}" for number in range(2_000))  # for alerts

_BACKLOG = 4096
_LISTED = 100  # sessions on a page
_FLAGS = dict.fromkeys(("deleted", "is_admin", "is_owner", "is_restricted", "is_ultra_restricted", "is_bot"), False)
_KNOWN: dict[str, dict[str, Any]] = {
    "auth.test": {"team_id": TEAM, "team": "bench", "user_id": "U0BOT", "bot_id": "B0BOT", "user": "bot"},
    "chat.scheduledMessages.list": {"scheduled_messages": []},
}


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds that the services take to answer."""

    anchor: float = 0.0
    slack: float = 0.0


class Services:
    """The two services; `running` are the ids of the sessions that run, and `cards` those that the bot has posted."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self.delays = Delays()
        self.running: Sequence[str] = ()
        self.cards: list[Card] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.on_frame: Callable[[str], None] = lambda _: None
        self.anchor_url = self.slack_url = ""
        self._numbers = itertools.count(1_600_000_000)

    async def start(self) -> None:
        """Listen."""
        self.anchor_url, self.slack_url = await _serve(self._anchor), await _serve(self._slack)

    async def _anchor(self, request: web.BaseRequest) -> web.StreamResponse:
        at, path = time.perf_counter(), request.path
        sessions = [{"session_id": session, "status": "running"} for session in self.running]
        answer: dict[str, Any] = {"items": sessions, "sessions": sessions[:_LISTED], "total_pages": 1}
        if request.method == "POST":
            answer = {"status": "paused"}
            order = self.book.by_session(path.removeprefix("/v1/sessions/").removesuffix("/agent/pause"))
            if order is None or request.headers.get("anchor-api-key") != ANCHOR_KEY:
                self.book.report(f"Anchor was asked for {path}, which nobody ordered, or with a wrong key", order)
            else:
                order.anchor_calls += 1
                order.anchor_at = order.anchor_at or at
        return await _answer({"data": answer}, self.delays.anchor)

    async def _slack(self, request: web.BaseRequest) -> web.StreamResponse:
        kind, _, name = request.path.strip("/").partition("/")
        if kind == "link":
            return await self._link(request)
        body = await request.text()
        response = await _answer({"ok": True} | self._result(name, request, body), self.delays.slack)
        at = time.perf_counter()
        if kind == "commands":
            self.book.show(name, json.loads(body), at)
        elif name == "chat.update":
            self.book.update(json.loads(body), at)
        return response

    def _result(self, name: str, request: web.BaseRequest, body: str) -> dict[str, Any]:
        if name == "users.info":
            user = request.query.get("user") or body.partition("user=")[2].partition("&")[0]
            return {"user": {"id": user, "team_id": TEAM, "name": user.lower(), **_FLAGS}}
        if name == "apps.connections.open":
            return {"url": f"{self.slack_url.replace('http', 'ws', 1)}/link"}
        if name in {"chat.postMessage", "chat.update"}:
            fields = json.loads(body)
            if name == "chat.postMessage":
                fields["ts"] = f"{next(self._numbers)}.000100"
                self.cards.extend(Card(session, fields) for session in self.running if session in body)
            return {"channel": fields["channel"], "ts": fields["ts"]}
        if name not in _KNOWN and request.path.startswith("/api/"):
            self.book.report(f"Slack was asked for {name}")
        return _KNOWN.get(name, {})

    async def _link(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('{"type":"hello","num_connections":1}')
        self.sockets.append(socket)
        async for frame in socket:
            self.on_frame(str(frame.data))
        self.sockets.remove(socket)
        return socket


async def _serve(handler: Callable[[web.BaseRequest], Any]) -> str:
    """Serve on a free port, and return the URL."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=_BACKLOG).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _answer(body: dict[str, Any], delay: float) -> web.StreamResponse:
    if delay:
        await asyncio.sleep(delay)
    return web.json_response(body)
