"""A Slack and an Anchor that cost next to nothing, as a process of their own: only for tests of load.

They check nothing, remember nothing but numbers, and accept everything. Anchor answers after the seconds in the first
argument. The process prints the port of Slack, and then that of Anchor.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import cast

import uvloop

TEAM = "T0HOME00001"
COUNTS = "/counts"
"""The path at Slack that tells how many requests of each kind came."""

_OK = {"ok": True, "team_id": TEAM, "channel": "C0ALERTS001", "ts": "1.1", "user": {"id": "U", "team_id": TEAM}}

Handle = Callable[[str], tuple[object, float]]
"""Return the JSON for a path, and the seconds until it is sent."""


class HttpConnection(asyncio.Protocol):
    """An end of a connection that carries one request at a time."""

    def __init__(self) -> None:
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        _, _, rest = head.lower().partition(b"content-length:")
        if end and len(body) >= int(rest.split(b"\r\n", 1)[0] or 0):
            self._read = b""
            self.message_received(head.split(b" ", 2)[1].decode(), body)

    def message_received(self, second_word: str, body: bytes) -> None:
        """Handle a message by the path of a request, or the status of a response."""
        raise NotImplementedError

    def send(self, first_line: str, body: bytes, **headers: str) -> None:
        """Send a message, unless the connection is closed."""
        if not self._transport.is_closing():
            named = {"Host": "load", "Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
            lines = "\r\n".join([first_line, *(f"{name}: {value}" for name, value in named.items()), "", ""])
            self._transport.write(lines.encode() + body)


class _ServerConnection(HttpConnection):
    def __init__(self, handle: Handle) -> None:
        super().__init__()
        self._handle = handle

    def message_received(self, second_word: str, body: bytes) -> None:
        del body
        answer, delay = self._handle(second_word)
        loop = asyncio.get_running_loop()
        loop.call_later(delay, self.send, "HTTP/1.1 200 OK", json.dumps(answer).encode())


async def serve(anchor_takes: float) -> None:
    counts: Counter[str] = Counter()

    def slack(path: str) -> tuple[object, float]:
        if path == COUNTS:
            return counts, 0.0
        counts[path.split("/")[1]] += 1
        return _OK, 0.0

    def anchor(path: str) -> tuple[object, float]:
        if path.endswith("/status"):
            return {"data": {}}, 0.0
        counts["anchor"] += 1
        return {"data": {"status": "success"}}, anchor_takes

    loop = asyncio.get_running_loop()
    for handle in (slack, anchor):
        server = await loop.create_server(partial(_ServerConnection, handle), "127.0.0.1", 0, backlog=4096)
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by the test
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1])))
