"""The blocks of messages and views.

https://docs.slack.dev/reference/block-kit/blocks
"""

from typing import Any

from bot.core.json_fields import objects_in, text_field

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


def context(text: str) -> Block:
    """Return a block of small mrkdwn text."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def preformatted(text: str) -> Block:
    """Return a block of text to copy: nothing in it needs escaping."""
    code = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [code]}


def actions(*elements: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def text_length(blocks: list[Block]) -> int:
    """Return the number of characters of all texts in blocks."""
    return sum(len(text_field(one, "text")) for one in objects_in(blocks))


def option(label: str, value: str) -> Block:
    """Return an option of a menu, of radio buttons or of checkboxes."""
    return {"text": plain_text(label), "value": value}


def confirm(title: str, question: str, yes: str) -> Block:
    """Return a confirmation dialog; `question` is mrkdwn, `yes` the label of the confirming button."""
    return {
        "title": plain_text(title),
        "text": mrkdwn(question),
        "confirm": plain_text(yes),
        "deny": plain_text("Cancel"),
    }
