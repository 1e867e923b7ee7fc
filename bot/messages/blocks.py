"""Blocks, messages and views of Slack."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

Block = dict[str, Any]

_LONGEST_TEXT = 3_900  # characters that screen readers and notifications get: Slack advises at most 4,000


def plain_text(text: str) -> Block:
    """Return text without formatting."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str, *, verbatim: bool = False) -> Block:
    """Return formatted text; a `verbatim` one gets no links but those that it marks."""
    return {"type": "mrkdwn", "text": text, "verbatim": verbatim}


def section(text: str, accessory: Block | None = None, *, verbatim: bool = False) -> Block:
    """Return a block of mrkdwn text, with an optional button or menu beside it."""
    block = {"type": "section", "text": mrkdwn(text, verbatim=verbatim)}
    return block if accessory is None else {**block, "accessory": accessory}


def context(text: str, *, verbatim: bool = False) -> Block:
    """Return a block of small mrkdwn text."""
    return {"type": "context", "elements": [mrkdwn(text, verbatim=verbatim)]}


def preformatted(text: str) -> Block:
    """Return a block of text to copy: nothing in it needs escaping."""
    code = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [code]}


def actions(*elements: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def option(label: str, value: str) -> Block:
    """Return an option of a menu, of radio buttons or of checkboxes."""
    return {"text": plain_text(label), "value": value}


def input_block(label: str, element: Block, *, optional: bool = True) -> Block:
    """Return an input; the block has the same name as its element."""
    name = element["action_id"]
    return {"type": "input", "block_id": name, "label": plain_text(label), "element": element, "optional": optional}


class Visibility(StrEnum):
    """The audience of a message, by the values of Slack's `response_type`."""

    IN_CHANNEL = "in_channel"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `text` is escaped mrkdwn and complete: notifications and screen readers use only that.

    `blocks`, where there are any, are what the eye sees in its place.
    """

    text: str
    visibility: Visibility
    blocks: tuple[Block, ...] = ()


def in_channel(*lines: str) -> Message:
    """Return a message for everybody in the conversation; empty lines are dropped."""
    return Message(_join(lines), Visibility.IN_CHANNEL)


def ephemeral(*lines: str) -> Message:
    """Return a message for one person; empty lines are dropped."""
    return Message(_join(lines), Visibility.EPHEMERAL)


def with_buttons(message: Message, *buttons: Block) -> Message:
    """Return the message with a row of buttons below its text."""
    return replace(message, blocks=(section(message.text), actions(*buttons)))


def from_blocks(blocks: Sequence[Block]) -> Message:
    """Return a message of these blocks for one person; its text has what they say, as far as it fits."""
    lines: list[str] = []
    length = 0
    for line in filter(None, map(_text_of, blocks)):
        length += len(line) + 1
        if length <= _LONGEST_TEXT:
            lines.append(line)
    return Message("\n".join(lines), Visibility.EPHEMERAL, tuple(blocks))


def as_response(message: Message) -> dict[str, Any]:
    """Return the JSON of a message for a slash command's ack or a response_url."""
    blocks = {"blocks": list(message.blocks)} if message.blocks else {}
    unfurl = {"unfurl_links": False, "unfurl_media": False}
    return {"response_type": message.visibility.value, "text": message.text, **blocks, **unfurl}


def _text_of(block: Block) -> str:
    if block["type"] == "section":
        return str(block["text"]["text"])
    return str(block["elements"][0]["text"]) if block["type"] == "context" else ""


def _join(lines: tuple[str, ...]) -> str:
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class View:
    """A view; with a `title` it is a modal, otherwise Home. `submit` is the label of the submit button.

    `callback_id` says which modal it is. `seen` comes back with what is sent: no secret, and nothing to be trusted.
    """

    blocks: tuple[Block, ...]
    title: str = ""
    submit: str = ""
    close: str = "Close"
    callback_id: str = ""
    seen: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the JSON for Slack."""
        if not self.title:
            return {"type": "home", "blocks": list(self.blocks)}
        ids = {"callback_id": self.callback_id, "private_metadata": self.seen}
        return {
            "type": "modal",
            "title": plain_text(self.title),
            **({"submit": plain_text(self.submit)} if self.submit else {}),
            "close": plain_text(self.close),
            **{name: value for name, value in ids.items() if value},
            "blocks": list(self.blocks),
        }
