"""Bolt for Python as its first pages document it: ack, then the work, then respond, on the server that it brings."""

import os
import uuid
from typing import Any

import httpx
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

ANCHOR = os.environ["ANCHOR_API_URL"]
KEY = os.environ["ANCHOR_API_KEY"]

client = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
app = App(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])
http = httpx.Client()


def pause(session: str, user: str) -> dict[str, Any]:
    """Pause a session, and return the message about it."""
    try:
        uuid.UUID(session)
    except ValueError:
        return {"response_type": "ephemeral", "text": "Usage: /anchor-pause <session id>"}
    response = http.post(f"{ANCHOR}/v1/sessions/{session}/agent/pause", headers={"anchor-api-key": KEY})
    is_done = response.is_success
    text = f"Paused by <@{user}>: {session}" if is_done else f"Anchor answered {response.status_code}: {session}"
    return {"response_type": "in_channel", "text": text}


@app.command("/anchor-pause")
def command(ack: Ack, command: dict[str, Any], respond: Respond) -> None:
    """Answer the command."""
    ack()
    respond(**pause(command["text"].strip(), command["user_id"]))


@app.action("anchor_pause")
def click(ack: Ack, action: dict[str, Any], body: dict[str, Any], respond: Respond) -> None:
    """Answer a click."""
    ack()
    respond(replace_original=False, **pause(action["value"], body["user"]["id"]))


app.start(port=int(os.environ["PORT"]))
