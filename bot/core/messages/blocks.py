"""The blocks that messages and views are made of.

https://docs.slack.dev/reference/block-kit/blocks
"""

from typing import Any

Block = dict[str, Any]


def plain_text(text: str) -> Block:
    """Text in which nothing is formatted."""
    return {"type": "plain_text", "text": text, "emoji": False}


def section(text: str, **more: Block) -> Block:
    """A block of mrkdwn text, perhaps with an `accessory` beside it."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": False}, **more}


def header(text: str) -> Block:
    """A headline."""
    return {"type": "header", "text": plain_text(text)}


def context(text: str) -> Block:
    """A block of small mrkdwn text."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": False}]}


def actions(*elements: Block) -> Block:
    """Buttons in a row."""
    return {"type": "actions", "elements": list(elements)}


def confirm(title: str, text: str, yes: str) -> Block:
    """The question whether it is meant; `yes` is the button that does it."""
    return {
        "title": plain_text(title),
        "text": plain_text(text),
        "confirm": plain_text(yes),
        "deny": plain_text("Cancel"),
        "style": "danger",
    }
