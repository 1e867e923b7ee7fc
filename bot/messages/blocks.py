"""The blocks of messages and views.

https://docs.slack.dev/reference/block-kit/blocks
"""

from typing import Any

Block = dict[str, Any]


def plain_text(text: str) -> Block:
    """Return text without formatting."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str, *, verbatim: bool = False) -> Block:
    """Return formatted text; a `verbatim` one gets no links but those that it marks."""
    return {"type": "mrkdwn", "text": text, "verbatim": verbatim}


def section(text: str, **more: Block) -> Block:
    """Return a block of mrkdwn text, with an optional `accessory` beside it."""
    return {"type": "section", "text": mrkdwn(text), **more}


def header(text: str) -> Block:
    """Return a headline."""
    return {"type": "header", "text": plain_text(text)}


def context(text: str) -> Block:
    """Return a block of small mrkdwn text."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def actions(*elements: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def confirm(title: str, question: str, yes: str, *, is_destructive: bool = False) -> Block:
    """Return a confirmation dialog; `question` is mrkdwn, `yes` the label of the confirming button."""
    return {
        "title": plain_text(title),
        "text": mrkdwn(question),
        "confirm": plain_text(yes),
        "deny": plain_text("Cancel"),
        **({"style": "danger"} if is_destructive else {}),
    }
