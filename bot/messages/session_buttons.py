"""The Pause and Resume buttons.

https://docs.slack.dev/reference/block-kit/block-elements/button-element
"""

from bot.core.order_version import button_value
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.messages.blocks import Block, confirm, plain_text

ACTIONS = {Verb.PAUSE: "anchor_pause", Verb.RESUME: "anchor_resume"}
"""The `action_id` of each verb's button: a public contract, since any message of this app can carry them.

The `value` is the session id; on the bot's own Resume buttons a version follows it, see `core.order_version`.
"""

CONFIRMED_RESUME = "anchor_resume_confirmed"
"""The `action_id` of a Resume button that asks before the click, as the bot's own do.

A click on the other one is answered with the question, since Slack does not report whether a button asks.
"""

LEGACY_PAUSE = "anchor_pause_legacy"
"""The `callback_id` of an attachment whose buttons pause: a public contract, too. The `value` is the session id.

https://api.slack.com/legacy/message-buttons
"""

PAUSE_FROM_MESSAGE, PAUSE_FROM_MESSAGE_NAME = "anchor_pause_from_message", "Pause Anchor agent"
"""The `callback_id` of the message shortcut, and its name, as manifest.yml declares them."""

VERBS = {action: verb for verb, action in ACTIONS.items()} | {CONFIRMED_RESUME: Verb.RESUME}

_QUESTION = "Resume this agent?"
_EFFECT = "The agent goes on where it was paused."


def button(  # noqa: PLR0913 - the variants of a button
    verb: Verb,
    session_id: SessionId,
    *,
    label: str = "",
    history: str = "",
    is_asked: bool = False,
    version: str = "",
) -> Block:
    """Return the button for this order; every click is a new order by the person who clicks.

    Only Resume asks first, unless the message itself `is_asked`. `history` is mrkdwn about the pause, for that
    question. The default `label` is the verb. Only Resume has a `version`.
    """
    spoken = f"{label}: {verb}" if label else verb.value.capitalize()
    question = f"{history} {_EFFECT}".strip()
    return {
        "type": "button",
        "action_id": ACTIONS[verb] if verb is Verb.PAUSE else CONFIRMED_RESUME,
        "text": plain_text(label or verb.value.capitalize()),
        "value": button_value(session_id, version) if verb is Verb.RESUME and version else session_id,
        "accessibility_label": f"{spoken} session {session_id}",
        **({"confirm": confirm(_QUESTION, question, "Resume")} if verb is Verb.RESUME and not is_asked else {}),
    }


def resume_question(session_id: SessionId, version: str) -> tuple[str, Block]:
    """Return the question in mrkdwn and its button, for a click on a Resume button that did not ask."""
    return f"❔ *{_QUESTION}* {_EFFECT}", button(Verb.RESUME, session_id, is_asked=True, version=version)
