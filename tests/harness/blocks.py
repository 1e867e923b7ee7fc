"""Builders of Block Kit and of legacy attachments, as JSON. https://docs.slack.dev/reference/block-kit"""

from typing import Any

Block = dict[str, Any]


def plain(text: str, **more: Any) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True, **more}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": False}


def section(text: str, **more: Any) -> Block:
    return {"type": "section", "text": mrkdwn(text), **more}


def fields(*texts: str) -> Block:
    return {"type": "section", "fields": [mrkdwn(text) for text in texts]}


def context(*elements: Block) -> Block:
    return {"type": "context", "elements": list(elements)}


def image(alt_text: str, **more: Any) -> Block:
    return {"type": "image", "image_url": "https://a.example/chart.png", "alt_text": alt_text, **more}


def rich_text(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def preformatted(*parts: Block, **more: Any) -> Block:
    return {"type": "rich_text_preformatted", "elements": list(parts), **more}


def words(text: str, **more: Any) -> Block:
    return {"type": "text", "text": text, **more}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


def button(
    action_id: str = "anchor_pause",
    value: str = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b",
    text: str = "Pause",
    **more: Any,
) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": value, **more}


def option(value: str) -> Block:
    return {"text": plain(value), "value": value}


def options(count: int) -> list[Block]:
    return [option(str(number)) for number in range(count)]


def menu(kind: str, **more: Any) -> Block:
    return {"type": kind, "action_id": "choice", **more}


def confirm(title: str = "Sure?", text: str | Block = "It stops.", **more: Any) -> Block:
    asked = mrkdwn(text) if isinstance(text, str) else text
    return {"title": plain(title), "text": asked, "confirm": plain("Yes"), "deny": plain("No"), **more}


def text_input(**more: Any) -> Block:
    return {"type": "plain_text_input", "action_id": "value", **more}


def input_of(element: Block | None = None, block_id: str = "name", **more: Any) -> Block:
    return {"type": "input", "block_id": block_id, "label": plain("Label"), "element": element or text_input(), **more}


def modal(*blocks: Block, title: str | Block = "Settings", submit: str | Block | None = "Save", **more: Any) -> Block:
    texts = {"title": title, "submit": submit}
    own = {name: plain(text) if isinstance(text, str) else text for name, text in texts.items() if text is not None}
    return {"type": "modal", "blocks": list(blocks), **own, **more}


def home(*blocks: Block, **more: Any) -> Block:
    return {"type": "home", "blocks": list(blocks), **more}


def attachment(*buttons: Block, **more: Any) -> Block:
    return {"callback_id": "legacy", "fallback": "An alert", "actions": list(buttons), **more}


def legacy_button(text: str, **more: Any) -> Block:
    return {"type": "button", "name": text.lower(), "text": text, "value": "5", **more}
