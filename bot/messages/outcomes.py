"""The words for outcomes, in one table of verdicts, reasons and advice, and those for states."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.orders import Verb, program_name
from bot.core.outcomes import (
    DONE_NAMES,
    Broken,
    Done,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Outcome,
    RateLimited,
    Refusal,
    Unavailable,
    Unconfirmed,
    Why,
    name_of,
)
from bot.core.permissions import PAUSE_SEVERAL
from bot.core.sessions import Phase, SessionState
from bot.messages import markup

COMMANDS = {Verb.PAUSE: "/anchor-pause", Verb.RESUME: "/anchor-resume"}
"""The slash commands, as manifest.yml declares them."""

DOING = {Verb.PAUSE: "Pausing", Verb.RESUME: "Resuming", Verb.END: "Ending"}
DONE = {Verb.PAUSE: "⏸️ *Paused*", Verb.RESUME: "▶️ *Resumed*", Verb.END: "⏹️ *Ended*"}
"""The verdict about an order that Anchor confirmed."""

_NOT_DONE = {Verb.PAUSE: "⛔ *Not paused*", Verb.RESUME: "⛔ *Not resumed*", Verb.END: "⛔ *Not ended*"}
NOT_DONE = {
    Verb.PAUSE: f"{_NOT_DONE[Verb.PAUSE]}: this did not stop the agent.",
    Verb.RESUME: f"{_NOT_DONE[Verb.RESUME]}.",
    Verb.END: f"{_NOT_DONE[Verb.END]}: the session may still run.",
}
"""The verdict about an order that certainly changed nothing."""

UNCONFIRMED = {
    Verb.PAUSE: "❓ *Unconfirmed*: the agent may still be running.",
    Verb.RESUME: "❓ *Unconfirmed*: the agent may still be paused.",
    Verb.END: "❓ *Unconfirmed*: the session may still run.",
}
"""The verdict about an order that may have been done."""

NOT_RUNNING, NOT_FOUND = "🔹 *Not running*", "🔹 *Not found under this key*"
ALREADY_PAUSED = "🔹 *Already paused*"
CHECKED = {Phase.NOT_RUNNING: NOT_RUNNING, Phase.NOT_FOUND: NOT_FOUND}
"""The verdict on a card about a session that does not run, or that Anchor does not know. The card keeps Pause."""

AUTO_PAUSED = "⏸️ *Paused automatically*"

_MOST_SHOWN = 5
_AFTER_DOUBT = {
    Verb.PAUSE: "Try again (pausing twice does no harm), or check it in {dashboard}.",
    Verb.RESUME: "Check it in {dashboard} before you try again: it may have been paused since.",
    Verb.END: "Try again (ending twice does no harm), or check it in {dashboard}.",
}


class _Row(NamedTuple):
    """The words for an outcome: the reason, also in lists of what is past, and what to do next.

    A refusal that `has_button` can be tried again at once.
    """

    reason: str
    advice: str = "Try again, {or_there}."
    has_button: bool = False


_LATER, _ANYWAY = "Try again {later}, {or_there}.", "To {verb} it anyway, try again, {or_there}."
_ASK = "Ask one of them, {or_there}."
_ROWS: Mapping[str, _Row] = {
    NotRunning.__name__: _Row(
        "Anchor says that this session is not running{quote}",
        "Still seeing activity? It is another session: `/anchor-pause` lists them.",
    ),
    NotFound.__name__: _Row(
        "Anchor does not know this session{quote}",
        "Check the id in {dashboard}. If it is right, it belongs to another Anchor account.",
    ),
    Failed.__name__: _Row("Anchor answered with an error{status}{quote}"),
    KeyRejected.__name__: _Row(
        "Anchor refused this workspace's API key{status}{quote}",
        "{now} Home says who can replace the key.",
    ),
    RateLimited.__name__: _Row("Anchor accepts no more requests for now{status}{quote}", _LATER),
    Unavailable.__name__: _Row("Anchor can't be reached{status}, and nothing was done", _LATER),
    Doubt.NO_ANSWER: _Row("No answer came from Anchor{status}"),
    Doubt.NOT_UNDERSTOOD: _Row("Anchor's answer does not say whether it was done{status}{quote}"),
    Doubt.OVERTAKEN: _Row("An opposite request was under way, and it is not known which one came last"),
    Broken.__name__: _Row("Something broke in the bot (incident {incident}): tell its operator"),
    Why.NOT_MEMBER: _Row("Only full members of the workspace that installed this app are allowed to do that", _ASK),
    Why.ROLE_UNKNOWN: _Row(
        "Slack did not say who is a member of this workspace",
        "Try again, use `anchor-bot {verb} ID` where the bot runs, {or_there}. See `anchor-bot doctor`.",
        has_button=True,
    ),
    Why.NOT_NAMED: _Row("Only {people} can {does} in this workspace", _ASK),
    Why.NOT_NAMED_FOR_SEVERAL: _Row(
        f"Only {{people}} can {PAUSE_SEVERAL} in this workspace",
        "Pause each of them alone, ask one of these people, {or_there}.",
    ),
    Why.NOT_ADMIN: _Row("Only admins and owners of this workspace can {does}", _ASK),
    Why.NOT_HERE: _Row("People can {verb} only in {channels}", "Do it there, {or_there}."),
    Why.END_OFF: _Row("*End session* is off in this workspace", "{now} Home says who can turn it on."),
    Why.WRONG_WORKSPACE: _Row(
        "This bot does not serve your workspace", "{now} The operator of this bot can set it up."
    ),
    Why.NO_KEY: _Row("This workspace has no Anchor API key yet", f"{{now}} An admin can set one {markup.IN_HOME}."),
    Why.STORE_UNAVAILABLE: _Row("The bot's database did not answer, and nothing was sent", _LATER, has_button=True),
    Why.OVERLOADED: _Row("The bot had too many requests, and sent nothing", _LATER, has_button=True),
    Why.STOPPING: _Row("The bot was being restarted, and sent nothing", _LATER, has_button=True),
    Why.LATE: _Row("It was not sent in time{so_long}", "To {verb} it now, try again, {or_there}.", has_button=True),
    Why.RESUMED_SINCE: _Row("Meanwhile {by} {resumed} this agent{when}", _ANYWAY, has_button=True),
    Why.PAUSED_SINCE: _Row("Meanwhile {by} {paused} this agent{when}", _ANYWAY, has_button=True),
    Why.ENDED_SINCE: _Row("{by} has {ended} this session{when}", ""),
    Why.OBSERVED: _Row("The workspace only observes what alerts would pause", ""),
    Why.HELD_BACK: _Row(
        "Alerts with this token asked for too many pauses within a minute", "Press the button, {or_there}."
    ),
    Why.RESUMED_BEFORE: _Row("{by} has {resumed} this agent before{when}", ""),
    Why.PAUSED_BEFORE: _Row("It was paused before by {by}{when}", ""),
    Why.ENDED_BEFORE: _Row("The session had ended before", ""),
    Why.AUTO_PAUSE_OFF: _Row("The workspace or the token does not allow it any more", ""),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for an outcome, in mrkdwn: a `headline` for lists, the whole `verdict`, the reason and the advice.

    After an order that was done there is only the headline. `has_button` as in the table.
    """

    headline: str
    verdict: str = ""
    reason: str = ""
    advice: str = ""
    has_button: bool = False

    @property
    def in_list(self) -> str:
        """Return the headline with the reason."""
        return f"{self.headline}{f': {self.reason}' if self.reason else ''}"


def done(verb: Verb, user_id: str) -> str:
    """Return the verdict about an order that Anchor confirmed."""
    return DONE[verb] if program_name(user_id) is None else AUTO_PAUSED


def earlier(text: str) -> str:
    """Return a message about an earlier time, without what may still run: that was true of then."""
    for verdict in UNCONFIRMED.values():
        text = text.replace(verdict, f"{verdict.partition(':')[0]}.")
    return text


def worded(verb: Verb, outcome: Outcome, *, user_id: str = "") -> Wording:
    """Return the words for the outcome of an order that `user_id` gave."""
    if isinstance(outcome, Done):
        return Wording(done(verb, user_id))
    key = outcome.why if isinstance(outcome, Unconfirmed) else name_of(outcome)
    row, values = _ROWS[key], _values(verb, outcome)
    advice = _AFTER_DOUBT[verb] if isinstance(outcome, Unconfirmed | Broken) else row.advice
    headline, verdict = _verdict(verb, name_of(outcome))
    reason, advice = f"{row.reason.format_map(values)}.", advice.format_map(values).strip()
    return Wording(headline, verdict, reason, advice, has_button=row.has_button)


def past_wording(verb: Verb, name: str) -> str:
    """Return the words for an outcome in the journal by its name; one of another version counts as unconfirmed."""
    if name in DONE_NAMES:
        return DONE[verb]
    if name not in _ROWS.keys() - {Broken.__name__}:
        return f"{UNCONFIRMED[verb].partition(':')[0]}. Requested"
    return f"{_verdict(verb, name)[0]}: {_ROWS[name].reason.format_map(_values(verb, None))}. Requested"


def _verdict(verb: Verb, name: str) -> tuple[str, str]:
    """Return the headline and the verdict of an order that was not done, or perhaps."""
    if name == NotRunning.__name__:
        return NOT_RUNNING, f"{NOT_RUNNING}: nothing to {verb}."
    if name == NotFound.__name__:
        return NOT_FOUND, f"{NOT_FOUND}: nothing was {verb.past}."
    if name == Why.PAUSED_BEFORE:
        return ALREADY_PAUSED, f"{ALREADY_PAUSED}: nothing more was sent."
    if name in {Unconfirmed.__name__, Broken.__name__}:
        return UNCONFIRMED[verb].partition(":")[0], UNCONFIRMED[verb]
    return _NOT_DONE[verb], NOT_DONE[verb]


def _values(verb: Verb, outcome: Outcome | None) -> dict[str, str]:
    """Return what the rows have in braces; without an outcome what is true of all of its kind."""
    now, or_there = markup.now_in_dashboard(verb), markup.or_in_dashboard(verb)
    refusal = outcome if isinstance(outcome, Refusal) else Refusal(Why.LATE)
    status, message = getattr(outcome, "status_code", None), getattr(outcome, "anchor_message", None)
    seconds, ids = getattr(outcome, "retry_after", None) or refusal.seconds, sorted(refusal.ids)
    return {
        "verb": verb.value,
        "does": markup.does(verb),
        "now": now,
        "or_there": or_there,
        "dashboard": markup.DASHBOARD,
        "status": f" ({status})" if status else "",
        "quote": f": {markup.code(message)}" if message else "",
        "later": f"in {math.ceil(seconds)} s" if seconds else "in a moment",
        "so_long": f" ({seconds:.0f} s)" if seconds else "",
        "by": markup.mention(refusal.user_id) if refusal.user_id else "somebody",
        "when": f", {markup.moment(refusal.given_at)}" if refusal.user_id else "",
        **{one.past: one.past if refusal.is_confirmed else f"asked to {one}" for one in Verb},
        "people": _some(map(markup.mention, ids)) or "some people",
        "channels": _some(map(markup.channel, ids)) or "some channels",
        "incident": markup.code(getattr(outcome, "incident_id", "")),
    }


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    is_in_home = _MOST_SHOWN < len(listed) <= markup.MOST_NAMED
    return markup.some(listed, most=_MOST_SHOWN) + (" (see Home)" if is_in_home else "")


def is_done(state: SessionState) -> bool:
    """Return whether an order has left the state: Anchor alone can have ended the session."""
    return state.phase in {Phase.PAUSED, Phase.RESUMED} or (state.phase is Phase.ENDED and bool(state.user_id))


def state_headline(state: SessionState) -> str:
    """Return what the last order or Anchor's answer left, and who gave that order."""
    if is_done(state):
        return f"{done(state.verb, state.user_id)} by {markup.mention(state.user_id)}"
    if state.phase is Phase.ENDED:
        while_paused = " while paused" if state.before and state.before.phase is Phase.PAUSED else ""
        return f"⏹️ *Ended{while_paused}*"
    others = {Phase.PAUSING: "⏳ *Pausing*", Phase.UNCONFIRMED: UNCONFIRMED[state.verb].rstrip(".")}
    return (CHECKED | others)[state.phase]


def state_line(state: SessionState) -> str:
    """Return the same, and when, with the reason of a person, and with what was before Anchor's answer."""
    headline, when = state_headline(state), markup.moment(state.at)
    why = f": {markup.plain(state.reason)}" if state.reason else ""
    if is_done(state):
        return f"{headline}, {when}{why}"
    if state.phase in {Phase.PAUSING, Phase.UNCONFIRMED}:
        return f"{headline}. Requested by {markup.mention(state.user_id)}, {when}{why}"
    before = state.before if state.before and state.before.phase not in CHECKED else None
    after = f". Before: {earlier(state_line(before))}" if before else ""
    if state.phase is Phase.ENDED:
        return f"{headline}, {when}, Anchor's status: {markup.code(state.reason)}{after}"
    checker = f"by {markup.mention(state.user_id)}, " if state.user_id else ""
    return f"{headline}, checked {checker}{when}{after}"
