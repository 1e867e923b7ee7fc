"""Builders of Block Kit and of legacy attachments, as JSON. https://docs.slack.dev/reference/block-kit"""

from typing import Any

Block = dict[str, Any]


def plain(text: str, **more: Any) -> Block:
    """A text without any formatting."""
    return {"type": "plain_text", "text": text, **more}


def mrkdwn(text: str) -> Block:
    """A text with formatting."""
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: Any) -> Block:
    """A block of text."""
    return {"type": "section", "text": mrkdwn(text), **more}


def fields(*texts: str) -> Block:
    """A block of texts in two columns."""
    return {"type": "section", "fields": [mrkdwn(text) for text in texts]}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(text)}


def context(*elements: Block) -> Block:
    """A block of small texts and images."""
    return {"type": "context", "elements": list(elements)}


def image(alt_text: str, **more: Any) -> Block:
    """An image, as a block or as an element."""
    return {"type": "image", "image_url": "https://a.example/chart.png", "alt_text": alt_text, **more}


def actions(*elements: Block, **more: Any) -> Block:
    """A block of buttons and menus."""
    return {"type": "actions", "elements": list(elements), **more}


def button(
    action_id: str = "anchor_pause",
    value: str = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b",
    text: str = "Pause",
    **more: Any,
) -> Block:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": plain(text), "value": value, **more}


def menu(placeholder: str) -> Block:
    """A menu with one option."""
    option = {"text": plain("x"), "value": "x"}
    return {"type": "static_select", "action_id": "menu", "placeholder": plain(placeholder), "options": [option]}


def confirm(title: str = "Sure?", text: str = "Really?", *, yes: str = "Do it", no: str = "Cancel") -> Block:
    """The question that a button or a menu asks first."""
    return {"title": plain(title), "text": mrkdwn(text), "confirm": plain(yes), "deny": plain(no)}


def input_block(kind: str, name: str = "field", *, label: str = "Field", **element: Any) -> Block:
    """A block with one element to fill in, both of this name. `optional` and `hint` belong to the block."""
    block: Block = {"type": "input", "block_id": name, "label": plain(label)}
    if element.pop("optional", False):
        block["optional"] = True
    if hint := element.pop("hint", ""):
        block["hint"] = plain(hint)
    return {**block, "element": {"type": kind, "action_id": name, **element}}


def modal(*blocks: Block, title: str = "A modal", submit: str | None = "Save", **more: Any) -> Block:
    """A modal; without `submit` it has no such button."""
    own = {"submit": plain(submit)} if submit else {}
    return {"type": "modal", "title": plain(title), "blocks": list(blocks), **own, **more}


def attachment(*buttons: Block, **more: Any) -> Block:
    """A legacy attachment."""
    return {"callback_id": "legacy", "fallback": "An alert", "actions": list(buttons), **more}


def legacy_button(text: str, **more: Any) -> Block:
    """A button of a legacy attachment."""
    return {"type": "button", "name": text.lower(), "text": text, "value": "5", **more}
