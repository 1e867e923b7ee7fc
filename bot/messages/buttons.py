"""Buttons and menus, of sessions and for admins, and a session and its state in one line."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from bot.core.outcomes import Refusal, Why
from bot.core.requests import Verb, button_value
from bot.core.session_ids import SessionId
from bot.core.sessions import Choice, Life, Phase, Session, SessionState
from bot.core.workspace import AutoPause
from bot.messages import markup
from bot.messages.blocks import Block, element, input_block, mrkdwn, one_of, option, plain_text
from bot.messages.markup import MOST_NAMED, code, fit, mention, moment, name, plain, width
from bot.messages.outcomes import CHECKED, UNCONFIRMED, done, earlier, worded

SET_KEY = "anchor_set_key"
REMOVE_KEY = "anchor_remove_key"
KEY_MENU = "anchor_key_menu"
CHANGE_POLICY = "anchor_change_policy"
ALERTS_CHANNEL = "anchor_alerts_channel"
ALERTS_GROUP = "anchor_alerts_group"
AUTO_PAUSE = "anchor_auto_pause"
TEST_ALERT = "anchor_test_alert"
ALERTS_TOKEN = "anchor_alerts_token"  # noqa: S105 - the name of a button
ALERTS_SENDER = "anchor_alerts_sender"
HISTORY = "anchor_history"
READ_LIST = "anchor_read_list"
RESUME_BATCH = "anchor_resume_batch"
PAUSE_SEVERAL = "anchor_pause_several"
PAUSE_AGAIN = "anchor_pause_again"
"""The `action_id` of each; the modal that a control opens has it as its `callback_id`."""

ROW = "anchor_row_"  # the beginning of the `block_id` of a session's controls in a list

_LONGEST_KEY = 1000
_MOST_TAGS = 3
_LONGEST_NAME = 24
_LONGEST_HOST = 40
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

ACTIONS = {Verb.PAUSE: "anchor_pause", Verb.RESUME: "anchor_resume", Verb.END: "anchor_end"}
"""The `action_id` of each verb's button. That of a pause and that of a resume are a public contract, since any message
of this app can carry them.

The `value` is the session id; on the bot's own Resume buttons a version follows it, see `core.requests`.
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

_QUESTION = "Resume this agent?"
_EFFECT = "The agent goes on where it was paused."

_LONGEST_QUESTION = 300  # https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
_LONGEST_REASON_ASKED = 80

END_EFFECT = (
    "The browser, its pages and the agent's run are lost. A profile is kept only if the session was made to persist "
    "it. This can't be undone."
)


def set_key_button(verb: str) -> Block:
    """Return the button that opens the modal for the key; `verb` is "Set" or "Replace"."""
    return plain_button(SET_KEY, f"{verb} Anchor API key") | {"style": "primary"}


def key_menu() -> Block:
    """Return the menu that replaces or removes the key; the value of an option names the modal."""
    options = [option("Replace key", SET_KEY), option("Remove key", REMOVE_KEY)]
    return element("overflow", KEY_MENU, options=options)


def key_input(name: str) -> Block:
    """Return the input for an API key of Anchor's."""
    hint = "Slack shows it while you type: make sure that nobody else sees your screen."
    key = element("plain_text_input", name, max_length=_LONGEST_KEY, focus_on_load=True)
    return input_block("API key", key, optional=False, hint=hint)


def people_select(name: str, placeholder: str, chosen: Collection[str]) -> Block:
    """Return the menu that chooses people."""
    selected = {"max_selected_items": MOST_NAMED, "initial_users": sorted(chosen)}
    return element("multi_users_select", name, placeholder, **selected)


def channels_select(name: str, placeholder: str, chosen: Collection[str], kinds: Block) -> Block:
    """Return the menu that chooses channels; `kinds` is Slack's filter for them."""
    selected = {"max_selected_items": MOST_NAMED, "filter": kinds, "initial_conversations": sorted(chosen)}
    return element("multi_conversations_select", name, placeholder, **selected)


def alerts_channel_select(chosen: str | None) -> Block:
    """Return the menu that chooses the channel for alerts."""
    # Slack keeps what somebody has chosen while block and element have the same ids, so a block with it needs a new
    # one when it is to show the stored one: https://docs.slack.dev/reference/views
    chosen_before = {"filter": ALERT_CHANNELS, "initial_conversation": chosen}
    return element("conversations_select", ALERTS_CHANNEL, "Choose a channel", **chosen_before)


def alerts_group_input(chosen: str | None) -> Block:
    """Return the input for the user group of critical alerts, sent by Enter: Slack has no menu of user groups."""
    group = element("plain_text_input", ALERTS_GROUP, "S0123456789", initial_value=chosen)
    label = "User group that critical alerts mention: its id, then Enter"
    return input_block(label, group) | {"dispatch_action": True}


def auto_pause_select(mode: AutoPause) -> Block:
    """Return the menu for the effect of alerts that ask for a pause; a value has the one that was seen, too."""
    labels = {f"{mode} {one}": one.capitalize() for one in AutoPause}
    return one_of("static_select", AUTO_PAUSE, labels, f"{mode} {mode}")


def plain_button(action_id: str, label: str) -> Block:
    """Return a button without a value."""
    return {"type": "button", "action_id": action_id, "text": plain_text(label)}


def several_button(choice: Choice, label: str = "Pause several…") -> Block:
    """Return the button that opens the window in which people pause sessions at once."""
    return plain_button(PAUSE_SEVERAL, label) | {"value": choice.as_text()}


def several_of(rows: Sequence[Block]) -> list[Block]:
    """Return that button for the sessions of the rows that have Pause, if there are several."""
    beside = [row.get("accessory", {}) for row in rows]
    ids = tuple(SessionId(one["value"]) for one in beside if one.get("action_id") == ACTIONS[Verb.PAUSE])
    return [several_button(Choice(ids=ids))] if len(ids) > 1 else []


def agent_name(session: Session) -> str:
    """Return the name by which people know a session: its first tag, else its host, else its start; "" without any."""
    if session.tags:
        return name(session.tags[0], limit=_LONGEST_NAME)
    if session.domains:
        return name(session.domains[0], limit=_LONGEST_HOST)
    return "" if session.created_at is None else f"Session of {moment(session.created_at)}"


def spoken_name(session: Session | None) -> str:
    """Return the name of an agent as it is read aloud: its first tag, else its host; "" without any."""
    return markup.one_line(next(iter((*session.tags, *session.domains)), ""), limit=_LONGEST_HOST) if session else ""


def session_line(session: Session, *, now: float, paused: SessionState | None = None) -> str:
    """Return the line of a session in a list, the id last but for its pause; `now` is in Unix seconds."""
    last = state_line(paused.without_reason()) if paused else ""
    return _joined(*_named_facts(session, now), code(session.id[:8]), last)


def session_facts(session: Session, *, now: float) -> str:
    """Return what is known of a session, for everybody in a channel; "" if that is nothing."""
    has_end = session.life is not Life.ENDED and session.ends_at is not None and session.ends_at > now
    return _joined(*_named_facts(replace(session, key_name=""), now), _end(session) if has_end else "")


def known_facts(known: Session | None, *, now: float, has_ended: bool = False) -> str:
    """Return the same, or "" if nothing is known. What was read before a session ended is not said of it after that."""
    if known is not None and has_ended:
        known = replace(known.lasting(), max_minutes=None)
    return session_facts(known, now=now) if known else ""


def card_facts(session: Session, *, has_ended: bool) -> str:
    """Return what a card says of a session beside its name, without an age, since it stays so for long; or ""."""
    is_named_by_start = not session.tags and not session.domains
    has_start = session.created_at is not None and not is_named_by_start
    return _joined(
        _host(session),
        *_lasting_facts(session),
        f"started {moment(session.created_at or 0.0)}" if has_start else "",
        "" if has_ended else _end(session),
    )


def _joined(*facts: str) -> str:
    return " · ".join(fact for fact in facts if fact)


def _named_facts(session: Session, now: float) -> list[str]:
    agent = agent_name(session)
    bold = f"*{agent}*" if agent else ""
    return [f"{bold} {_host(session)}".strip(), *_facts(session, now)]


def _host(session: Session) -> str:
    """Return where a session with a tag is; another one is named by its host."""
    if not session.domains:
        return ""
    others = f" +{len(session.domains) - 1}" if len(session.domains) > 1 else ""
    return (f"on {code(session.domains[0], limit=_LONGEST_HOST)}{others}" if session.tags else others).strip()


def _lasting_facts(session: Session) -> list[str]:
    return [
        _some(session.tags[1:], most=_MOST_TAGS - 1, limit=_LONGEST_NAME),
        f"started with key {code(session.key_name, limit=_LONGEST_NAME)}" if session.key_name else "",
        {True: "Anchor task", False: "outside program", None: ""}[session.is_task],
    ]


def _facts(session: Session, now: float) -> list[str]:
    is_running, ago = session.life is Life.RUNNING, age(now - (session.created_at or 0.0))
    is_stated = not is_running and session.status
    return [
        "" if session.created_at is None else f"running {ago}" if is_running else f"started {ago} ago",
        "" if session.steps is None else _steps(session.steps),
        *_lasting_facts(session),
        "" if session.credits is None else f"{session.credits:.4g} credits",
        f"status {code(session.status, limit=_LONGEST_NAME)}" if is_stated else "",
    ]


def _steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"


def _end(session: Session) -> str:
    return "" if session.ends_at is None else f"Anchor ends it by {markup.time_of(session.ends_at)}"


def age(seconds: float) -> str:
    """Return an age in its two largest units."""
    if seconds < _MINUTE:
        return "under 1 min"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def _some(names: Sequence[str], *, most: int, limit: int) -> str:
    more = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(code(name, limit=limit) for name in names[:most]) + more


VERBS = {action: verb for verb, action in ACTIONS.items()}
VERBS |= {CONFIRMED_RESUME: Verb.RESUME, PAUSE_AGAIN: Verb.PAUSE}


def button(  # noqa: PLR0913 - the variants of a button
    verb: Verb,
    session_id: SessionId,
    *,
    name: str = "",
    label: str = "",
    history: str = "",
    is_asked: bool = False,
    version: str = "",
) -> Block:
    """Return the button for this order; every click is a new order by the person who clicks.

    Only Resume asks first, unless the message itself `is_asked`. `history` is mrkdwn about the pause, for that
    question. The default `label` is the verb, and `name` is the spoken one. Only Resume has a `version`.
    """
    spoken = f"{label}: {verb}" if label else verb.value.capitalize()
    question = {
        "title": plain_text(_QUESTION),
        "text": mrkdwn(fit(f"{history} {_EFFECT}".strip(), _LONGEST_QUESTION)),
        "confirm": plain_text("Resume"),
        "deny": plain_text("Cancel"),
    }
    return {
        "type": "button",
        "action_id": ACTIONS[verb] if verb is Verb.PAUSE else CONFIRMED_RESUME,
        "text": plain_text(label or verb.value.capitalize()),
        "value": button_value(session_id, version) if verb is Verb.RESUME and version else session_id,
        "accessibility_label": f"{spoken} {name or f'session {session_id}'}",
        **({"confirm": question} if verb is Verb.RESUME and not is_asked else {}),
    }


def paused_buttons(session: Session, allowed: Collection[Verb], *, now: float) -> list[Block]:
    """Return the buttons beside Resume: somebody can have resumed it elsewhere, and a second pause does no harm."""
    label = f"Pause {spoken_name(session) or f'session {session.id}'} again"
    again = plain_button(PAUSE_AGAIN, "Pause again") | {"value": session.id, "accessibility_label": label}
    end = [end_button(session.id, session, now=now)] if Verb.END in allowed else []
    return [*([again] if Verb.PAUSE in allowed else []), *end]


def end_button(session_id: SessionId, known: Session | None, *, now: float) -> Block:
    """Return the button that ends a session, which asks first. `known` is what is known of it `now` (Unix seconds)."""
    facts = [] if known is None else filter(None, _facts_of_question(known, now))
    about = fit(" · ".join([code(session_id[:8]), *facts]), _LONGEST_QUESTION - width(END_EFFECT) - 2)
    question = {
        "title": plain_text("End this session?"),
        "text": mrkdwn(f"{about}. {END_EFFECT}"),
        "confirm": plain_text("End session"),
        "deny": plain_text("Cancel"),
        "style": "danger",
    }
    return {
        "type": "button",
        "action_id": ACTIONS[Verb.END],
        "text": plain_text("End session"),
        "style": "danger",
        "value": session_id,
        "accessibility_label": f"End {spoken_name(known) or f'session {session_id}'}",
        "confirm": question,
    }


def _facts_of_question(known: Session, now: float) -> Iterator[str]:
    """Yield host, age, steps and tags; what a message says of an age is true of the time at which it was posted."""
    if known.domains:
        yield code(known.domains[0], limit=_LONGEST_HOST)
    if known.created_at is not None:
        yield f"{age(now - known.created_at)} old when this was posted"
    if known.steps is not None:
        yield _steps(known.steps)
    yield _some(known.tags, most=_MOST_TAGS, limit=_LONGEST_NAME)


def resume_question(session_id: SessionId, version: str) -> tuple[str, Block]:
    """Return the question in mrkdwn and its button, for a click on a Resume button that did not ask."""
    return f"❔ *{_QUESTION}* {_EFFECT}", button(Verb.RESUME, session_id, is_asked=True, version=version)


def _verdict(state: SessionState) -> str:
    verdicts = CHECKED | {
        Phase.PAUSING: "⏳ *Pausing…*",
        Phase.UNCONFIRMED: UNCONFIRMED[state.verb],
        **({} if state.user_id else {Phase.ENDED: "*Ended*"}),
    }
    return verdicts.get(state.phase, done(state.verb, state.user_id))


def is_done(state: SessionState) -> bool:
    """Return whether an order has left the state: Anchor alone can have ended the session."""
    return state.phase in {Phase.PAUSED, Phase.RESUMED} or (state.phase is Phase.ENDED and bool(state.user_id))


def state_line(state: SessionState) -> str:
    """Return the line about the last order: what it did, who gave it, when and why."""
    if is_done(state):
        return f"{_verdict(state)} by {_by(state)}"
    if state.phase in CHECKED:
        return f"{_verdict(state)}, checked {_checker(state)}"
    details = state_details(state)
    return details if state.phase is Phase.ENDED else f"{_verdict(state)} {details}"


def state_headline(state: SessionState) -> str:
    """Return the state in a few words, for the first line of a card."""
    by = f" by {mention(state.user_id)}" if is_done(state) else ""
    return f"{_verdict(state).rstrip('.')}{by}"


def state_details(state: SessionState) -> str:
    """Return what the headline lacks: who, when and why."""
    if is_done(state):
        return f"{moment(state.at)}{_why(state)}"
    match state.phase:
        case Phase.PAUSING | Phase.UNCONFIRMED:
            return f"Requested by {_by(state)}"
        case Phase.NOT_RUNNING | Phase.NOT_FOUND:
            before = state.before if state.before and state.before.phase not in CHECKED else None
            return f"{f'{earlier(state_line(before))}. ' if before else ''}Checked {_checker(state)}"
        case _:
            return _end_line(state)


def why_not_automatic(refusal: Refusal) -> str:
    """Return what an alert's card says of the pause that it asked for and that was not sent; "" if the card says it."""
    if refusal.why is Why.ENDED_BEFORE:
        return ""
    if refusal.why is Why.OBSERVED:
        return "*Would have been paused automatically.*"
    return f"*Not paused automatically.* {worded(Verb.PAUSE, refusal).reason}"


def _checker(state: SessionState) -> str:
    """Return who saw at Anchor what a card says, if it was not the bot itself, and when."""
    return f"by {_by(replace(state, reason=''))}" if state.user_id else moment(state.at)


def _by(state: SessionState) -> str:
    return f"{mention(state.user_id)}, {moment(state.at)}{_why(state)}"


def _why(state: SessionState) -> str:
    return f": {plain(state.reason)}" if state.reason else ""


def _end_line(state: SessionState) -> str:
    before, status = state.before, f"Anchor's status: {code(state.reason)}"
    if before is None:
        return f"{moment(state.at)}, {status}"
    while_paused = " while paused" if before.phase is Phase.PAUSED else ""
    return f"{earlier(state_line(before))}. Ended{while_paused}, {moment(state.at)}, {status}"


def state_button(session_id: SessionId, state: SessionState, name: str = "") -> Block | None:
    """Return the button that fits, unless the session has ended: one that does not run can be starting."""
    return None if state.phase is Phase.ENDED else next_button(session_id, state, name)


def state_buttons(session_id: SessionId, state: SessionState, name: str = "") -> list[Block]:
    """Return the buttons that fit, Pause first: the agent can run after a resume that is not confirmed."""
    one = state_button(session_id, state, name)
    can_run = state.phase is Phase.UNCONFIRMED and state.verb is Verb.RESUME
    return ([button(Verb.PAUSE, session_id, name=name)] if can_run else []) + ([one] if one else [])


def next_button(session_id: SessionId, state: SessionState, name: str = "") -> Block:
    """Return the button for the next order. Resume asks first, and says who paused."""
    if state.phase is Phase.PAUSED:
        reason = f": {plain(state.reason.replace('`', chr(39)), limit=_LONGEST_REASON_ASKED)}" if state.reason else ""
        history = f"Paused by {mention(state.user_id)}, {moment(state.at)}{reason}."
        return button(Verb.RESUME, session_id, name=name, history=history, version=state.order_id)
    verb = state.verb if state.phase is Phase.UNCONFIRMED else Verb.PAUSE
    return button(verb, session_id, name=name, version=state.order_id)
