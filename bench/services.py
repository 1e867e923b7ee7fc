"""The simulated Slack and Anchor, as far as the measures need them: fast, with set delays, and strict."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from bench.http_messages import HttpMessage, response
from bench.http_server import Answer, Server, ServerConnection
from bench.orders import Order, OrderBook
from bench.people import anchor_key, team_id
from bench.websocket import WebSocket

_PAUSE = "/v1/sessions/", "/agent/pause"
_OK = {"ok": True}
_LISTED = 100  # sessions on a page


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds that the services take to answer."""

    anchor: float = 0.0
    response_url: float = 0.0
    web_api: float = 0.0


class Services:
    """The two services. `time_offset` is added to their clock, in seconds."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self.delays = Delays()
        self.time_offset = 0.0
        self.running: Sequence[str] = ()
        """The ids of the sessions that run, for who asks."""

        self.sockets: list[WebSocket] = []
        self.on_socket_text: Callable[[bytes], None] = lambda _: None
        self._anchor = Server(self._answer_anchor)
        self._slack = Server(self._answer_slack)
        self._loop = asyncio.get_running_loop()
        self._links = itertools.count()

    async def start(self) -> None:
        """Listen."""
        await self._anchor.start()
        await self._slack.start()

    @property
    def anchor_url(self) -> str:
        """Return the URL of Anchor's API."""
        return f"http://127.0.0.1:{self._anchor.port}"

    @property
    def slack_url(self) -> str:
        """Return the origin of Slack's URLs."""
        return f"http://127.0.0.1:{self._slack.port}"

    def response_url(self, order: Order) -> str:
        """Return the response_url of an order."""
        return f"{self.slack_url}/commands/{order.number}"

    def now(self) -> float:
        """Return the time of the services, in Unix seconds."""
        return time.time() + self.time_offset

    def close_connections(self) -> None:
        """Close the connections, as servers do with those that were idle for long."""
        self._anchor.close_connections()
        self._slack.close_connections()

    def _answer_anchor(self, message: HttpMessage, _: ServerConnection) -> Answer:
        method, path = message.words[:2]
        before, after = _PAUSE
        text = path.decode()
        order = self.book.by_session(text.removeprefix(before).removesuffix(after))
        if order is None or method == b"GET":
            return self._answer_other_call(method, text)
        if method != b"POST" or text != f"{before}{order.session}{after}":
            self.book.report(f"Anchor was asked for {method.decode()} {text}", order)
        if message.header(b"anchor-api-key").decode() != anchor_key(order.person.workspace):
            self.book.report("Anchor was asked with a wrong key", order)
        order.anchor_calls += 1
        order.anchor_at = order.anchor_at or time.perf_counter()
        return self.delays.anchor, self._json({"data": {"status": "paused"}})

    def _answer_other_call(self, method: bytes, path: str) -> Answer:
        if method != b"GET":
            self.book.report(f"Anchor was asked for {path}, which nobody ordered")
        sessions = [{"session_id": session, "status": "running"} for session in self.running]
        data = {"items": sessions, "sessions": sessions[:_LISTED], "total_pages": 1}
        return self.delays.anchor, self._json({"data": data})

    def _answer_slack(self, message: HttpMessage, connection: ServerConnection) -> Answer | None:
        path = message.words[1].decode().partition("?")[0]
        if path.startswith("/commands/"):
            return self._answer_response_url(path, message.body)
        if path.startswith("/link/"):
            self._open_socket(message, connection)
            return None
        return self._answer_method(path.removeprefix("/api/"), message)

    def _answer_response_url(self, path: str, body: bytes) -> Answer:
        order, delay = self.book.by_number(path.rpartition("/")[2]), self.delays.response_url
        if order is None:
            self.book.report("a response_url was called that nobody has")
        else:
            show = self.book.show
            self._loop.call_later(delay, lambda: show(order, json.loads(body), time.perf_counter()))
        return delay, response(b"200 OK", b"ok", content_type=b"text/plain", date=self._date())

    def _answer_method(self, method: str, message: HttpMessage) -> Answer:
        workspace = int(message.header(b"authorization").rpartition(b"-")[2] or b"0") if method != _OPEN else 0
        answer = _OK | self._result(method, workspace, message)
        return self.delays.web_api, self._json(answer)

    def _result(self, method: str, workspace: int, message: HttpMessage) -> dict[str, Any]:
        if method == "auth.test":
            return {
                "team_id": team_id(workspace),
                "team": "bench",
                "user_id": "U0BOT",
                "bot_id": "B0BOT",
                "user": "bot",
            }
        if method == "users.info":
            return {"user": _member(workspace, message)}
        if method == "chat.update":
            fields, update = json.loads(message.body), self.book.update
            self._loop.call_later(self.delays.web_api, lambda: update(fields["ts"], fields, time.perf_counter()))
            return {"channel": fields["channel"], "ts": fields["ts"]}
        if method == _OPEN:
            return {"url": f"{self.slack_url.replace('http', 'ws', 1)}/link/{next(self._links)}"}
        self.book.report(f"Slack was asked for {method}")
        return {"ok": False, "error": "unknown_method"}

    def _open_socket(self, message: HttpMessage, connection: ServerConnection) -> None:
        socket = WebSocket(connection, message, self.on_socket_text)
        self.sockets.append(socket)
        connection.on_lost = lambda: self.sockets.remove(socket)
        socket.send(b'{"type":"hello","num_connections":1}')

    def _json(self, answer: object) -> bytes:
        return response(b"200 OK", json.dumps(answer).encode(), date=self._date())

    def _date(self) -> str:
        return formatdate(self.now(), usegmt=True)


_OPEN = "apps.connections.open"


def _member(workspace: int, message: HttpMessage) -> dict[str, object]:
    """Return a full member, with the fields of a user that apps look at."""
    query = message.words[1].partition(b"?")[2] or message.body
    user_id = dict(part.split("=", 1) for part in query.decode().split("&"))["user"]
    flags = dict.fromkeys(("deleted", "is_admin", "is_owner", "is_restricted", "is_ultra_restricted", "is_bot"), False)
    return {"id": user_id, "team_id": team_id(workspace), "name": user_id.lower(), **flags}
