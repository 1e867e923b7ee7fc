"""The bare limit: an aiohttp server that checks the signature, calls Anchor and answers, and nothing else."""

import asyncio
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import uvloop
from aiohttp import web

ANCHOR = os.environ["ANCHOR_API_URL"]
KEY = os.environ["ANCHOR_API_KEY"]
SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()

_MAX_AGE = 300  # seconds
_BACKLOG = 4096


class Limit:
    """The listener; `http` is the session for all calls."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, request: web.Request) -> web.Response:
        """Answer a command in its ack, and a click after it."""
        body = await request.read()
        if not is_signed(body, request.headers):
            return web.Response(status=401)
        form = dict(parse_qsl(body.decode()))
        if "payload" not in form:
            return web.json_response(await self._pause(form["text"], form["user_id"]))
        click = json.loads(form["payload"])
        task = asyncio.create_task(self._answer_click(click))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.Response()

    async def _answer_click(self, click: dict[str, Any]) -> None:
        message = await self._pause(click["actions"][0]["value"], click["user"]["id"])
        async with self._http.post(click["response_url"], json=message | {"replace_original": False}) as response:
            await response.read()

    async def _pause(self, session: str, user: str) -> dict[str, object]:
        url = f"{ANCHOR}/v1/sessions/{session}/agent/pause"
        async with self._http.post(url, headers={"anchor-api-key": KEY}) as response:
            await response.json()
        return {"response_type": "in_channel", "text": f"Paused by <@{user}>: {session}"}


def is_signed(body: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether Slack has signed the body within the last five minutes."""
    timestamp = headers["X-Slack-Request-Timestamp"]
    wanted = "v0=" + hmac.new(SECRET, b"v0:%b:%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    recent = abs(time.time() - int(timestamp)) < _MAX_AGE
    return recent and hmac.compare_digest(wanted, headers["X-Slack-Signature"])


async def application() -> web.Application:
    """Return the application, in the loop that serves it."""
    app = web.Application()
    app.router.add_post("/slack/events", Limit(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))).listen)
    return app


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    loop = uvloop.new_event_loop()
    web.run_app(application(), host="127.0.0.1", port=port, access_log=None, backlog=_BACKLOG, loop=loop, print=None)
