"""Read the payload of a message shortcut.

https://docs.slack.dev/interactivity/implementing-shortcuts
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.core.fields import object_field, object_list_field, text_field
from bot.core.requests import ReplyAddress
from bot.core.session_ids import Mentions, SessionId, find_mentions, words_with_ids
from bot.messages.pausing import ALL, MOST_SHOWN, NO_SESSION, NOTHING_CHOSEN, PASTED, SESSIONS

_SELECTED = "selected_options"
_TS = re.compile(r"\d{1,12}\.\d{1,6}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]{1,80}", re.ASCII)
_GOV_SLACK = re.compile(r"https://[a-z0-9.-]+\.slack-gov\.com/", re.ASCII)


@dataclass(frozen=True, slots=True)
class MessageShortcut:
    """A shortcut that was used on a message: the session ids in that, and the address of its thread."""

    mentions: Mentions
    address: ReplyAddress
    trigger_id: str | None


def read_message_shortcut(payload: Mapping[str, Any], address: ReplyAddress) -> MessageShortcut:
    """Read a `message_action` payload."""
    message = object_field(payload, "message")
    thread_ts = text_field(message, "thread_ts") or text_field(payload, "message_ts")
    return MessageShortcut(
        mentions=find_mentions(message),
        address=replace(address, thread_ts=thread_ts or None, message_url=_message_url(payload, message)),
        trigger_id=payload.get("trigger_id"),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """The sessions that were chosen or pasted; `problem` is the error for the input `field` if there are none."""

    session_ids: tuple[SessionId, ...]
    field: str
    problem: str


def read_choice(payload: Mapping[str, Any]) -> Choice:
    """Read a submitted modal, which went through the client."""
    view = object_field(payload, "view")
    state = object_field(object_field(view, "state"), "values")
    inputs = {name: object_field(object_field(state, name), name) for name in state}
    chosen = {name: object_list_field(holder, _SELECTED) for name, holder in inputs.items()}
    if chosen.get(ALL):
        elements = [object_field(block, "element") for block in object_list_field(view, "blocks")]
        boxes = [box for element in elements for box in object_list_field(element, "options")]
    else:
        boxes = [box for some in chosen.values() for box in some]
    texts = [*(text_field(box, "value") for box in boxes), text_field(inputs.get(PASTED), "value")]
    ids = dict.fromkeys(found for text in texts for _, some in words_with_ids(text) for found in some)
    field, problem = (PASTED, NO_SESSION) if PASTED in state else (f"{SESSIONS}_0", NOTHING_CHOSEN)
    return Choice(tuple(ids)[:MOST_SHOWN], field, problem)


def _message_url(payload: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """Return the link to a message, as Slack's clients copy it; "" if Slack does not say where it is.

    chat.getPermalink would need membership. https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    domain, ts = text_field(payload.get("team"), "domain"), text_field(payload, "message_ts")
    channel_id, thread_ts = text_field(payload.get("channel"), "id"), text_field(message, "thread_ts")
    if not (_DOMAIN.fullmatch(domain) and _TS.fullmatch(ts) and channel_id):
        return ""
    host = "slack-gov.com" if _GOV_SLACK.match(text_field(payload, "response_url")) else "slack.com"
    thread = f"?thread_ts={thread_ts}&cid={channel_id}" if _TS.fullmatch(thread_ts) and thread_ts != ts else ""
    return f"https://{domain}.{host}/archives/{channel_id}/p{ts.replace('.', '')}{thread}"
