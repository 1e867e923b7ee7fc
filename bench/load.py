"""Send commands and clicks as Slack does, over HTTP or Socket Mode, and wait for what comes of them."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterable, Sequence
from urllib.parse import quote, quote_plus

from bench.http_client import HttpClient
from bench.http_messages import HttpMessage
from bench.orders import Order
from bench.people import SIGNING_SECRET, Card, Person, team_id
from bench.services import Services

_OK = 200


class Load:
    """Sender of orders to one application, to its `ports` in turn; it has none if it is connected by Socket Mode."""

    def __init__(self, services: Services, ports: Sequence[int]) -> None:
        self._services = services
        self._book = services.book
        self._clients = [HttpClient(port) for port in ports]
        self._next = itertools.cycle(self._clients)
        services.on_socket_text = self._receive_frame

    async def command(self, person: Person) -> Order:
        """Send a command, and return when its message exists or something went wrong."""
        order = self._book.add(person)
        await self._send(order, "slash_commands", _command_fields(order, self._services))
        return order

    async def click(self, person: Person, card: Card, *, ends_with_card: bool) -> Order:
        """Click the Pause button of a card, and return when the message about it exists or something went wrong."""
        order = self._book.add(person, card, ends_with_card=ends_with_card)
        await self._send(order, "interactive", _click_payload(order, card, self._services))
        return order

    async def run(self, people: Iterable[Person], in_flight: int) -> list[Order]:
        """Send a command of each person, so many at a time, and return those whose messages exist."""
        queue, orders = iter(people), list[Order]()

        async def work() -> None:
            for person in queue:
                orders.append(await self.command(person))

        await asyncio.gather(*(work() for _ in range(in_flight)))
        return [order for order in orders if order.message_at]

    async def run_at(self, rate: float, people: Iterable[Person]) -> list[Order]:
        """Send a command of each person, so many a second, and return those whose messages exist."""
        began, sent = time.perf_counter(), list[asyncio.Task[Order]]()
        for number, person in enumerate(people):
            await asyncio.sleep(began + number / rate - time.perf_counter())
            sent.append(asyncio.create_task(self.command(person)))
        return [order for order in await asyncio.gather(*sent) if order.message_at]

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    async def _send(self, order: Order, kind: str, payload: dict[str, object]) -> None:
        if not self._clients:
            self._send_frame(order, kind, payload)
        else:
            await self._post(next(self._next), order, kind, payload)
        await order.done

    async def _post(self, client: HttpClient, order: Order, kind: str, payload: dict[str, object]) -> None:
        request = _signed(_form(kind, payload), int(self._services.now()))
        order.sent_at = time.perf_counter()
        try:
            answer = await client.exchange(request)
        except OSError as error:
            self._book.report(f"no ack: {error!r}", order)
            return
        at = time.perf_counter()
        if answer.status == _OK:
            self._book.acknowledge(order, at, _read_ack(answer))
        else:
            self._book.report(f"the ack is a {answer.status}", order)

    def _send_frame(self, order: Order, kind: str, payload: dict[str, object]) -> None:
        envelope = {"envelope_id": str(order.number), "type": kind, "accepts_response_payload": True}
        frame = json.dumps(envelope | {"payload": payload}).encode()
        order.sent_at = time.perf_counter()
        self._services.sockets[-1].send(frame)

    def _receive_frame(self, frame: bytes) -> None:
        ack = json.loads(frame)
        order = self._book.by_number(ack["envelope_id"])
        if order is None:
            self._book.report("an envelope is acknowledged that was not sent")
        else:
            self._book.acknowledge(order, time.perf_counter(), ack.get("payload"))


def _read_ack(answer: HttpMessage) -> object:
    """Return the JSON of an ack, its text if it is no JSON, or None if it is empty."""
    if not answer.body:
        return None
    if b"json" not in answer.header(b"content-type"):
        return answer.body.decode()
    return json.loads(answer.body)


def _command_fields(order: Order, services: Services) -> dict[str, object]:
    person = order.person
    return {
        "token": "verification",
        "team_id": team_id(person.workspace),
        "team_domain": "bench",
        "channel_id": person.channel_id,
        "channel_name": "alerts",
        "user_id": person.user_id,
        "user_name": "person",
        "command": "/anchor-pause",
        "text": order.session,
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
        "response_url": services.response_url(order),
        "trigger_id": f"{order.number}.1.bench",
    }


def _click_payload(order: Order, card: Card, services: Services) -> dict[str, object]:
    person, team, text = order.person, team_id(order.person.workspace), {"type": "plain_text", "text": "Pause"}
    button = {"type": "button", "action_id": "anchor_pause", "block_id": "b", "text": text, "value": order.session}
    section = {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": card.text}}
    blocks = [section, {"type": "actions", "block_id": "b", "elements": [button]}]
    return {
        "type": "block_actions",
        "user": {"id": person.user_id, "username": "person", "name": "person", "team_id": team},
        "api_app_id": "A0BENCH",
        "token": "verification",
        "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel_id, "is_ephemeral": False},
        "trigger_id": f"{order.number}.1.bench",
        "team": {"id": team, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": card.channel_id, "name": "alerts"},
        "message": {
            "type": "message",
            "user": "U0BOT",
            "ts": card.ts,
            "text": card.text,
            "blocks": blocks,
        },
        "state": {"values": {}},
        "response_url": services.response_url(order),
        "actions": [button | {"action_ts": f"{services.now():.6f}"}],
    }


def _form(kind: str, payload: dict[str, object]) -> bytes:
    if kind == "interactive":
        return f"payload={quote_plus(json.dumps(payload))}".encode()
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in payload.items()).encode()


def _signed(body: bytes, timestamp: int) -> bytes:
    base = b"v0:%d:%b" % (timestamp, body)
    signature = hmac.digest(SIGNING_SECRET.encode(), base, hashlib.sha256).hex()
    head = (
        "POST /slack/events HTTP/1.1\r\nHost: bot.example.com\r\n"
        "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nAccept: application/json,*/*\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: v0={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
