"""The blocks of messages and views.

https://docs.slack.dev/reference/block-kit/blocks
"""

from typing import Any

Block = dict[str, Any]


def plain_text(text: str) -> Block:
    """Return text without formatting."""
    return {"type": "plain_text", "text": text, "emoji": False}


def section(text: str, **more: Block) -> Block:
    """Return a block of mrkdwn text, with an optional `accessory` beside it."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": False}, **more}


def header(text: str) -> Block:
    """Return a headline."""
    return {"type": "header", "text": plain_text(text)}


def context(text: str) -> Block:
    """Return a block of small mrkdwn text."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": False}]}


def actions(*elements: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def confirm(title: str, text: str, yes: str) -> Block:
    """Return a confirmation dialog; `yes` is the label of its confirming button."""
    return {
        "title": plain_text(title),
        "text": plain_text(text),
        "confirm": plain_text(yes),
        "deny": plain_text("Cancel"),
        "style": "danger",
    }
