"""Bolt for Python with asyncio, as documented: ack, then the work, then respond."""

import os
import uuid
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

ANCHOR = os.environ["ANCHOR_API_URL"]
KEY = os.environ["ANCHOR_API_KEY"]

client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
app = AsyncApp(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])
sessions: list[aiohttp.ClientSession] = []


async def pause(session: str, user: str) -> dict[str, Any]:
    """Pause a session, and return the message about it."""
    try:
        uuid.UUID(session)
    except ValueError:
        return {"response_type": "ephemeral", "text": "Usage: /anchor-pause <session id>"}
    url = f"{ANCHOR}/v1/sessions/{session}/agent/pause"
    async with sessions[0].post(url, headers={"anchor-api-key": KEY}) as response:
        await response.json()
        text = f"Paused by <@{user}>: {session}" if response.ok else f"Anchor answered {response.status}: {session}"
    return {"response_type": "in_channel", "text": text}


@app.command("/anchor-pause")
async def command(ack: AsyncAck, command: dict[str, Any], respond: AsyncRespond) -> None:
    """Answer the command."""
    await ack()
    await respond(await pause(command["text"].strip(), command["user_id"]))


async def open_client(_: object) -> None:
    """Open the client for calls of Anchor in the loop of the server."""
    sessions.append(aiohttp.ClientSession())


server = app.server(port=int(os.environ["PORT"]), host="127.0.0.1")
server.web_app.on_startup.append(open_client)
server.start()
