"""Valid requests, in which each case changes something."""

import json
from urllib.parse import urlencode

from bot.sim.slack.simulator import SIGNING_SECRET
from harness.samples import sample
from harness.texts import ALICE, SESSION

SECRET = SIGNING_SECRET

NOW = 1_785_000_000
"""Unix seconds of the bot's clock, which stands still."""

OLDER_SECRET = "0123456789abcdef0123456789abcdef"
"""The second signing secret, which is being rotated out."""

MARK = "this-is-for-no-log-5d41402abc4b2a76"
"""Part of bodies, of their tokens and texts."""

RESPONSE_URL = "RESPONSE-URL-STANDS-HERE"
TRAP = "TRAP-HOST-AND-PORT-STAND-HERE"

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

LARGEST = 1024 * 1024
"""The largest size of a body, in bytes."""

ALERTS = "C0ALERTS001"

_COMMAND = sample("slash_command.fields") | {
    "token": MARK,
    "text": f"{SESSION} {MARK}",
    "response_url": RESPONSE_URL,
}


def command(**changes: str | None) -> bytes:
    """A slash command that pauses SESSION; a change to None leaves a field out."""
    fields = _COMMAND | changes
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def interaction(name: str, **changes: object) -> bytes:
    """An interaction of Slack's samples, of something that the bot does not have."""
    payload = sample(f"{name}.payload") | {"token": MARK, "callback_id": "no_such_callback"}
    if "response_url" in payload:
        payload["response_url"] = RESPONSE_URL
    return in_form(payload | changes)


def click(**changes: object) -> bytes:
    """A click on a button that the bot does not have."""
    return interaction(
        "block_actions.grid_member_workspace", **{"actions": [action()], "state": {"values": {}}} | changes
    )


def action(**changes: object) -> dict[str, object]:
    """The one action in a click."""
    return {
        "action_id": "no_such_action",
        "block_id": "no_such_block",
        "value": f"{SESSION} {MARK}",
        "type": "button",
        "action_ts": "1785000000.123456",
    } | changes


def event(**changes: object) -> bytes:
    """An event that the bot does not use."""
    envelope = sample("event.app_uninstalled") | {"token": MARK, "event": inner_event()} | changes
    return json.dumps(envelope).encode()


def inner_event(**changes: object) -> dict[str, object]:
    """The `event` in an event's envelope."""
    return {"type": "no_such_event", "user": ALICE, "text": f"{SESSION} {MARK}"} | changes


def in_form(payload: object) -> bytes:
    """The body of an interaction."""
    return urlencode({"payload": payload if isinstance(payload, str) else json.dumps(payload)}).encode()
