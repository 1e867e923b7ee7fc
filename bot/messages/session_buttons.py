"""The Pause and Resume buttons: a public contract, since any message of this app can carry them.

https://docs.slack.dev/reference/block-kit/block-elements/button-element
"""

from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.messages.blocks import Block, plain_text

PAUSE_ACTION = "anchor_pause"
RESUME_ACTION = "anchor_resume"
ACTIONS = {Verb.PAUSE: PAUSE_ACTION, Verb.RESUME: RESUME_ACTION}
"""The `action_id` of each verb's button; its `value` is the session id."""

VERBS = {action: verb for verb, action in ACTIONS.items()}

_STYLES = {Verb.PAUSE: {"style": "danger"}, Verb.RESUME: {}}


def button(verb: Verb, session_id: SessionId) -> Block:
    """Return the button for this order; its accessibility label names the session."""
    return {
        "type": "button",
        "action_id": ACTIONS[verb],
        "text": plain_text(verb.value.capitalize()),
        "value": session_id,
        "accessibility_label": f"{verb.value.capitalize()} session {session_id}",
        **_STYLES[verb],
    }
