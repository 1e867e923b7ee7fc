"""A click on a button, read from Slack's payload.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.card import Card
from bot.core.messages.actions import VERBS
from bot.core.requests import ReplyAddress, Verb
from bot.inbound.address import read_address


@dataclass(frozen=True, slots=True)
class Click:
    """Who clicked what, where. `card` is the message as it was then, None where Slack does not say (ephemeral ones).

    `message_ts` names the message in its channel; `thread_ts` is the thread that an answer to it belongs to.
    """

    verb: Verb
    value: str
    address: ReplyAddress
    trigger_id: str | None
    message_ts: str
    thread_ts: str
    is_ephemeral: bool
    card: Card | None


def read_click(payload: Mapping[str, Any]) -> Click:
    """Read a picked payload of `block_actions` whose action is one of ours."""
    action = payload["actions"][0]
    container = payload.get("container", {})
    message = payload.get("message")
    message_ts = _text(container, "message_ts")
    is_ephemeral = container.get("is_ephemeral") is True
    return Click(
        verb=VERBS[action["action_id"]],
        value=_text(action, "value"),
        address=read_address(payload),
        trigger_id=payload.get("trigger_id"),
        message_ts=message_ts,
        thread_ts=_text(container, "thread_ts") or ("" if is_ephemeral else message_ts),
        is_ephemeral=is_ephemeral,
        card=_read_card(message) if message else None,
    )


def _read_card(message: Mapping[str, Any]) -> Card:
    return Card(_text(message, "text"), _objects(message, "blocks"), _objects(message, "attachments"))


def _text(holder: Mapping[str, Any], field: str) -> str:
    value = holder.get(field)
    return value if isinstance(value, str) else ""


def _objects(holder: Mapping[str, Any], field: str) -> tuple[dict[str, Any], ...]:
    value = holder.get(field)
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
