"""The summary of alerts about many sessions: a heading, and a row with a button for each session."""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.alert import Severity
from bot.core.alert_fold import AlertContent
from bot.core.session_state import Phase, SessionState
from bot.messages.alert_card import SEVERITY_SIGNS, about_session, alert_buttons, heading, occurrences
from bot.messages.blocks import Block, mrkdwn, text_length
from bot.messages.markup import code
from bot.messages.message import Message, Visibility
from bot.messages.session_state import state_line

_FIRING = "alert"

_LONGEST = 8_000
"""Characters of all texts of the rows. Slack refuses a message with more than about 10,000, or 16,000 with the JSON
around them, and does not document that: https://github.com/slackapi/bolt-js/issues/2867
"""

Row = tuple[AlertContent, SessionState | None, str]
"""The alerts of a session, its state, and what is known of it."""


def summary_message(rows: Sequence[Row]) -> Message:
    """Return the message about the alerts of several sessions, at most MOST_IN_SUMMARY.

    If it is too long, all rows lose the facts, and then also the reasons of orders.
    """
    severities = [content.alert.severity for content, _, _ in rows]
    sign = SEVERITY_SIGNS[max(severities, key=list(Severity).index)]
    title = f"{sign}: alerts about *{len(rows)} sessions*"
    words = [f"{code(content.alert.session_id)} {state.phase if state else _FIRING}" for content, state, _ in rows]
    shown = list(map(_row, rows))
    for shorter in (_without_facts, _without_reason):
        if text_length(shown) > _LONGEST:
            rows = list(map(shorter, rows))
            shown = list(map(_row, rows))
    blocks = ({"type": "section", "text": mrkdwn(title, verbatim=True)}, *shown)
    return Message("\n".join([title, *words]), Visibility.IN_CHANNEL, blocks)


def _without_facts(row: Row) -> Row:
    content, state, _ = row
    return content, state, ""


def _without_reason(row: Row) -> Row:
    content, state, facts = row
    return content, replace(state, reason="") if state and state.phase is not Phase.ENDED else state, facts


def _row(row: Row) -> Block:
    content, state, facts = row
    about = about_session(content.alert, facts)
    lines = (f"{heading(content.alert)} {occurrences(content)}".rstrip(), about, state_line(state) if state else "")
    buttons = alert_buttons(content, state)
    text = mrkdwn("\n".join(line for line in lines if line), verbatim=True)
    return {"type": "section", "text": text, **({"accessory": buttons[0]} if buttons else {})}
