"""Cards: alerts, summaries of alerts, reminders, and what one says about its session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bot.core.alert_tokens import DEFAULT_SENDER
from bot.core.alerts import Alert, AlertContent, Severity, first
from bot.core.cards import CardContent, Head, ResultContent, head_of
from bot.core.fields import CHANNEL_ID
from bot.core.orders import Verb
from bot.core.outcomes import Outcome, Why, name_of
from bot.core.session_ids import SessionId
from bot.core.sessions import PHASES, Phase, Session, SessionState
from bot.messages import buttons
from bot.messages.blocks import LONGEST_SECTION, Block, Message, Visibility, context, mrkdwn, row, section
from bot.messages.markup import (
    QUOTE,
    channel,
    code,
    group,
    joined,
    link,
    literal,
    moment,
    one_line,
    quoted,
    session,
    some,
    time_of,
    width,
)
from bot.messages.outcomes import CHECKED, earlier, state_headline, state_line, worded
from bot.messages.sessions import agent_and_host, more_facts, spoken_name

WRONG_TOKEN = "The token is missing or wrong: send Authorization: Bearer and an alert token of this workspace."  # noqa: S105 - a sentence
NO_JSON = "The body is no JSON: send an object with session_id and text."
STOPPING = "Nothing was posted: the bot is being started or stopped. Send the alert again in a few seconds."
STORE_FAILED = "The bot's database does not answer. Send the alert again in a few seconds: nothing is counted twice."
BUSY = "Too many alerts are coming in or waiting. Send the alert again in a few seconds."
ENDED = "The session has ended, so nothing was posted, and its card stays as it is."

_LONGEST_TITLE, _LONGEST_HEADING = 150, 80
_LONGEST_NAME, _LONGEST_VALUE = 50, 200  # of a field
_LONGEST_HOST = 80
_MOST_NAMED = 3  # titles of alerts, and their senders, at the end of a summary
_SEVERITIES = {Severity.INFO: "🔔 *Info*", Severity.WARNING: "⚠️ *Warning*", Severity.CRITICAL: "🚨 *Critical*"}

_RESOLVED = "✅ *Resolved*"
_REPLACED = "*Newer messages below show what holds now.*"


def moved(named: str, to: str) -> str:
    """Return the warning that an alert went to another channel than it has `named`, which can be any text."""
    if not CHANNEL_ID.fullmatch(named):
        return f"{one_line(named, limit=_LONGEST_NAME)} is not the id of a channel, so the alert goes to {to}."
    remedy = "The app's Home says who can change that."
    return f"Alerts with this token can't go to {named}, so this one goes to {to}. {remedy}"


def refused_by_slack(code: str, channel: str) -> str:
    """Return the advice about Slack's error `code`; nothing was posted."""
    is_unknown = code in {"not_in_channel", "channel_not_found"}
    advice = (
        "Check the id, and /invite @anchor there."
        if is_unknown
        else "The page of chat.postMessage at docs.slack.dev explains the code."
    )
    return f"Slack refuses the alert for {channel} ({code}). {advice}"


def not_taken_by_slack(why: str) -> str:
    """Return the advice if Slack fails, limits the rate, or gives no answer; `why` names the failure."""
    return f"Slack did not confirm the alert ({why}). Send it again later: at worst it shows twice."


def broken(incident_id: str) -> str:
    """Return the error for an unexpected exception."""
    return f"Something broke in the bot (incident {incident_id}). Send the alert again: at worst it shows twice."


def not_automatic(outcome: Outcome) -> str:
    """Return what an alert's card says of the pause that it asked for, and did not get; "" if its state says it."""
    if (name := name_of(outcome)) == Why.OBSERVED:
        return "*Would have been paused automatically.*"
    is_shown = name in PHASES or name in {Why.ENDED_BEFORE, Why.PAUSED_BEFORE}
    return "" if is_shown else f"*Not paused automatically.* {worded(Verb.PAUSE, outcome).reason}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A session on a card: its alerts or a result, its state, and what is known of it.

    The pause by its last alert had the outcome `refusal`, if no order has changed the session since.
    """

    session_id: SessionId
    content: AlertContent | ResultContent
    state: SessionState | None = None
    facts: Session | None = None
    refusal: Outcome | None = None

    @property
    def automatic(self) -> str:
        """Return what is to be said of a pause by an alert that paused nothing, or ""."""
        return "" if self.refusal is None else not_automatic(self.refusal)

    @property
    def head(self) -> Head | None:
        """Return what comes first; None if nothing is known of the session of a result."""
        if isinstance(self.content, AlertContent):
            return head_of(self.content, self.state)
        return Head.STATE if self.state else None

    @property
    def reminder(self) -> ResultContent | None:
        """Return a reminder of the state, which tells more than that."""
        content, state = self.content, self.state
        if not isinstance(content, ResultContent) or not content.reminds:
            return None
        return content if state is None or not state.follows(content.order_id) else None

    @property
    def severity(self) -> str:
        """Return the severity of its alerts, or ""."""
        return _SEVERITIES[self.content.alert.severity] if isinstance(self.content, AlertContent) else ""


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
    its text. `refusals` are the orders and outcomes of the last pauses by alerts. `offers_end` says whether people can
    end sessions: one that is paused has the button. A summary counts `more` alerts that have no card.
    """
    shown, is_replaced = [], all(isinstance(one, AlertContent) and one.is_replaced for one, _ in parts)
    for content, session_id in parts:
        assert isinstance(content, AlertContent | ResultContent)  # noqa: S101 - the others have no session
        if is_replaced:
            shown.append(Shown(session_id, content, facts=facts.get(session_id)))
            continue
        state = states[session_id].in_channel(channel_id) if session_id in states else None
        order_id, refusal = (refusals or {}).get(session_id, ("", None))
        is_over = state is not None and state.order_id > order_id
        shown.append(Shown(session_id, content, state, facts.get(session_id), None if is_over else refusal))
    if len(parts) > 1:
        return _summary(shown, more)
    (one,) = shown
    can_end = offers_end and one.state is not None and one.state.phase is Phase.PAUSED
    end = [buttons.button(Verb.END, one.session_id, name=spoken_name(one.facts))] if can_end else []
    if isinstance(one.content, ResultContent):
        return _result_card(one, one.content, end)
    return _alert_card(one, one.content, end)


def mentioning(message: Message, group_id: str) -> Message:
    """Return the message with a mention of a user group, which notifies its people once: no update repeats it."""
    blocks = (*message.blocks, section(group(group_id))) if message.blocks else ()
    return replace(message, text=f"{message.text}\n{group(group_id)}", blocks=blocks)


def elsewhere(message: Message, meant_for: str) -> Message:
    """Return the message that Slack has refused for the channel that it was meant for, as it says in another one."""
    about = f"Meant for {channel(meant_for)}, where this app can't post: `/invite @anchor` there."
    blocks = (*message.blocks, context(about)) if message.blocks else ()
    return replace(message, text=f"{message.text}\n{about}", blocks=blocks)


def alert_message(alert: Alert, refusal: Outcome | None = None) -> Message:
    """Return the card for an alert, whose pause can have a `refusal`. A quote, its text imitates no words of ours."""
    content = first(alert, 0.0)
    return _alert_card(Shown(alert.session_id, content, refusal=refusal), content)


def _alert_card(shown: Shown, content: AlertContent, end: Sequence[Block] = ()) -> Message:
    lines = [*_first_lines(shown), *([_REPLACED] if content.is_replaced else [])]
    top, body, about = "\n".join(lines), _body(content), _about_session(shown, content)
    fields = [
        f"{QUOTE}{literal(label, limit=_LONGEST_NAME)}: {literal(value, limit=_LONGEST_VALUE)}"
        for label, value in content.alert.fields
    ]
    in_columns = {"type": "section", "fields": [mrkdwn(one, verbatim=True) for one in fields], "expand": True}
    blocks = (
        section(top, verbatim=True),
        section(body, verbatim=True),
        *([in_columns] if fields else []),
        context(about, verbatim=True),
        *row(*_card_buttons(shown), *end),
    )
    return Message("\n".join([top, body, *fields, about]), Visibility.IN_CHANNEL, blocks)


def _first_lines(shown: Shown) -> list[str]:
    """Return the state, by whom, when and why, the severity, and the agent: nothing that a program wrote."""
    state, content, agent = shown.state, shown.content, agent_and_host(shown.facts)
    if state is not None and isinstance(content, AlertContent) and state.reason == content.alert.title:
        state = replace(state, reason="")  # an alert paused it
    if state is not None and shown.head is Head.STATE:
        return _lines(state_line(state), joined(shown.severity, agent), shown.automatic)
    resolved = _RESOLVED if shown.head is Head.RESOLVED else ""
    return _lines(joined(resolved, shown.severity, agent), state_line(state) if state else "", shown.automatic)


def _lines(*lines: str) -> list[str]:
    return [line for line in lines if line]


def _result_card(shown: Shown, content: ResultContent, end: Sequence[Block]) -> Message:
    state, about = shown.state, session(shown.session_id)
    if state is None or not state.follows(content.order_id):
        return Message(content.text, Visibility.IN_CHANNEL, content.blocks)
    told, now = earlier(content.text.partition("\n")[0]), state_line(state)
    before = "" if now.startswith(told.rstrip(".")) else f"Before: {told}"
    top = "\n".join(_lines(now, agent_and_host(shown.facts), before))
    known = buttons.state_buttons(shown.session_id, state, spoken_name(shown.facts))
    return Message(f"{top}\n{about}", Visibility.IN_CHANNEL, (section(top), context(about), *row(*known, *end)))


def _about_session(shown: Shown, content: AlertContent) -> str:
    has_ended = shown.state is not None and shown.state.phase in {Phase.ENDED, *CHECKED}
    facts = "" if shown.facts is None else more_facts(shown.facts, has_ended=has_ended)
    return joined(facts, _sent_by([content]), session(shown.session_id))


def _sent_by(contents: Sequence[AlertContent]) -> str:
    senders = dict.fromkeys(one.alert.sender for one in contents if one.alert.sender != DEFAULT_SENDER)
    return f"Sent by {some(senders, most=_MOST_NAMED)}" if senders else ""


def _occurrences(content: AlertContent) -> str:
    often = f"×{content.count}, last {moment(content.last_at)}" if content.count > 1 else ""  # noqa: RUF001 - times
    return joined(often, "" if content.resolved_at is None else f"resolved {moment(content.resolved_at)}")


def _card_buttons(shown: Shown) -> list[Block]:
    """Return the buttons that fit, Pause first. It is red if a critical alert is not resolved, and the agent runs.

    An alert after the last order always has it: the agent can have been resumed elsewhere, or the key replaced.
    """
    content, state, name = shown.content, shown.state, spoken_name(shown.facts)
    if shown.reminder is not None:
        return [one for block in shown.reminder.blocks for one in block.get("elements", ()) if "value" in one]
    is_firing = isinstance(content, AlertContent) and content.resolved_at is None
    is_red = is_firing and shown.severity == _SEVERITIES[Severity.CRITICAL]
    pause = buttons.button(Verb.PAUSE, shown.session_id, name=name, is_red=is_red)
    if state is None or state.phase in {Phase.PAUSING, Phase.RESUMED}:
        return [pause]
    known = buttons.state_buttons(shown.session_id, state, name)
    if shown.head is not Head.FIRING:
        return known
    return [pause, *(one for one in known if one["action_id"] != pause["action_id"])]


def _body(content: AlertContent) -> str:
    alert = content.alert
    title = literal(alert.title, limit=_LONGEST_TITLE)
    head = "".join(f"{line}\n" for line in [_occurrences(content), title and f"{QUOTE}{title}"] if line)
    tail = f"\n{open_link(alert.url)}" if alert.url else ""
    return f"{head}{quoted(alert.text, limit=LONGEST_SECTION - width(head + tail))}{tail}"


def open_link(url: str) -> str:
    """Return the link of an alert, which shows the host that it leads to: of a long name the end, which is owned."""
    host = urlsplit(url).hostname or ""
    shown = host if len(host) <= _LONGEST_HOST else f"…{host[-_LONGEST_HOST:]}"
    return link(url, f"Open on {literal(shown, limit=2 * _LONGEST_HOST)}")


def _title(content: AlertContent) -> str:
    title, text = content.alert.title, content.alert.text
    return literal(title, limit=_LONGEST_HEADING) or literal(text, limit=_LONGEST_HEADING)


def _summary(shown: Sequence[Shown], more: int) -> Message:
    """Return a message with a line for each session, and the alerts with their senders once at the end."""
    alerts = [one.content for one in shown if isinstance(one.content, AlertContent)]
    results = [one.content for one in shown if isinstance(one.content, ResultContent)]
    top, lines = _top(shown, alerts, results, more), [_line(one) for one in shown]
    rows = [
        section(line, next(iter(_card_buttons(one)), None), verbatim=True)
        for line, one in zip(lines, shown, strict=True)
    ]
    titles = dict.fromkeys(f"“{_title(one)}”" for one in alerts)
    last = joined(some(titles, most=_MOST_NAMED), _sent_by(alerts))
    batch_ids = {one.batch_id for one in results}
    below = [*buttons.several_of(rows), *([buttons.plain_button(buttons.READ_LIST, "Read the list")] if more else [])]
    if not alerts and len(batch_ids) == 1 and (batch_id := batch_ids.pop()):
        below.append(buttons.resume_batch_button(batch_id))
    blocks = (section(top, verbatim=True), *rows, *([context(last, verbatim=True)] if last else []), *row(*below))
    return Message("\n".join(_lines(top, *lines, last)), Visibility.IN_CHANNEL, blocks)


def _top(shown: Sequence[Shown], alerts: Sequence[AlertContent], results: Sequence[ResultContent], more: int) -> str:
    if alerts:
        severity = _SEVERITIES[max((one.alert.severity for one in alerts), key=list(Severity).index)]
        counted = f". Further alerts, without a card: *{more:,}*. *Read the list* shows what runs." if more else ""
        note = f". {_REPLACED}" if all(one.is_replaced for one in alerts) else counted
        return f"{severity}: alerts about *{len(shown)} sessions*{note}"
    if all(one.reminder for one in shown) and any(map(_card_buttons, shown)):
        first_end = min((one.ends_at for one in results if one.ends_at), default=0.0)
        lost = f": the first ends at {time_of(first_end)}, its work is then lost." if first_end else ""
        return f"⏰ *{len(shown)} paused sessions*, not resumed by this app{lost}"
    return f"🔹 *{len(shown)} sessions*"


def _line(shown: Shown) -> str:
    """Return the agent, its host, the state, and the first digits of the id, which tell two agents apart."""
    automatic = f"{shown.automatic.partition('.')[0]}*" if shown.automatic else ""
    return joined(agent_and_host(shown.facts), _word(shown), automatic, code(shown.session_id[:8]))


def _word(shown: Shown) -> str:
    """Return what is true of a session now, in a few words."""
    if shown.reminder is not None:
        return shown.reminder.text.partition("\n")[0].rstrip(".")
    if shown.head is Head.RESOLVED:
        return _RESOLVED
    is_told = shown.state is not None and shown.head is Head.STATE
    return state_headline(shown.state) if shown.state and is_told else shown.severity


SAMPLE_ALERT = alert_message(
    Alert(
        session_id=SessionId("00000000-0000-4000-8000-000000000000"),
        title="This is a test alert",
        text="An admin tests where alerts go. There is no such session: the button shows that answer of Anchor.",
        severity=Severity.INFO,
    )
)
"""A test card; its session does not exist, so its button does nothing."""
