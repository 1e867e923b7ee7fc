"""An app for the simulated Slack to talk to."""

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class App:
    """Answers every command with what a test sets, and keeps what it received."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    delay: float = 0.0
    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def says(self, **message: object) -> None:
        """Acknowledge with this JSON."""
        self.body = json.dumps(message).encode()

    async def serve(self, request: web.Request) -> web.Response:
        self.received.append((await request.read(), dict(request.headers)))
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.content_type})
