"""Block Kit builders: what other programs put into their messages.

https://docs.slack.dev/reference/block-kit
"""

from typing import Any

Block = dict[str, Any]


def plain(text: str, **more: Any) -> Block:
    return {"type": "plain_text", "text": text, **more}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: Any) -> Block:
    return {"type": "section", "text": mrkdwn(text), **more}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


def button(
    action_id: str = "anchor_pause",
    value: str = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b",
    text: str = "Pause",
    **more: Any,
) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": value, **more}
