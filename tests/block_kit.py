"""Block Kit and views as an app writes them, with the defaults that Slack would fill in."""

from typing import Any

Block = dict[str, Any]

SESSION = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": False}


def section(text: str, **more: object) -> Block:
    return {"type": "section", "text": mrkdwn(text)} | more


def actions(*elements: Block, **more: object) -> Block:
    return {"type": "actions", "elements": list(elements)} | more


def button(action_id: str = "anchor_pause", value: str = SESSION, text: str = "Pause", **more: object) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": value} | more


def confirm(**more: object) -> Block:
    return {"title": plain("Sure?"), "text": mrkdwn("It stops."), "confirm": plain("Yes"), "deny": plain("No")} | more


def option(value: str) -> Block:
    return {"text": plain(value), "value": value}


def options(count: int) -> list[Block]:
    return [option(str(number)) for number in range(count)]


def menu(kind: str, **more: object) -> Block:
    """A menu, checkboxes or radio buttons."""
    return {"type": kind, "action_id": "choice"} | more


def text_input(**more: object) -> Block:
    return {"type": "plain_text_input", "action_id": "value"} | more


def input_block(element: Block | None = None, block_id: str = "name", **more: object) -> Block:
    """An input, for a text unless it is for another element."""
    return {"type": "input", "block_id": block_id, "label": plain("Label"), "element": element or text_input()} | more


def modal(*blocks: Block, **more: object) -> Block:
    return {"type": "modal", "title": plain("Settings"), "submit": plain("Save"), "blocks": list(blocks)} | more


def home(*blocks: Block, **more: object) -> Block:
    return {"type": "home", "blocks": list(blocks)} | more
