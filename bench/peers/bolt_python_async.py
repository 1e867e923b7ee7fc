"""Bolt for Python with asyncio, as documented: ack, then the work, then respond.

Anchor is called with aiohttp, or with httpx if WITH_HTTPX is set.
"""

import os
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

ANCHOR = os.environ["ANCHOR_API_URL"]
KEY = os.environ["ANCHOR_API_KEY"]
OK = 200

Call = Callable[[str], Awaitable[int]]
"""A POST to a URL; returns the status."""

client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
app = AsyncApp(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])


async def pause(session: str, user: str) -> dict[str, Any]:
    """Pause a session, and return the message about it."""
    try:
        uuid.UUID(session)
    except ValueError:
        return {"response_type": "ephemeral", "text": "Usage: /anchor-pause <session id>"}
    status = await call[0](f"{ANCHOR}/v1/sessions/{session}/agent/pause")
    text = f"Paused by <@{user}>: {session}" if status == OK else f"Anchor answered {status}: {session}"
    return {"response_type": "in_channel", "text": text}


@app.command("/anchor-pause")
async def command(ack: AsyncAck, command: dict[str, Any], respond: AsyncRespond) -> None:
    """Answer the command."""
    await ack()
    await respond(await pause(command["text"].strip(), command["user_id"]))


@app.action("anchor_pause")
async def click(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any], respond: AsyncRespond) -> None:
    """Answer a click."""
    await ack()
    await respond({"replace_original": False, **await pause(action["value"], body["user"]["id"])})


def with_aiohttp() -> Call:
    """Return a function that calls Anchor."""
    session = aiohttp.ClientSession()

    async def post(url: str) -> int:
        async with session.post(url, headers={"anchor-api-key": KEY}) as response:
            await response.json()
            return response.status

    return post


def with_httpx() -> Call:
    """Return a function that calls Anchor."""
    client = httpx.AsyncClient()

    async def post(url: str) -> int:
        response = await client.post(url, headers={"anchor-api-key": KEY})
        response.json()
        return response.status_code

    return post


call: list[Call] = []


async def open_client(_: object) -> None:
    """Open the client for calls of Anchor in the loop of the server."""
    call.append(with_httpx() if os.environ.get("WITH_HTTPX") else with_aiohttp())


server = app.server(port=int(os.environ["PORT"]), host="127.0.0.1")
server.web_app.on_startup.append(open_client)
server.start()
