"""Cards: alerts, summaries of alerts, and what one says about its session."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bot.core.cards import (
    Alert,
    AlertContent,
    CardContent,
    Head,
    ResultContent,
    Severity,
    Worse,
    first,
    head_of,
)
from bot.core.fields import TOKEN_REFUSED, text_field
from bot.core.outcomes import NOT_AUTOMATIC, Outcome, Refusal, Why
from bot.core.requests import Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, SessionState
from bot.core.workspace import DEFAULT_SENDER
from bot.messages import buttons
from bot.messages.blocks import (
    LONGEST_SECTION,
    Block,
    Message,
    Visibility,
    actions,
    as_response,
    context,
    fits,
    mrkdwn,
    section,
)
from bot.messages.markup import (
    QUOTE,
    code,
    group,
    link,
    literal,
    moment,
    quoted,
    session,
    time_of,
    width,
)
from bot.messages.outcomes import CHECKED, earlier

WRONG_TOKEN = "The token is missing or wrong: send Authorization: Bearer and the alerts token of this workspace."  # noqa: S105 - a sentence
NO_JSON = "The body is no JSON: send an object with session_id and text."
NO_CHANNEL = "The workspace has no channel for alerts, and channel names none that this token reaches."
STOPPING = "Nothing was posted: the bot is being stopped. Send the alert again in a minute."
UNNAMED = "Nothing was posted: Slack has not said yet whose the bot token is. Send the alert again in a few seconds."
STORE_FAILED = "Nothing was posted: the bot can't read its database. Send the alert again in a few seconds."
BUSY = "Nothing was posted: the bot is posting too many alerts. Send the alert again in a few seconds."
COUNTED = "Too many alerts wait to be posted: the channel's last message counts this one, without a card of its own."
ENDED = "The session has ended, so nothing was posted, and its card stays as it is."
DOUBTFUL = (
    "Slack or the database gave no answer in time, or the bot was stopped: the alert may have been posted. Look into "
    "the channel."
)

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

_LATE_RESULT = "a result that Slack did not take in time"

_LONGEST_TITLE = 150
_LONGEST_HEADING = 80
_LONGEST_NAME, _LONGEST_VALUE = 50, 200  # of a field
_LONGEST_HOST = 80
_SEVERITIES = {Severity.INFO: ("🔔", "Info"), Severity.WARNING: ("⚠️", "Warning"), Severity.CRITICAL: ("🚨", "Critical")}
"""The sign and the word of each."""

_RESOLVED = "✅ *Resolved*"
_AGAIN = "It fired again after the pause."
_WHY = {
    Worse.AFTER_PAUSE: _AGAIN,
    Worse.PAUSED_BY_IT: "It asked for a pause.",
    Worse.AFTER_RESOLVED: "It fires again after it was resolved.",
    Worse.MORE_SEVERE: "It got more severe.",
}

_WORDS = {Head.FIRING: "alert", Head.RESOLVED: "resolved"}


def moved(channel_id: str | None, to: str) -> str:
    """Return the warning that an alert went to another channel."""
    remedy = "The app's Home says under Alerts who chooses the channels of a token."
    return f"The token does not reach {channel_id}, so the alert goes to {to}. {remedy}"


def refused_by_slack(code: str, channel: str) -> str:
    """Return the advice about Slack's error `code`; nothing was posted."""
    advice = _BAD_TOKEN if code in TOKEN_REFUSED else _ADVICE.get(code, _UNKNOWN)
    return "Nothing was posted. " + advice.format(channel=channel, code=code)


def not_taken_by_slack(why: str) -> str:
    """Return the advice if Slack is unreachable, fails, or limits the rate; `why` names the failure."""
    return f"Slack did not take the alert ({why}). Send it again later: at worst it shows twice."


def broken(incident_id: str) -> str:
    """Return the error for an unexpected exception."""
    return (
        f"Something broke in the bot itself (incident {incident_id}): the alert may have been posted. Look into the "
        "channel; the bot's log has the details."
    )


def card_message(  # noqa: PLR0913 - all that it says
    parts: Sequence[tuple[CardContent, SessionId]],
    states: Mapping[str, SessionState],
    facts: Mapping[SessionId, Session],
    *,
    channel_id: str,
    refusals: Mapping[str, tuple[str, Outcome]] | None = None,
    offers_end: bool = False,
    more: int = 0,
) -> Message:
    """Return the message of a card, with the `states` of sessions. Several parts are the alerts of a summary.

    A reason is shown only in the channel in which it was given. `facts` are known of sessions; those of a result are in
    its text. `refusals` are the orders and outcomes of the last pauses by alerts that were not sent. `offers_end` says
    whether people can end sessions: one that is paused has the button. It counts `more` alerts without a row.
    """
    states, refusals = {one: state.in_channel(channel_id) for one, state in states.items()}, refusals or {}
    shown = [
        Shown(
            _in_row(*part),
            states.get(part[1]),
            facts.get(part[1]),
            is_result=isinstance(part[0], ResultContent),
            refusal=_last_refusal(refusals.get(part[1]), states.get(part[1])),
            reminder=_reminder(part[0], states.get(part[1])),
        )
        for part in parts
    ]
    if len(parts) > 1 or more:
        return _summary(shown, more)
    ((content, session_id),) = parts
    state, known = states.get(session_id), shown[0].facts
    can_end = offers_end and state is not None and state.phase is Phase.PAUSED
    lasting = known and replace(known, created_at=None)  # a card has no age
    end = [buttons.end_button(session_id, lasting, now=0.0)] if can_end else []
    if isinstance(content, AlertContent):
        return _alert_card(shown[0], end) if content.reply is None else _reply(shown[0])
    assert isinstance(content, ResultContent)  # noqa: S101 - the others have no session
    return _result_card(content, session_id, state, buttons.spoken_name(known), end)


def mentioning(message: Message, group_id: str) -> Message:
    """Return the message with a mention of a user group, which notifies its people once: no update repeats it."""
    blocks = (*message.blocks, section(group(group_id))) if message.blocks else ()
    return replace(message, text=f"{message.text}\n{group(group_id)}", blocks=blocks)


def digest_of(message: Message) -> str:
    """Return a digest of everything that people see of a message."""
    return hashlib.sha256(json.dumps(as_response(message), sort_keys=True).encode()).hexdigest()


def _in_row(content: CardContent, session_id: SessionId) -> AlertContent:
    """Return what a row of a summary is about. The state of its session tells what a late result told."""
    if isinstance(content, AlertContent):
        return content
    return AlertContent(Alert(session_id, "", _LATE_RESULT, Severity.INFO), 1, 0.0)


def _reminder(content: CardContent, state: SessionState | None) -> ResultContent | None:
    """Return a reminder of a session whose state is still the one that it is about: it tells more than that."""
    if not isinstance(content, ResultContent) or not content.reminds:
        return None
    return content if state is None or not state.follows(content.order_id) else None


def _last_refusal(last: tuple[str, Outcome] | None, state: SessionState | None) -> Outcome | None:
    """Return why the last pause by an alert was not sent, if no order has changed the session since."""
    return None if last is None or (state is not None and state.order_id > last[0]) else last[1]


@dataclass(frozen=True, slots=True)
class Shown:
    """The alerts of a session, its state, and what is known of it; or a result, which its state tells.

    A pause by its last alert had a `refusal`. A `reminder` is shown as it is.
    """

    content: AlertContent
    state: SessionState | None = None
    facts: Session | None = None
    is_result: bool = False
    refusal: Outcome | None = None
    reminder: ResultContent | None = None

    @property
    def automatic(self) -> str:
        """Return what is to be said of a pause by an alert that was not sent, or ""."""
        refusal = self.refusal
        if isinstance(refusal, Refusal) and refusal.why in {*NOT_AUTOMATIC, Why.STORE_UNAVAILABLE}:
            return buttons.why_not_automatic(refusal)
        return ""

    @property
    def is_told(self) -> bool:
        """Return whether the state tells everything."""
        return self.is_result and self.state is not None

    @property
    def head(self) -> Head:
        """Return what comes first."""
        return head_of(self.content, self.state)

    @property
    def agent(self) -> str:
        """Return the name of the agent in mrkdwn, or ""."""
        return "" if self.facts is None else buttons.agent_name(self.facts)


def alert_message(alert: Alert, refusal: Outcome | None = None) -> Message:
    """Return the card for an alert, whose pause can have a `refusal`. A quote, its text imitates no words of ours."""
    return _alert_card(Shown(first(alert, 0.0), refusal=refusal))


def _alert_card(shown: Shown, end: Sequence[Block] = ()) -> Message:
    alert = shown.content.alert
    top = "\n".join(filter(None, [*_first_lines(shown), shown.automatic]))
    body, about = _body(shown), _about_session(shown)
    fields = _fields(alert)
    in_columns = [mrkdwn(one, verbatim=True) for one in fields]
    row = [*_alert_buttons(shown), *end]
    blocks = (
        section(top, verbatim=True),
        section(body, verbatim=True),
        *([{"type": "section", "fields": in_columns, "expand": True}] if fields else []),
        context(about, verbatim=True),
        *([actions(*row)] if row else []),
    )
    return Message("\n".join([top, body, *fields, about]), Visibility.IN_CHANNEL, blocks)


def _first_lines(shown: Shown) -> list[str]:
    """Return the state, the severity and the agent in a line, and who, when and why: nothing that a program wrote."""
    content, state, head = shown.content, shown.state, shown.head
    if state is not None and state.reason == content.alert.title:  # an alert paused it
        state = replace(state, reason="")
    severity = "" if shown.is_result else "{} *{}*".format(*_SEVERITIES[content.alert.severity])
    about = [severity, f"*{shown.agent}*" if shown.agent else ""]
    if state is not None and head is Head.STATE:
        return [" · ".join(filter(None, [buttons.state_headline(state), *about])), buttons.state_details(state)]
    top = " · ".join(filter(None, [_RESOLVED if head is Head.RESOLVED else "", *about]))
    if state is None:
        return [top]
    again = f". {_AGAIN}" if head is Head.FIRING and state.phase is Phase.PAUSED else ""
    return [top, f"{buttons.state_line(state)}{again}"]


def _result_card(
    content: ResultContent, session_id: SessionId, state: SessionState | None, name: str, end: Sequence[Block]
) -> Message:
    if state is None or not state.follows(content.order_id):
        return Message(content.text, Visibility.IN_CHANNEL, content.blocks)
    top, before = f"{buttons.state_headline(state)}\n{buttons.state_details(state)}", earlier(content.text)
    row = [*buttons.state_buttons(session_id, state, name), *end]
    blocks = (section(top), section(f"Earlier: {before}"), *([actions(*row)] if row else []))
    return Message(f"{top}\nEarlier: {before}", Visibility.IN_CHANNEL, blocks)


def _about_session(shown: Shown) -> str:
    has_ended = shown.state is not None and shown.state.phase in {Phase.ENDED, *CHECKED}
    facts = "" if shown.facts is None else buttons.card_facts(shown.facts, has_ended=has_ended)
    alert = shown.content.alert
    sender = "" if alert.sender == DEFAULT_SENDER else f"Sent by {alert.sender}"
    return " · ".join(filter(None, [facts, sender, session(alert.session_id)]))


def _occurrences(content: AlertContent) -> str:
    often = f"×{content.count}, last {moment(content.last_at)}" if content.count > 1 else ""  # noqa: RUF001 - times
    resolved = "" if content.resolved_at is None else f"resolved {moment(content.resolved_at)}"
    return " · ".join(part for part in (often, resolved) if part)


def _alert_buttons(shown: Shown) -> list[Block]:
    """Return the buttons that fit, Pause first. It is red if a critical alert is not resolved, and the agent runs.

    An alert after the last order always has it: the agent can have been resumed elsewhere, or the key replaced.
    """
    alert, state = shown.content.alert, shown.state
    is_red = alert.severity is Severity.CRITICAL and shown.content.resolved_at is None
    name = buttons.spoken_name(shown.facts)
    pause = buttons.button(Verb.PAUSE, alert.session_id, name=name) | ({"style": "danger"} if is_red else {})
    if state is None or state.phase in {Phase.PAUSING, Phase.RESUMED}:
        return [pause]
    known = buttons.state_buttons(alert.session_id, state, name)
    if shown.head is not Head.FIRING:
        return known
    return [pause, *(one for one in known if one["action_id"] != pause["action_id"])]


def _body(shown: Shown) -> str:
    alert = shown.content.alert
    title = literal(alert.title, limit=_LONGEST_TITLE)
    head = "".join(f"{line}\n" for line in [_occurrences(shown.content), title and f"{QUOTE}{title}"] if line)
    tail = f"\n{open_link(alert.url)}" if alert.url else ""
    return f"{head}{quoted(alert.text, limit=LONGEST_SECTION - width(head + tail))}{tail}"


def open_link(url: str) -> str:
    """Return the link of an alert, which shows the host that it leads to: of a long name the end, which is owned."""
    host = urlsplit(url).hostname or ""
    shown = host if len(host) <= _LONGEST_HOST else f"…{host[-_LONGEST_HOST:]}"
    return link(url, f"Open on {literal(shown, limit=2 * _LONGEST_HOST)}")


def _fields(alert: Alert) -> list[str]:
    return [
        f"{QUOTE}{literal(label, limit=_LONGEST_NAME)}: {literal(value, limit=_LONGEST_VALUE)}"
        for label, value in alert.fields
    ]


def _summary(rows: Sequence[Shown], more: int = 0) -> Message:
    top = _results_top(rows) if all(one.is_result for one in rows) else _alerts_top(rows, more)
    head, shown = section(top, verbatim=True), [_row(one) for one in rows]
    below = [*buttons.several_of(shown), *([buttons.plain_button(buttons.READ_LIST, "Read the list")] if more else [])]
    batch_ids = {one.reminder.batch_id for one in rows if one.reminder}
    if len(batch_ids) == 1 and (batch_id := batch_ids.pop()) and all(one.reminder for one in rows):
        below.append(buttons.plain_button(buttons.RESUME_BATCH, "Resume these…") | {"value": batch_id})
    last = [actions(*below)] if below else []
    for shorter in _SHORTER:  # all rows lose what a reminder says besides, facts, reasons, then the count
        if not fits([head, *shown, *last]):
            rows = [shorter(one) for one in rows]
            shown = [_row(one) for one in rows]
    text = "\n".join([top, *map(_row_text, rows)])
    return Message(text, Visibility.IN_CHANNEL, (head, *shown, *last))


def _alerts_top(rows: Sequence[Shown], more: int) -> str:
    sign, word = _SEVERITIES[max((one.content.alert.severity for one in rows), key=list(Severity).index)]
    what = "alerts about" if any(one.content.reply is None for one in rows) else "it got worse in"
    top = f"{sign} *{word}*: {what} *{len(rows)} session{'' if len(rows) == 1 else 's'}*"
    if not more:
        return top
    counted = f"*{more:,} more alert{'' if more == 1 else 's'}*"
    return f"{top}, and {counted} without a card each. *Read the list* shows all sessions that run."


def _results_top(rows: Sequence[Shown]) -> str:
    if all(one.reminder for one in rows):
        ends = [one.reminder.ends_at for one in rows if one.reminder and one.reminder.ends_at]
        first = f": the first ends at {time_of(min(ends))}, its work is then lost." if ends else "."
        return f"⏰ *{len(rows)} paused sessions*, not resumed by this app{first}"
    states = {buttons.state_headline(one.state) if one.state else "" for one in rows}
    return f"{states.pop() if len(states) == 1 else '🔹 *Paused or resumed*'}: *{len(rows)} sessions*"


_SHORTER: Sequence[Callable[[Shown], Shown]] = (
    lambda row: replace(row, reminder=row.reminder and replace(row.reminder, text=_ends_of(row.reminder.text))),
    lambda row: replace(row, facts=None, reminder=None),
    lambda row: replace(row, state=row.state and row.state.without_reason()),
    lambda row: replace(row, content=replace(row.content, count=1)),
)


def _ends_of(text: str) -> str:
    """Return a reminder with what it says first, and last of its session."""
    first, *_, session_id = lines = text.splitlines()
    return "\n".join([first, *lines[3:-1], session_id])


def _row(shown: Shown) -> Block:
    if shown.reminder is not None:
        row = [one for block in shown.reminder.blocks[1:] for one in block.get("elements", ())]
        return section(shown.reminder.text, verbatim=True, accessory=next(iter(row), None))
    top, reply = _first_lines(shown), shown.content.reply
    line, quote = ("", "") if shown.is_told else (_occurrences(shown.content), f"{QUOTE}{_title(shown)}")
    why = "" if reply is None or _WHY[reply.why] in top[-1] else _WHY[reply.why]
    told = ". ".join(filter(None, [line, why]))
    text = "\n".join(filter(None, [*top, shown.automatic, told, quote, _about_session(shown)]))
    return section(text, verbatim=True, accessory=next(iter(_alert_buttons(shown)), None))


def _reply(shown: Shown) -> Message:
    row = _row(shown)
    return Message(text_field(row["text"], "text"), Visibility.IN_CHANNEL, (row,))


def _row_text(shown: Shown) -> str:
    if shown.reminder is not None:
        return f"{shown.reminder.text.splitlines()[0]} · {code(shown.content.alert.session_id)}"
    word = shown.state.phase if shown.state and shown.head is Head.STATE else _WORDS[shown.head]
    about = [shown.agent, word, "" if shown.agent or shown.is_told else f"“{_title(shown)}”"]
    return " · ".join(filter(None, [*about, code(shown.content.alert.session_id)]))


def _title(shown: Shown) -> str:
    alert, most = shown.content.alert, _LONGEST_HEADING
    return literal(alert.title, limit=most) or literal(alert.text, limit=most)


SAMPLE_ALERT = alert_message(
    Alert(
        session_id=SessionId("00000000-0000-4000-8000-000000000000"),
        title="This is a test alert",
        text="An admin tests where alerts go. There is no such session: the button shows that answer of Anchor.",
        severity=Severity.INFO,
    )
)
"""A test card; its session does not exist, so its button does nothing."""
