"""Send commands, clicks and alerts over HTTP or Socket Mode, and wait for what comes of them."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import aiohttp

from bench.orders import Card, Order
from bench.services import CHANNELS, SIGNING_SECRET, TEAM, Services

ALERTS_TOKEN = "bench-alerts-token-0123456789"  # noqa: S105 - made up
PEOPLE = tuple(f"U0B{number:05}" for number in range(50))
_POSTED_WITHIN = 300.0  # seconds
_IN_FLIGHT = 32  # alerts
_MOST_IDLE = 1.0  # seconds; Node closes a connection after 5, perhaps while the next request is on its way


class Load:
    """Sender of orders to the application on a port."""

    def __init__(self, services: Services, port: int, *, is_socket: bool) -> None:
        self._services = services
        self._book = services.book
        self._url = f"http://127.0.0.1:{port}"
        self._is_socket = is_socket
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_MOST_IDLE)
        self.http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        services.on_frame = self._receive_frame

    async def status(self, path: str) -> int:
        """Return the status of a GET request, or 0 if nobody answers."""
        try:
            async with self.http.get(f"{self._url}{path}") as answer:
                return answer.status
        except (OSError, aiohttp.ClientError):
            return 0

    async def order(self, person: str, card: Card | None = None) -> Order:
        """Send a command, or click on a card; return when all has come of it, or something went wrong."""
        order = self._book.add(person, card)
        kind, payload = ("interactive", _click(order, card)) if card else ("slash_commands", _command(order))
        payload["response_url"] = f"{self._services.slack_url}/commands/{order.number}"
        if self._is_socket:
            envelope = {"envelope_id": str(order.number), "type": kind, "accepts_response_payload": True}
            order.sent_at = time.perf_counter()
            await self._services.sockets[-1].send_str(json.dumps(envelope | {"payload": payload}))
        else:
            await self._post(order, _form(kind, payload))
        await order.done
        return order

    async def run(self, count: Iterable[object], in_flight: int) -> list[Order]:
        """Send a command for each item, so many at a time, and return those whose messages exist."""
        people, queue, orders = itertools.cycle(PEOPLE), iter(count), list[Order]()

        async def work() -> None:
            for _ in queue:
                orders.append(await self.order(next(people)))

        await asyncio.gather(*(work() for _ in range(in_flight)))
        return [order for order in orders if order.message_at]

    async def run_at(self, rate: float, count: int) -> list[Order]:
        """Send commands, so many a second, and return those whose messages exist."""
        began, sent = time.perf_counter(), list[asyncio.Task[Order]]()
        for number, person in enumerate(itertools.islice(itertools.cycle(PEOPLE), count)):
            await asyncio.sleep(began + number / rate - time.perf_counter())
            sent.append(asyncio.create_task(self.order(person)))
        return [order for order in await asyncio.gather(*sent) if order.message_at]

    async def make_cards(self, count: int) -> list[Card]:
        """Let the bot post alerts, and return them. Raises TimeoutError."""
        services = self._services
        services.running, services.cards = [str(uuid.uuid4()) for _ in range(count)], []
        alerts = zip(services.running, itertools.cycle(CHANNELS), strict=False)  # many in one would become a summary

        async def post() -> None:
            for session, channel in alerts:
                body = {"session_id": session, "text": "It spends too much.", "channel": channel}
                headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}
                async with self.http.post(f"{self._url}/alerts", json=body, headers=headers) as answer:
                    answer.raise_for_status()

        async with asyncio.timeout(_POSTED_WITHIN):
            await asyncio.gather(*(post() for _ in range(_IN_FLIGHT)))
            while len(services.cards) < count:  # noqa: ASYNC110 - a callback adds them
                await asyncio.sleep(1)
        return services.cards

    async def _post(self, order: Order, body: bytes) -> None:
        headers = _signed(body)
        order.sent_at = time.perf_counter()
        try:
            async with self.http.post(f"{self._url}/slack/events", data=body, headers=headers) as answer:
                answer.raise_for_status()
                text = await answer.text()
        except (OSError, aiohttp.ClientError) as error:
            self._book.report(f"no ack: {error!r}", order)
            return
        is_json = "json" in answer.headers.get("Content-Type", "")
        body_of_ack = json.loads(text) if is_json else text
        self._book.acknowledge(str(order.number), body_of_ack if text else None, time.perf_counter())

    def _receive_frame(self, frame: str) -> None:
        ack, at = json.loads(frame), time.perf_counter()
        self._book.acknowledge(ack["envelope_id"], ack.get("payload"), at)


def _command(order: Order) -> dict[str, object]:
    return {
        "token": "verification",
        "team_id": TEAM,
        "team_domain": "bench",
        "channel_id": "C0COMMANDS",
        "channel_name": "alerts",
        "user_id": order.person,
        "user_name": "person",
        "command": "/anchor-pause",
        "text": order.session,
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "trigger_id": f"{order.number}.1.bench",
    }


def _click(order: Order, card: Card) -> dict[str, object]:
    text, channel, ts = {"type": "plain_text", "text": "Pause"}, card.fields["channel"], card.fields["ts"]
    button = {"type": "button", "action_id": "anchor_pause", "block_id": "b", "text": text, "value": order.session}
    message = {name: value for name, value in card.fields.items() if name in {"ts", "text", "blocks"}}
    return {
        "type": "block_actions",
        "user": {"id": order.person, "username": "person", "name": "person", "team_id": TEAM},
        "api_app_id": "A0BENCH",
        "token": "verification",
        "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
        "trigger_id": f"{order.number}.1.bench",
        "team": {"id": TEAM, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel, "name": "alerts"},
        "message": {"type": "message", "user": "U0BOT", **message},
        "state": {"values": {}},
        "actions": [button | {"action_ts": f"{time.time():.6f}"}],
    }


def _form(kind: str, payload: dict[str, object]) -> bytes:
    if kind == "interactive":
        return f"payload={quote_plus(json.dumps(payload))}".encode()
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in payload.items()).encode()


def _signed(body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    base = b"v0:%b:%b" % (timestamp.encode(), body)
    return {
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={hmac.digest(SIGNING_SECRET.encode(), base, hashlib.sha256).hex()}",
    }
