"""Buttons and menus, of sessions and for admins."""

from collections.abc import Collection, Sequence
from typing import Any

from bot.core.commands import Choice
from bot.core.orders import Verb, button_value
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, SessionState
from bot.messages.blocks import Block, element, mrkdwn, plain_text
from bot.messages.markup import MOST_NAMED, code, joined

SET_KEY = "anchor_set_key"
CHANGE_POLICY = "anchor_change_policy"
ALERTS_CHANNEL = "anchor_alerts_channel"
ALERTS_GROUP = "anchor_alerts_group"
AUTO_PAUSE = "anchor_auto_pause"
ALERTS_TOKEN = "anchor_alerts_token"  # noqa: S105 - the name of a button
ALERTS_SENDER = "anchor_alerts_sender"
HISTORY = "anchor_history"
READ_LIST = "anchor_read_list"
RESUME_BATCH = "anchor_resume_batch"
PAUSE_SEVERAL = "anchor_pause_several"
"""The `action_id` of each; the modal that a control opens has it as its `callback_id`."""

ROW = "anchor_row_"  # the beginning of the `block_id` of a session's controls in a list

_LONGEST_NAME = 40

ACTIONS = {Verb.PAUSE: "anchor_pause", Verb.RESUME: "anchor_resume", Verb.END: "anchor_end"}
"""The `action_id` of each verb's button. That of a pause and that of a resume are a public contract, since any message
of this app can carry them.

The `value` is the session id; on the bot's own Resume buttons a version follows it, see `core.orders`.
"""

CONFIRMED_RESUME = "anchor_resume_confirmed"
"""The `action_id` of a Resume button that asks before the click, as the bot's own do.

A click on one that does not ask is answered with the question, since Slack does not report whether a button asks.
"""

LEGACY_PAUSE = "anchor_pause_legacy"
"""The `callback_id` of an attachment whose buttons pause: a public contract, too. The `value` is the session id.

https://api.slack.com/legacy/message-buttons
"""

PAUSE_FROM_MESSAGE, PAUSE_FROM_MESSAGE_NAME = "anchor_pause_from_message", "Pause Anchor agent"
"""The `callback_id` of the message shortcut, and its name, as manifest.yml declares them."""

ALERT_CHANNELS = {
    "include": ["public", "private"],
    "exclude_bot_users": True,
    "exclude_external_shared_channels": True,  # the people of the other company would read the alerts
}
"""The filter of menus for the channels of alerts."""

_LABELS = {Verb.PAUSE: "Pause", Verb.RESUME: "Resume", Verb.END: "End session"}
QUESTION = "Resume this agent?"
EFFECT = "The agent goes on where it was paused."
"""What Resume asks."""

_BATCH_EFFECT = "They go on where they were paused. Those with a newer request stay as they are."

END_EFFECT = (
    "The browser, its pages and the agent's run are lost. A profile is kept only if the session was made to persist "
    "it. This can't be undone."
)


def set_key_button(verb: str) -> Block:
    """Return the button that opens the modal for the key; `verb` is "Set" or "Replace"."""
    return plain_button(SET_KEY, f"{verb} Anchor API key") | {"style": "primary"}


def channels_select(name: str, placeholder: str, chosen: Collection[str], kinds: Block) -> Block:
    """Return the menu that chooses channels; `kinds` is Slack's filter for them."""
    selected = {"max_selected_items": MOST_NAMED, "filter": kinds, "initial_conversations": sorted(chosen)}
    return element("multi_conversations_select", name, placeholder, **selected)


def plain_button(action_id: str, label: str) -> Block:
    """Return a button without a value."""
    return {"type": "button", "action_id": action_id, "text": plain_text(label)}


def several_button(choice: Choice, label: str = "Pause several…") -> Block:
    """Return the button that opens the window in which people pause sessions at once."""
    return plain_button(PAUSE_SEVERAL, label) | {"value": choice.as_text()}


def resume_batch_button(batch_id: str) -> Block:
    """Return the button that resumes what was paused at once. It asks first."""
    question = {
        "title": plain_text("Resume these agents?"),
        "text": mrkdwn(_BATCH_EFFECT),
        "confirm": plain_text("Resume"),
        "deny": plain_text("Cancel"),
    }
    return plain_button(RESUME_BATCH, "Resume these…") | {"value": batch_id, "confirm": question}


def several_of(rows: Sequence[Block]) -> list[Block]:
    """Return that button for the sessions of the rows that have Pause, if there are several."""
    beside = [row.get("accessory", {}) for row in rows]
    ids = tuple(SessionId(one["value"]) for one in beside if one.get("action_id") == ACTIONS[Verb.PAUSE])
    return [several_button(Choice(ids=ids))] if len(ids) > 1 else []


VERBS = {action: verb for verb, action in ACTIONS.items()}
VERBS |= {CONFIRMED_RESUME: Verb.RESUME}


def button(  # noqa: PLR0913 - the variants of a button
    verb: Verb,
    session_id: SessionId,
    *,
    name: str = "",
    label: str = "",
    is_asked: bool = False,
    is_red: bool = False,
    version: str = "",
) -> Block:
    """Return the button for this order; every click is a new order by the person who clicks.

    Resume and End ask first, unless the message itself `is_asked`. `name` is that of the agent. Only Resume has a
    `version`. End is always red.
    """
    about = joined(code(name, limit=_LONGEST_NAME) if name else "", code(session_id[:8]))
    questions = {
        Verb.RESUME: (QUESTION, f"{about}. {EFFECT}"),
        Verb.END: ("End this session?", f"{about}. {END_EFFECT}"),
    }
    style, confirm = {"style": "danger"} if is_red or verb is Verb.END else {}, dict[str, Any]()
    if verb in questions and not is_asked:
        title, text = questions[verb]
        confirm = {"title": plain_text(title), "text": mrkdwn(text), "confirm": plain_text(_LABELS[verb]), **style}
    return {
        "type": "button",
        "action_id": CONFIRMED_RESUME if verb is Verb.RESUME else ACTIONS[verb],
        "text": plain_text(label or _LABELS[verb]),
        "value": button_value(session_id, version) if verb is Verb.RESUME and version else session_id,
        "accessibility_label": f"{f'{label}: {verb}' if label else verb.capitalize()} {_spoken(session_id, name)}",
        **style,
        **({"confirm": confirm | {"deny": plain_text("Cancel")}} if confirm else {}),
    }


def _spoken(session_id: SessionId, name: str) -> str:
    """Return how a button is read aloud: by the agent's name and the digits that tell it from others, or by the id."""
    return f"{name} {session_id[:8]}" if name else f"session {session_id}"


def paused_buttons(session_id: SessionId, name: str, allowed: Collection[Verb]) -> list[Block]:
    """Return the buttons beside Resume: somebody can have resumed it elsewhere, and a second pause does no harm."""
    return [
        *([button(Verb.PAUSE, session_id, name=name, label="Pause again")] if Verb.PAUSE in allowed else []),
        *([button(Verb.END, session_id, name=name)] if Verb.END in allowed else []),
    ]


def state_button(session_id: SessionId, state: SessionState, name: str = "") -> Block | None:
    """Return the button that fits, unless the session has ended."""
    if state.phase is Phase.ENDED:
        return None
    verb = state.verb if state.phase is Phase.UNCONFIRMED else Verb.PAUSE  # one that does not run can be starting
    return button(Verb.RESUME if state.phase is Phase.PAUSED else verb, session_id, name=name, version=state.order_id)


def state_buttons(session_id: SessionId, state: SessionState, name: str = "") -> list[Block]:
    """Return the buttons that fit, Pause first: the agent can run after a resume that is not confirmed."""
    one = state_button(session_id, state, name)
    can_run = state.phase is Phase.UNCONFIRMED and state.verb is Verb.RESUME
    return ([button(Verb.PAUSE, session_id, name=name)] if can_run else []) + ([one] if one else [])
