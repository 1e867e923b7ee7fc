"""A card as it is now: what it was posted for, the state of its session, and the button that fits."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core.alert import Alert, Severity
from bot.core.alert_fold import AlertContent
from bot.core.card import CardContent
from bot.core.session import Session
from bot.core.session_id import SessionId
from bot.core.session_state import Phase, SessionState
from bot.messages.alert_card import alert_buttons, alert_head, occurrences
from bot.messages.alert_summary import summary_message
from bot.messages.blocks import Block, actions, section
from bot.messages.message import Message, Visibility, as_response
from bot.messages.phrases import CHECKED
from bot.messages.session_lines import card_facts
from bot.messages.session_state import state_button, state_line

_LONGEST_TEXT = 3_500  # characters; Slack refuses an update with 4,000, and may count an emoji as two
_LATE_RESULT = "a result that Slack did not take in time"
_BROKEN_END = re.compile(r"(<[^>]*|&[a-z]*)$")  # of a link or an entity that was cut


def card_message(
    parts: Sequence[tuple[CardContent, SessionId]],
    states: Mapping[str, SessionState],
    facts: Mapping[SessionId, Session],
    *,
    channel_id: str,
) -> Message:
    """Return the message of a card, with the `states` of sessions. Several parts are the alerts of a summary.

    A reason is shown only in the channel in which it was given. `facts` are known of sessions; those of a result are in
    its text.
    """
    states = {name: _in_channel(state, channel_id) for name, state in states.items()}
    known = {name: card_facts(one, has_ended=_has_ended(states.get(name))) for name, one in facts.items()}
    if len(parts) > 1:
        rows = [(_in_row(*part), states.get(part[1]), known.get(part[1], "")) for part in parts]
        return summary_message(rows)
    ((content, session_id),) = parts
    state = states.get(session_id)
    if isinstance(content, AlertContent):
        head = alert_head(content.alert, occurrences(content), known.get(session_id, ""))
        return _with_state(head, state, alert_buttons(content, state))
    result = Message(content.text, Visibility.IN_CHANNEL, content.blocks)
    if state is None or state.order_id <= content.order_id:
        return result
    button = state_button(session_id, state)
    return _with_state(replace(result, blocks=(section(result.text),)), state, [button] if button else [])


def digest_of(message: Message) -> str:
    """Return a digest of everything that people see of a message."""
    return hashlib.sha256(json.dumps(as_response(message), sort_keys=True).encode()).hexdigest()


def _in_row(content: CardContent, session_id: SessionId) -> AlertContent:
    """Return what a row of a summary is about. The state of its session tells what a late result told."""
    return (
        content
        if isinstance(content, AlertContent)
        else AlertContent(Alert(session_id, _LATE_RESULT, severity=Severity.INFO), 1, 0.0)
    )


def _has_ended(state: SessionState | None) -> bool:
    return state is not None and state.phase in {Phase.ENDED, *CHECKED}


def _in_channel(state: SessionState, channel_id: str) -> SessionState:
    is_for_all = state.phase is Phase.ENDED or state.channel_id == channel_id
    return state if is_for_all else replace(state, reason="")


def _with_state(head: Message, state: SessionState | None, buttons: list[Block]) -> Message:
    line = "" if state is None else state_line(state)
    blocks = (*head.blocks, *([actions(*buttons)] if buttons else []), *([section(line)] if line else []))
    return Message(_text(head.text, line), head.visibility, blocks)


def _text(head: str, line: str) -> str:
    """Return the text of both; the head is cut if they are too long for an update."""
    room = _LONGEST_TEXT - len(line) - len("…\n")
    if len(head) > room:
        head = f"{_BROKEN_END.sub('', head[:room])}…"
    return f"{head}\n{line}" if line else head
