"""The result of a batch of orders, which counts up while they are sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from bot.core import outcomes
from bot.core.cards import BatchContent
from bot.core.history import BatchedOrder
from bot.core.outcomes import WhyNot
from bot.core.requests import Verb
from bot.core.sessions import MOST_NAMED, Choice, Session, SessionState
from bot.messages.blocks import Block, Message, View, Visibility, actions, context, in_channel, section
from bot.messages.buttons import (
    RESUME_BATCH,
    button,
    plain_button,
    session_facts,
    several_button,
    spoken_name,
    state_line,
)
from bot.messages.history import WHY
from bot.messages.markup import DOING, DONE, code, link, literal, mention, plain, session, some

NO_DATABASE = "⚠️ *The bot's database does not answer*: nothing was resumed. Press the button again in a minute."
_TITLE = "Resume Anchor agents"

MOST_LISTED = 20  # the most sessions that a result lists
_MOST_NAMED, _LONGEST_NAME = 5, 40  # of those that were paused or resumed

_OUTSIDE = "⚠️ Programs outside of Anchor may go on in {} of these sessions: only Anchor's own agents are paused."
UNRECORDED = "⚠️ The bot's database does not answer: a restart of the bot would have lost the pauses that were not sent."


class _End(StrEnum):
    DONE = "done"
    NOT_RUNNING = "not running"
    NOT_FOUND = "not found"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    NOT_SENT = "not sent"
    RESUMED = "resumed since"
    NEWER = "not resumed"


_ENDS = {
    _End.DONE: outcomes.Paused | outcomes.Resumed,
    _End.NOT_RUNNING: outcomes.NotRunning,
    _End.NOT_FOUND: outcomes.NotFound,
    _End.UNCONFIRMED: outcomes.Unconfirmed | outcomes.Broken,
    _End.NOT_SENT: outcomes.RateLimited | outcomes.Unavailable,
}
"""Any other outcome is a refusal, or a failure."""
_NEWER = {WhyNot.RESUMED_SINCE: _End.RESUMED, WhyNot.PAUSED_SINCE: _End.NEWER}
_SIGNS = {
    _End.NOT_FOUND: "🔹",
    _End.UNCONFIRMED: "❓",
    _End.FAILED: "⛔",
    _End.NOT_SENT: "⛔",
    _End.RESUMED: "▶️",
    _End.NEWER: "🔹",
}
"""Those that are listed: the session may not be as the person wants it."""


def batch_message(
    content: BatchContent, orders: Sequence[BatchedOrder], batch_id: str, *, earlier: str = "", note: str = ""
) -> Message:
    """Return the result of a batch so far, the link to an `earlier` one that it joined, and a `note` in mrkdwn."""
    text = batch_text(content, orders, earlier)
    if any(one.outcome is None for one in orders):
        return in_channel(text, note)
    left = [one for one in orders if _end_of(one.outcome) in _SIGNS]
    lines = still_running(left[:MOST_LISTED])
    rows = [section(line, _button(content, one)) for one, line in zip(left[:MOST_LISTED], lines, strict=True)]
    last = " ".join(filter(None, [_more(len(left), batch_id), note]))
    can_resume = content.verb is Verb.PAUSE and any(isinstance(one.outcome, outcomes.Paused) for one in orders)
    resume = plain_button(RESUME_BATCH, "Resume these…") | {"value": batch_id}
    blocks = (
        section(text),
        *([actions(resume)] if can_resume else []),
        *rows,
        *([context(last)] if last else []),
    )
    return Message("\n".join(filter(None, [text, *lines, last])), Visibility.IN_CHANNEL, blocks)


def batch_text(content: BatchContent, orders: Sequence[BatchedOrder], earlier: str = "") -> str:
    """Return in mrkdwn how many orders have come how far; `earlier` is as above."""
    verb, total = content.verb, len(orders)
    by = f" by {mention(content.user_id)}{f': {plain(content.reason)}' if content.reason else ''}"
    about = [
        _OUTSIDE.format(content.outside) if content.outside and verb is Verb.PAUSE else "",
        f"Chosen by {code(content.words)}." if content.words else "",
        f"Beside {link(earlier, 'an earlier one')} of the same person." if earlier else "",
    ]
    counts = Counter(_end_of(one.outcome) for one in orders if one.outcome)
    done = counts[_End.DONE]
    if counts.total() < total:
        other = f", {counts.total() - done} not confirmed" if counts.total() > done else ""
        top = [f"⏳ {DOING[verb]} {agents(total)}… {done} done{other}.", f"Requested{by}."]
    elif done == total:
        top = [f"{DONE[verb].split()[0]} *{verb.past.capitalize()} {agents(total)}*{by}", _named(content, orders)]
    else:
        sign = "⚠️" if any(counts[end] for end in _SIGNS) else DONE[verb].split()[0]
        numbers = [f"{counts[end]} {verb.past if end is _End.DONE else end}" for end in _End if counts[end]]
        result = f"{' · '.join(numbers)}."
        top = [f"{sign} *{verb.past.capitalize()} {done} of {agents(total)}*{by}", result, _named(content, orders)]
    return "\n".join(filter(None, [*top, *about]))


def _named(content: BatchContent, orders: Sequence[BatchedOrder]) -> str:
    """Return five agents that were paused or resumed: first those with names, then by the first digits of their ids."""
    done = [one.session_id for one in orders if _end_of(one.outcome) is _End.DONE]
    named_first = sorted(done, key=lambda one: not content.names.get(one))
    names = [literal(content.names.get(one, ""), limit=_LONGEST_NAME) or code(one[:8]) for one in named_first]
    return f"{content.verb.past.capitalize()}: {some(names, most=_MOST_NAMED)}." if names else ""


def still_running(orders: Sequence[BatchedOrder]) -> list[str]:
    """Return a line for each order after which its session may not be as it should, the id last."""
    ends = [(one, _end_of(one.outcome)) for one in orders]
    return [
        f"{_SIGNS[end]} *{end.capitalize()}*{_why(one.outcome)}: {session(one.session_id)}"
        for one, end in ends
        if end in _SIGNS
    ]


def resume_modal(orders: Sequence[BatchedOrder], states: Mapping[str, SessionState], seen: str) -> View:
    """Return the question before the paused sessions of a batch are resumed; `states` are theirs."""
    paused = [one for one in orders if isinstance(one.outcome, outcomes.Paused)]
    newer = {
        one.session_id: state for one in paused if (state := states.get(one.session_id)) and state.order_id != one.id
    }
    count = len(paused) - len(newer)
    question = f"*Resume {agents(count)}?* They go on where they were paused." if count else "*Nothing to resume.*"
    lines = [f"{state_line(state.without_reason())}. {session(session_id)}" for session_id, state in newer.items()]
    more = [f"And {len(lines) - MOST_LISTED} more."] if len(lines) > MOST_LISTED else []
    left = [f"Left as they are, because of newer orders: {len(lines)}.", *lines[:MOST_LISTED], *more] if lines else []
    submit = f"Resume {agents(count)}" if count else ""
    return View(tuple(map(section, [question, *left])), _TITLE, submit, "Cancel", callback_id=RESUME_BATCH, seen=seen)


def resume_answer(*lines: str) -> View:
    """Return the modal in place of the question."""
    return View((section("\n".join(lines)),), _TITLE)


def begun_message(begun: Sequence[Session] | None, *, now: float) -> Message:
    """Return the sessions that began while those like them were paused, None if unknown; `now` is in Unix seconds."""
    if begun is None:
        return in_channel("❔ *What began meanwhile is not known*: Anchor's list can't be read now.")
    top = f"🔔 *{agents(len(begun))} began meanwhile.* This pause left {'it' if len(begun) == 1 else 'them'} out."
    lines = [f"{session_facts(one, now=now)}\n{session(one.id)}".strip() for one in begun[:MOST_LISTED]]
    pauses = [button(Verb.PAUSE, one.id, name=spoken_name(one)) for one in begun[:MOST_LISTED]]
    rows = list(map(section, lines, pauses))
    last = [f"And {len(begun) - MOST_LISTED} more."] if len(begun) > MOST_LISTED else []
    several = [several_button(Choice(ids=tuple(one.id for one in begun[:MOST_NAMED])))] if len(begun) > 1 else []
    blocks = (section(top), *map(actions, several), *rows, *map(context, last))
    return Message("\n".join([top, *lines, *last]), Visibility.IN_CHANNEL, blocks)


def agents(count: int) -> str:
    """Return how many agents."""
    return f"{count:,} agent{'' if count == 1 else 's'}"


def _end_of(outcome: outcomes.Outcome | None) -> _End:
    if isinstance(outcome, outcomes.NotSent):
        return _NEWER.get(outcome.why, _End.NOT_SENT)
    refused = _End.NOT_SENT if isinstance(outcome, outcomes.Refusal) else _End.FAILED
    return next((end for end, kinds in _ENDS.items() if isinstance(outcome, kinds)), refused)


def _button(content: BatchContent, order: BatchedOrder) -> Block | None:
    name = content.names.get(order.session_id, "")
    if content.verb is Verb.PAUSE:
        return button(Verb.PAUSE, order.session_id, name=name, label="Try again")
    can_run = _end_of(order.outcome) in {_End.UNCONFIRMED, _End.RESUMED}
    return button(Verb.PAUSE, order.session_id, name=name) if can_run else None


def _why(outcome: outcomes.Outcome | None) -> str:
    match outcome:
        case outcomes.NotSent(WhyNot.RESUMED_SINCE, user_id):
            return f" by {mention(user_id)}"
        case outcomes.NotSent(WhyNot.PAUSED_SINCE, user_id):
            return f" (newer pause by {mention(user_id)})"
        case outcomes.NotSent(why):
            return f" ({WHY[why]})"
        case outcomes.Unconfirmed() | outcomes.Broken():
            return ""
        case _:
            return f" ({WHY[type(outcome).__name__]})"


def _more(left: int, batch_id: str) -> str:
    more = left - MOST_LISTED
    return f"And {more} more, listed by `anchor-bot journal --batch {batch_id}`." if more > 0 else ""
