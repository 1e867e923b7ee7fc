"""An app for the simulated Slack to talk to over HTTP."""

import asyncio
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web

from harness.samples import Json

NEVER = 3600.0
"""A delay in seconds: no test lasts that long."""


@dataclass
class RecordingApp:
    """Answers everything with what a test sets, after `delay` seconds.

    `requests` has the bytes and headers that arrived, `payloads` what they say.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    delay: float = 0.0
    requests: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    payloads: list[Json] = field(default_factory=list)

    def says(self, **message: object) -> None:
        """Acknowledge with this JSON."""
        self.body = json.dumps(message).encode()

    @property
    def last(self) -> Json:
        return self.payloads[-1]

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((body, dict(request.headers)))
        self.payloads.append(_read(request.content_type, body))
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.content_type})


def _read(content_type: str, body: bytes) -> Json:
    form: Json = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    read: Json = json.loads(body if content_type == "application/json" else form.get("payload", json.dumps(form)))
    return read
