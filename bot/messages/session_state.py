"""The state of a session on a card: a line about the last order, and the button that fits."""

from typing import assert_never

from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.core.session_state import Phase, SessionState
from bot.messages.blocks import Block
from bot.messages.markup import code, lines, mention, moment, plain
from bot.messages.phrases import CHECKED, DONE, UNCONFIRMED
from bot.messages.session_buttons import button

_LONGEST_REASON_ASKED = 80  # a confirmation dialog takes 300 characters


def state_line(state: SessionState) -> str:
    """Return the line about the last order: what it did, who gave it, when and why."""
    by, reason = f"{mention(state.user_id)}, {moment(state.at)}", f": {plain(state.reason)}" if state.reason else ""
    match state.phase:
        case Phase.PAUSING:
            return f"⏳ Pausing… Requested by {by}{reason}"
        case Phase.PAUSED | Phase.RESUMED:
            return f"{DONE[state.verb]} by {by}{reason}"
        case Phase.UNCONFIRMED:
            return f"{UNCONFIRMED[state.verb]} Requested by {by}{reason}"
        case Phase.NOT_RUNNING | Phase.NOT_FOUND:
            return f"{CHECKED[state.phase]} by {by}"
        case Phase.ENDED:
            return f"🔹 Ended, Anchor's status: {code(state.reason)}, {moment(state.at)}"
        case never:
            assert_never(never)


def state_button(session_id: SessionId, state: SessionState) -> Block | None:
    """Return the button that fits, if there is anything to pause or resume."""
    return None if state.phase in {Phase.ENDED, *CHECKED} else next_button(session_id, state)


def next_button(session_id: SessionId, state: SessionState) -> Block:
    """Return the button for the next order. Resume asks first, and says who paused."""
    if state.phase is Phase.PAUSED:
        reason = f": {lines(' '.join(state.reason.split()), limit=_LONGEST_REASON_ASKED)}" if state.reason else ""
        history = f"Paused by {mention(state.user_id)}, {moment(state.at)}{reason}."
        return button(Verb.RESUME, session_id, history=history, version=state.order_id)
    verb = state.verb if state.phase is Phase.UNCONFIRMED else Verb.PAUSE
    return button(verb, session_id, version=state.order_id)
