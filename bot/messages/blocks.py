"""Blocks, messages and views of Slack."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.messages.markup import fit, width

Block = dict[str, Any]

LONGEST_SECTION = 3_000  # all in UTF-16 units, as Slack's clients count
LONGEST_TEXT = 4_000  # of an update: https://docs.slack.dev/reference/methods/chat.update
_MOST_BLOCKS = 13_000  # of the JSON; Slack documents no limit: https://github.com/slackapi/bolt-js/issues/2509
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def plain_text(text: str) -> Block:
    """Return text without formatting."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str, *, verbatim: bool = False) -> Block:
    """Return formatted text of at most 3,000 UTF-16 units; a `verbatim` one gets no links but those that it marks."""
    return {"type": "mrkdwn", "text": fit(text, LONGEST_SECTION), "verbatim": verbatim}


def section(text: str, accessory: Block | None = None, *, verbatim: bool = False) -> Block:
    """Return a block of mrkdwn text, with an optional button or menu beside it. A message shows all of it at once."""
    block = {"type": "section", "text": mrkdwn(text, verbatim=verbatim), "expand": True}
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


def row(*elements: Block) -> list[Block]:
    """Return a row of buttons, if there are any."""
    return [actions(*elements)] if elements else []


def option(label: str, value: str, description: str = "") -> Block:
    """Return an option of a menu, of radio buttons or of checkboxes."""
    about = {"description": plain_text(description)} if description else {}
    return {"text": plain_text(label), "value": value, **about}


def element(kind: str, name: str, placeholder: str = "", **fields: Any) -> Block:  # noqa: ANN401 - those of Slack
    """Return an input or a menu; a field that is empty is left out."""
    shown = {"placeholder": placeholder and plain_text(placeholder)} | fields
    return {"type": kind, "action_id": name, **{field: value for field, value in shown.items() if value}}


def one_of(kind: str, name: str, labels: Mapping[str, str], chosen: str) -> Block:
    """Return a menu, or radio buttons, for one of the values of `labels`."""
    options = {value: option(label, value) for value, label in labels.items()}
    return element(kind, name, options=[*options.values()], initial_option=options[chosen])


def checkbox(name: str, label: str, *, is_checked: bool = False) -> Block:
    """Return a checkbox that stands alone."""
    boxes = [option(label, "yes")]
    return element("checkboxes", name, options=boxes, initial_options=boxes if is_checked else [])


def input_block(label: str, element: Block, *, optional: bool = True, hint: str = "") -> Block:
    """Return an input; the block has the same name as its element. A hint is below it."""
    block = {"type": "input", "block_id": element["action_id"], "label": plain_text(label), "element": element}
    return block | {"optional": optional} | ({"hint": plain_text(hint)} if hint else {})


class Visibility(StrEnum):
    """The audience of a message, by the values of Slack's `response_type`."""

    IN_CHANNEL = "in_channel"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Message:
    """A message within Slack's limits. `text` is escaped mrkdwn: notifications and screen readers use only that.

    `blocks`, where there are any, are what the eye sees in its place.
    """

    text: str
    visibility: Visibility
    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        """Cut a text that is too long. Each builder bounds its blocks."""
        object.__setattr__(self, "text", fit(self.text, LONGEST_TEXT))


def fits(blocks: Sequence[Block]) -> bool:
    """Return whether Slack takes so many blocks, with such texts, in one message."""
    encoded = _ENCODER.encode(blocks)
    return 2 * len(encoded) <= _MOST_BLOCKS or width(encoded) <= _MOST_BLOCKS


def ephemeral(*lines: str) -> Message:
    """Return a message for one person; empty lines are dropped."""
    return Message(_join(lines), Visibility.EPHEMERAL)


def told(
    lines: Sequence[str], small: str = "", buttons: Sequence[Block] = (), visibility: Visibility = Visibility.IN_CHANNEL
) -> Message:
    """Return a message of lines, the `small` last one, and a row of buttons; without those it has no blocks."""
    text = _join(tuple(lines))
    blocks = (section(text), *([context(small)] if small else []), actions(*buttons)) if buttons else ()
    return Message(_join((text, small)), visibility, blocks)


def from_blocks(blocks: Sequence[Block]) -> Message:
    """Return a message of these blocks for one person; its text has what they say, as far as it fits."""
    return Message(_join(tuple(map(_text_of, blocks))), Visibility.EPHEMERAL, tuple(blocks))


def as_response(message: Message) -> dict[str, Any]:
    """Return the JSON of a message for a slash command's ack or a response_url."""
    blocks = {"blocks": list(message.blocks)} if message.blocks else {}
    unfurl = {"unfurl_links": False, "unfurl_media": False}
    return {"response_type": message.visibility.value, "text": message.text, **blocks, **unfurl}


def digest_of(message: Message) -> str:
    """Return a digest of everything that people see of a message."""
    return hashlib.sha256(json.dumps(as_response(message), sort_keys=True).encode()).hexdigest()


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
        blocks = [{name: value for name, value in one.items() if name != "expand"} for one in self.blocks]
        if not self.title:
            return {"type": "home", "blocks": blocks}
        ids = {"callback_id": self.callback_id, "private_metadata": self.seen}
        return {
            "type": "modal",
            "title": plain_text(self.title),
            **({"submit": plain_text(self.submit)} if self.submit else {}),
            "close": plain_text(self.close),
            **{name: value for name, value in ids.items() if value},
            "blocks": blocks,
        }
