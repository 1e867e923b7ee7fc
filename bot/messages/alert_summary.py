"""The summary of alerts about many sessions: a heading, and a row with a button for each session."""

from collections.abc import Sequence

from bot.core.alert import Severity
from bot.core.alert_fold import AlertContent
from bot.core.session_state import SessionState
from bot.messages.alert_card import SEVERITY_SIGNS, about_session, alert_buttons, heading, occurrences
from bot.messages.blocks import Block, mrkdwn
from bot.messages.markup import code
from bot.messages.message import Message, Visibility
from bot.messages.session_state import state_line

_FIRING = "alert"

Row = tuple[AlertContent, SessionState | None, str]
"""The alerts of a session, its state, and what is known of it."""


def summary_message(rows: Sequence[Row]) -> Message:
    """Return the message about the alerts of several sessions, at most 49: a message has 50 blocks."""
    severities = [content.alert.severity for content, _, _ in rows]
    sign = SEVERITY_SIGNS[max(severities, key=list(Severity).index)]
    title = f"{sign}: alerts about *{len(rows)} sessions*"
    words = [f"{code(content.alert.session_id)} {state.phase if state else _FIRING}" for content, state, _ in rows]
    blocks = ({"type": "section", "text": mrkdwn(title, verbatim=True)}, *map(_row, rows))
    return Message("\n".join([title, *words]), Visibility.IN_CHANNEL, blocks)


def _row(row: Row) -> Block:
    content, state, facts = row
    about = about_session(content.alert, facts)
    lines = (f"{heading(content.alert)} {occurrences(content)}".rstrip(), about, state_line(state) if state else "")
    buttons = alert_buttons(content, state)
    text = mrkdwn("\n".join(line for line in lines if line), verbatim=True)
    return {"type": "section", "text": text, **({"accessory": buttons[0]} if buttons else {})}
