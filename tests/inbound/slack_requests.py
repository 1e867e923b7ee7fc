"""Slack's requests, in which each test changes something, their bytes, and a plain connection that sends any bytes."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from bot.sim.slack.simulator import SIGNING_SECRET
from harness.samples import sample
from harness.texts import ALICE, SESSION

SECRET, OLDER_SECRET = SIGNING_SECRET, "0123456789abcdef0123456789abcdef"
"""The signing secret, and the one that is being rotated out."""

NOW = 1_785_000_000
"""Unix seconds of the bot's clock, which stands still."""

MARK = "this-is-for-no-log-5d41402abc4b2a76"
"""Part of bodies, of their tokens and texts."""

RESPONSE_URL = "RESPONSE-URL-STANDS-HERE"
"""Stands in a body for an address that is known when the bot runs."""

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LARGEST = 1024 * 1024
"""The largest size of a body, in bytes."""

LONG = "a" * 40_001
"""A text that is too long."""


def command(**changes: str | None) -> bytes:
    """A slash command that pauses SESSION; a change to None leaves a field out."""
    own = {"token": MARK, "text": f"{SESSION} {MARK}", "response_url": RESPONSE_URL}
    fields = sample("slash_command.fields") | own | changes
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def interaction(name: str, **changes: object) -> bytes:
    """An interaction of Slack's samples, of something that the bot does not have."""
    payload = sample(f"{name}.payload") | {"token": MARK, "callback_id": "no_such_callback"}
    if "response_url" in payload:
        payload["response_url"] = RESPONSE_URL
    return in_form(payload | changes)


def click(**changes: object) -> bytes:
    """A click on a button that the bot does not have."""
    own = {"actions": [action()], "state": {"values": {}}}
    return interaction("block_actions.grid_member_workspace", **own | changes)


def action(**changes: object) -> dict[str, object]:
    """The one action in a click."""
    value = f"{SESSION} {MARK}"
    return {"action_id": "no_such_action", "value": value, "type": "button", "action_ts": "1785000000.123456"} | changes


def event(**changes: object) -> bytes:
    """An event that the bot does not use."""
    return json.dumps(sample("event.app_uninstalled") | {"token": MARK, "event": inner_event()} | changes).encode()


def inner_event(**changes: object) -> dict[str, object]:
    """The `event` in an event's envelope."""
    return {"type": "no_such_event", "user": ALICE, "text": f"{SESSION} {MARK}"} | changes


def in_form(payload: object) -> bytes:
    """The body of an interaction."""
    return urlencode({"payload": payload if isinstance(payload, str) else json.dumps(payload)}).encode()


def sign(body: bytes, *, secret: str = SECRET, at: str = str(NOW)) -> str:
    """Sign a body as Slack does."""
    base = f"v0:{at}:".encode(errors="surrogateescape") + body
    return f"v0={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"


Headers = list[tuple[str, str]]


def signed(body: bytes, *, secret: str = SECRET, at: str = str(NOW)) -> Headers:
    """The headers of a signed request."""
    return [("X-Slack-Request-Timestamp", at), ("X-Slack-Signature", sign(body, secret=secret, at=at))]


def http_request(
    body: bytes, headers: Headers | None = None, *, content_type: str | None = FORM, chunked: bool = False
) -> bytes:
    """A POST to the endpoint for Slack, framed properly; by default it is signed.

    In headers, `\\udc80` to `\\udcff` stand for the bytes 80 to FF alone, which are not UTF-8.
    """
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    kind = [] if content_type is None else [("Content-Type", content_type)]
    given = signed(body) if headers is None else headers
    everything = [("Host", "bot.example.com"), ("Connection", "close"), *kind, *given, framing]
    head = "".join(f"{name}: {value}\r\n" for name, value in everything)
    sent = in_chunks(body) if chunked else body
    return f"POST /slack/events HTTP/1.1\r\n{head}\r\n".encode(errors="surrogateescape") + sent


def in_chunks(body: bytes, size: int = 64 * 1024) -> bytes:
    """A body with Transfer-Encoding: chunked."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; `status` is None if the connection ended without one."""

    status: int | None
    text: str = ""


async def send(url: str, *parts: bytes, ends: bool = False, pause: float = 0.05) -> Answer:
    """Send the parts with pauses in between, and read one response. `ends` closes this half of the connection."""
    async with connected(url) as (reader, writer):
        sending = asyncio.create_task(_send(writer, parts, ends=ends, pause=pause))
        try:
            return await _read(reader)
        finally:
            sending.cancel()
            await asyncio.wait({sending})


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to the host of a URL."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, parts: Iterable[bytes], *, ends: bool, pause: float) -> None:
    with suppress(OSError):  # a refused request is not read to its end
        for number, part in enumerate(parts):
            if number:
                await asyncio.sleep(pause)
            writer.write(part)
            await writer.drain()
        if ends:
            writer.write_eof()


async def _read(reader: asyncio.StreamReader) -> Answer:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, OSError):
        return Answer(None)
    status_line, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status_line.split()[1]), body.decode())
