"""The parts that messages of these tests are made of."""

from collections.abc import Mapping

Part = Mapping[str, object]


def plain(text: str) -> Part:
    """A text without any formatting."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Part:
    """A text with formatting."""
    return {"type": "mrkdwn", "text": text}


def button(label: str, action_id: str, **more: object) -> Part:
    """A Block Kit button."""
    return {"type": "button", "action_id": action_id, "text": plain(label), "value": "5", **more}


def actions(*elements: Part) -> Part:
    """A block of buttons."""
    return {"type": "actions", "elements": list(elements)}


def section(text: str, **more: object) -> Part:
    """A block of text."""
    return {"type": "section", "text": mrkdwn(text), **more}


def attachment(*buttons: Part, **more: object) -> Part:
    """A legacy attachment."""
    return {"callback_id": "legacy", "fallback": "An alert", "actions": list(buttons), **more}


def legacy(label: str, **more: object) -> Part:
    """A legacy button."""
    return {"type": "button", "name": label.lower(), "text": label, "value": "5", **more}
