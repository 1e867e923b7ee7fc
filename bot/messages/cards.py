"""Cards: alerts, summaries of alerts, and what one says about its session."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core.cards import Alert, AlertContent, CardContent, Severity
from bot.core.fields import TOKEN_REFUSED, objects_in, text_field
from bot.core.requests import Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, SessionState
from bot.messages.blocks import Block, Message, Visibility, actions, as_response, context, mrkdwn, section
from bot.messages.buttons import button, card_facts, state_button, state_line
from bot.messages.markup import CHECKED, code, lines, link, moment, plain, session, width

WRONG_TOKEN = "The token is missing or wrong: send Authorization: Bearer and the alerts token of this workspace."  # noqa: S105 - a sentence
NO_JSON = "The body is no JSON: send an object with session_id and text."
NO_CHANNEL = "channel is missing, and the workspace has no default one: name a channel's id."
STOPPING = "Nothing was posted: the bot is being stopped. Send the alert again in a minute."
CUT_SHORT = "The bot was stopped while it posted the alert: it may have been posted. Look into the channel."
STORE_FAILED = "Nothing was posted: the bot can't read its database. Send the alert again in a few seconds."
BUSY = "Nothing was posted: the bot is posting too many alerts. Send the alert again in a few seconds."
LIMITED = "Nothing was posted: Slack takes no more messages for now. Send the alert again later."
DOUBTFUL = "Slack was sent the alert and did not answer: it may have been posted. Look into the channel."

_ADVICE = {
    "not_in_channel": "The bot is no member of {channel}: invite the bot: /invite @anchor in that channel.",
    "channel_not_found": "Slack knows no channel {channel}, or the bot is no member of it: check the id, and if it is "
    "private, invite the bot: /invite @anchor in that channel.",
    "ratelimited": "Slack takes no more messages for now: wait a minute.",
    "is_archived": "The channel {channel} is archived: unarchive it, or name another one.",
    "missing_scope": "The Slack app lacks the scope chat:write: add it in the app's settings and reinstall the app.",
    "messages_tab_disabled": "{channel} is a direct message, and the app takes none: turn on the Messages Tab under "
    "App Home, or name a channel.",
}
_BAD_TOKEN = "Slack refuses the bot's token: the app must be installed again in this workspace."  # noqa: S105
_UNKNOWN = "Slack refuses the alert for {channel} ({code}): look the code up under chat.postMessage."

_LONGEST_TEXT = 3_500  # characters; Slack refuses an update with 4,000, and may count an emoji as two
_LATE_RESULT = "a result that Slack did not take in time"
_BROKEN_END = re.compile(r"(<[^>]*|&[a-z]*)$")  # of a link or an entity that was cut

_LONGEST_SECTION = 3000  # characters, https://docs.slack.dev/reference/block-kit/blocks/section-block
_LONGEST_TITLE = 150
_LONGEST_HEADING = 80
_LONGEST_NAME, _LONGEST_VALUE = 50, 200  # of a field
_SEVERITY_SIGNS = {Severity.INFO: "🔹 *Info*", Severity.WARNING: "⚠️ *Warning*", Severity.CRITICAL: "🚨 *Critical*"}

_SAMPLE = Alert(
    session_id=SessionId("00000000-0000-4000-8000-000000000000"),
    title="This is a test alert",
    text="An admin tests where alerts go. There is no such session: the button shows that answer of Anchor.",
    severity=Severity.INFO,
)

_FIRING = "alert"

_LONGEST = 8_000
"""Characters of all texts of the rows. Slack refuses a message with more than about 10,000, or 16,000 with the JSON
around them, and does not document that: https://github.com/slackapi/bolt-js/issues/2867
"""


def refused_by_slack(code: str, channel: str) -> str:
    """Return the advice about Slack's error `code`; nothing was posted."""
    advice = _BAD_TOKEN if code in TOKEN_REFUSED else _ADVICE.get(code, _UNKNOWN)
    return "Nothing was posted. " + advice.format(channel=channel, code=code)


def not_taken_by_slack(why: str) -> str:
    """Return the advice if Slack is unreachable or fails; `why` names the failure."""
    return f"Slack did not take the alert ({why}). Send it again: at worst it shows twice."


def broken(incident_id: str) -> str:
    """Return the error for an unexpected exception."""
    return (
        f"Something broke in the bot itself (incident {incident_id}): the alert may have been posted. Look into the "
        "channel; the bot's log has the details."
    )


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
        return _summary([(_in_row(*part), states.get(part[1]), known.get(part[1], "")) for part in parts])
    ((content, session_id),) = parts
    state = states.get(session_id)
    if isinstance(content, AlertContent):
        head = _alert_head(content.alert, _occurrences(content), known.get(session_id, ""))
        return _with_state(head, state, _alert_buttons(content, state))
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
    if isinstance(content, AlertContent):
        return content
    return AlertContent(Alert(session_id, _LATE_RESULT, severity=Severity.INFO), 1, 0.0)


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


def alert_message(alert: Alert) -> Message:
    """Return the card for an alert. Our own words come first, so that untrusted text cannot imitate them."""
    return _with_state(_alert_head(alert), None, [_pause_button(alert)])


def _alert_head(alert: Alert, occurrences: str = "", facts: str = "") -> Message:
    """Return what an alert says, without a button; `facts` are known of its session."""
    body, about, fields = _body(alert), _about_session(alert, facts), _fields(alert)
    sign = f"{_SEVERITY_SIGNS[alert.severity]} {occurrences}".rstrip()
    told = "".join(f"\n{name}: {value}" for name, value in fields)
    in_columns = [mrkdwn(f"*{name}*\n{value}", verbatim=True) for name, value in fields]
    blocks = (
        section(sign, verbatim=True),
        section(body, verbatim=True),
        *([{"type": "section", "fields": in_columns}] if fields else []),
        context(about, verbatim=True),
    )
    return Message(f"{sign}: {body}{told}\n{about}", Visibility.IN_CHANNEL, blocks)


def _about_session(alert: Alert, facts: str) -> str:
    return f"{facts}\n{session(alert.session_id)}".lstrip()


def _occurrences(content: AlertContent) -> str:
    """Return how often an alert came, and when last, if more than once; and since when it is resolved, if so."""
    often = f"×{content.count}, last {moment(content.last_at)}" if content.count > 1 else ""  # noqa: RUF001 - times
    resolved = "" if content.resolved_at is None else f"✅ *Resolved*, {moment(content.resolved_at)}"
    return " · ".join(part for part in (often, resolved) if part)


def _alert_buttons(content: AlertContent, state: SessionState | None) -> list[Block]:
    """Return the buttons that fit, Pause first. Pause is that of the alert itself, which can be red.

    An alert after the last order always has it: the agent can have been resumed elsewhere, or the key replaced.
    """
    pause = _pause_button(content.alert)
    if state is None or state.phase in {Phase.PAUSING, Phase.RESUMED}:
        return [pause]
    button = state_button(content.alert.session_id, state)
    known = [button] if button else []
    if state.phase is Phase.ENDED or content.resolved_at is not None or content.last_at <= state.at:
        return known
    return [pause, *(one for one in known if one["action_id"] != pause["action_id"])]


def sample_alert_message() -> Message:
    """Return a test card; its session does not exist, so its button does nothing."""
    return alert_message(_SAMPLE)


def _body(alert: Alert) -> str:
    """Return title, text and link; the text is shortened if the section is too small."""
    title = lines(" ".join(alert.title.split()), limit=_LONGEST_TITLE)
    head = f"*{title}*\n" if title else ""
    tail = f"\n{link(alert.url, 'Open')}" if alert.url else ""
    text = lines(alert.text, limit=_LONGEST_SECTION - width(head + tail))
    return f"{head}{text}{tail}"


def _fields(alert: Alert) -> list[tuple[str, str]]:
    return [(plain(name, limit=_LONGEST_NAME), plain(value, limit=_LONGEST_VALUE)) for name, value in alert.fields]


def _pause_button(alert: Alert) -> Block:
    style = {"style": "danger"} if alert.severity is Severity.CRITICAL else {}
    return button(Verb.PAUSE, alert.session_id) | style


_Row = tuple[AlertContent, SessionState | None, str]
"""The alerts of a session, its state, and what is known of it."""


def _summary(rows: Sequence[_Row]) -> Message:
    """Return the message about several sessions. If it is too long, all rows lose the facts, and then the reasons."""
    severities = [content.alert.severity for content, _, _ in rows]
    sign = _SEVERITY_SIGNS[max(severities, key=list(Severity).index)]
    title = f"{sign}: alerts about *{len(rows)} sessions*"
    words = [f"{code(content.alert.session_id)} {state.phase if state else _FIRING}" for content, state, _ in rows]
    shown = [_row(*row) for row in rows]
    for has_reasons in (True, False):
        if sum(len(text_field(one, "text")) for one in objects_in(shown)) > _LONGEST:
            shown = [_row(content, state, "", has_reasons=has_reasons) for content, state, _ in rows]
    blocks = (section(title, verbatim=True), *shown)
    return Message("\n".join([title, *words]), Visibility.IN_CHANNEL, blocks)


def _row(content: AlertContent, state: SessionState | None, facts: str, *, has_reasons: bool = True) -> Block:
    if state and state.phase is not Phase.ENDED and not has_reasons:
        state = replace(state, reason="")
    alert = content.alert
    title = lines(" ".join((alert.title or alert.text).split()), limit=_LONGEST_HEADING)
    head = f"{_SEVERITY_SIGNS[alert.severity]}: {title} {_occurrences(content)}".rstrip()
    text = f"{head}\n{_about_session(alert, facts)}" + (f"\n{state_line(state)}" if state else "")
    buttons = _alert_buttons(content, state)
    return section(text, verbatim=True, accessory=buttons[0] if buttons else None)
