"""Good requests, for the cases to spoil."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.sim.slack.simulator import SIGNING_SECRET

SECRET = SIGNING_SECRET

NOW = 1_785_000_000
"""Unix seconds at the bot, which stand still."""

OLDER_SECRET = "0123456789abcdef0123456789abcdef"
"""The second signing secret, which is being rotated out."""

SESSION = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
"""Runs, and must not be paused by any of these requests."""

MARK = "this-is-for-no-log-5d41402abc4b2a76"
"""Part of bodies, of their tokens and texts."""

RESPONSE_URL = "RESPONSE-URL-STANDS-HERE"
TRAP = "TRAP-HOST-AND-PORT-STAND-HERE"

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

LARGEST = 1024 * 1024
"""Bytes that a body may have."""

_FIELDS = {
    "token": MARK,
    "team_id": "T0HOME00001",
    "team_domain": "acme",
    "channel_id": "C0ALERTS001",
    "channel_name": "alerts",
    "user_id": "U0ALICE0001",
    "user_name": "alice",
    "command": "/anchor-pause",
    "text": f"{SESSION} {MARK}",
    "api_app_id": "A0ANCHOR001",
    "is_enterprise_install": "false",
    "response_url": RESPONSE_URL,
    "trigger_id": "1234567890123.987654321.0f1e2d3c4b5a69788796a5b4c3d2e1f0",
}


def command(**changes: str | None) -> bytes:
    """A slash command that pauses SESSION; a change to None leaves a field out."""
    fields = _FIELDS | changes
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def sample(name: str) -> dict[str, Any]:
    """One of Slack's payloads, with MARK and RESPONSE_URL in their places."""
    payload: dict[str, Any] = json.loads((Path(__file__).parent / "samples" / f"{name}.json").read_text())
    payload["token"] = MARK
    if "response_url" in payload:
        payload["response_url"] = RESPONSE_URL
    return payload


def in_form(payload: object) -> bytes:
    """An interaction's body."""
    return urlencode({"payload": payload if isinstance(payload, str) else json.dumps(payload)}).encode()


def click(**changes: object) -> bytes:
    """A click on a button that the bot does not have."""
    return in_form(sample("block_actions") | {"actions": [action()]} | changes)


def action(**changes: object) -> dict[str, object]:
    """The one action in a click."""
    return {
        "action_id": "no_such_action",
        "block_id": "no_such_block",
        "value": f"{SESSION} {MARK}",
        "type": "button",
        "action_ts": "1785000000.123456",
    } | changes


def without(payload: dict[str, Any], field: str) -> dict[str, Any]:
    """The payload without a field."""
    return {name: value for name, value in payload.items() if name != field}


def event(**changes: object) -> bytes:
    """An event that the bot has no use for."""
    return json.dumps(sample("event.app_home_opened") | {"event": inner_event()} | changes).encode()


def inner_event(**changes: object) -> dict[str, object]:
    """The `event` in an event's envelope."""
    return {"type": "no_such_event", "user": "U0ALICE0001", "text": f"{SESSION} {MARK}"} | changes


WRONG_TYPES: dict[str, object] = {
    "a number": 5,
    "zero": 0,
    "a fraction": 1.5,
    "true": True,
    "false": False,
    "an empty list": [],
    "a list": ["U0ALICE0001"],
    "an empty object": {},
    "an object of something else": {"ID": "U0ALICE0001"},
    "an object whose id is a number": {"id": 5},
    "an object whose id is null": {"id": None},
    "an object whose id is a list": {"id": ["U0ALICE0001"]},
}
"""Instead of a text; and, without the ids' objects, instead of anything."""

NO_IDS: dict[str, str] = {
    "in small letters": "u0alice0001",
    "of one character": "U",
    "of 41 characters": "U" * 41,
    "of 5,000 characters": "U" * 5000,
    "markup that calls everybody": "<!channel>",
    "a path": "../../U0ALICE0001",
    "with a newline at its end": "U0ALICE0001\n",
    "with a line break in it": "U0ALICE0001\r\nX-Header: yes",
    "with a NUL in it": "U0ALICE\0",
    "in wide letters": "\uff350ALICE0001",
    "in Arabic digits": "U\u0661\u0662\u0663",
    "with spaces around it": " U0ALICE0001 ",
    "SQL": "U' OR '1'='1",
    "a template": "{{7*7}}",
}
"""Texts where an id belongs."""
