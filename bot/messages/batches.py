"""The result of a batch of orders, which counts up while they are sent."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.core import outcomes
from bot.core.cards import BatchContent
from bot.core.history import BatchedOrder
from bot.core.requests import Verb
from bot.core.session_ids import SessionId
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
from bot.messages.markup import code, literal, mention, plain, session, some
from bot.messages.outcomes import DOING, DONE, worded

NO_DATABASE = "⚠️ *The bot's database does not answer*: nothing was resumed. Press the button again in a minute."
_TITLE = "Resume Anchor agents"

WHOLE_ID = 36  # characters
MOST_LISTED = 20  # the most sessions that a result lists
_MOST_NAMED, _LONGEST_NAME = 5, 40  # of those that were paused or resumed

_OUTSIDE = "⚠️ Programs outside of Anchor may go on in {} of these sessions: only Anchor's own agents are paused."
UNRECORDED = "⚠️ The bot's database does not answer: a restart of the bot would have lost the pauses that were not sent."


_IS_OVER = (outcomes.Done, outcomes.NotRunning)  # the outcomes after which nobody has to look at the session


def batch_message(content: BatchContent, orders: Sequence[BatchedOrder], batch_id: str, *, note: str = "") -> Message:
    """Return the result of a batch so far, and a `note` in mrkdwn."""
    text = batch_text(content, orders)
    if any(one.outcome is None for one in orders):
        return in_channel(text, note)
    left = left_of(orders)
    lines = still_running(content, left[:MOST_LISTED])
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


def batch_text(content: BatchContent, orders: Sequence[BatchedOrder]) -> str:
    """Return in mrkdwn how many orders have come how far."""
    verb, total = content.verb, len(orders)
    by = f" by {mention(content.user_id)}{f': {plain(content.reason)}' if content.reason else ''}"
    about = [
        _OUTSIDE.format(content.outside) if content.outside and verb is Verb.PAUSE else "",
        f"Chosen by {code(content.words)}." if content.words else "",
    ]
    done = sum(isinstance(one.outcome, outcomes.Done) for one in orders)
    ended = sum(one.outcome is not None for one in orders)
    if ended < total:
        other = f", {ended - done} not confirmed" if ended > done else ""
        top = [f"⏳ {DOING[verb]} {agents(total)}… {done} done{other}.", f"Requested{by}"]
    elif done == total:
        top = [f"{DONE[verb].split()[0]} *{verb.past.capitalize()} {agents(total)}*{by}", _named(content, orders)]
    else:
        is_over = all(isinstance(one.outcome, _IS_OVER) for one in orders)
        verdicts = Counter(_headline(content, one).partition("*")[2].rstrip("*").lower() for one in orders)
        counted = " · ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        sign = DONE[verb].split()[0] if is_over else "⚠️"
        top = [
            f"{sign} *{verb.past.capitalize()} {done} of {agents(total)}*{by}",
            f"{counted}.",
            _named(content, orders),
        ]
    return "\n".join(filter(None, [*top, *about]))


def _named(content: BatchContent, orders: Sequence[BatchedOrder]) -> str:
    """Return five agents that were paused or resumed: first those with names, then by the first digits of their ids."""
    done = [one.session_id for one in orders if isinstance(one.outcome, outcomes.Done)]
    named_first = sorted(done, key=lambda one: not content.names.get(one))
    names = [_name(content, one) or code(one[:8]) for one in named_first]
    return f"{content.verb.past.capitalize()}: {some(names, most=_MOST_NAMED)}." if names else ""


def _name(content: BatchContent, session_id: SessionId) -> str:
    return literal(content.names.get(session_id, ""), limit=_LONGEST_NAME)


def _headline(content: BatchContent, order: BatchedOrder) -> str:
    return worded(content.verb, order.outcome).headline if order.outcome else ""


def left_of(orders: Sequence[BatchedOrder]) -> list[BatchedOrder]:
    """Return the orders after which their session may not be as it should."""
    return [one for one in orders if not isinstance(one.outcome, _IS_OVER)]


def still_running(content: BatchContent, orders: Sequence[BatchedOrder], *, digits: int = 8) -> list[str]:
    """Return a line for each order after which its session may not be as it should, the id last."""
    lines = []
    for one in left_of(orders):
        why = worded(content.verb, one.outcome).in_list.rstrip(".") if one.outcome else ""
        lines.append(" · ".join(filter(None, [_name(content, one.session_id), why, code(one.session_id[:digits])])))
    return lines


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


def _button(content: BatchContent, order: BatchedOrder) -> Block | None:
    name = content.names.get(order.session_id, "")
    if content.verb is Verb.PAUSE:
        return button(Verb.PAUSE, order.session_id, name=name, label="Try again")
    is_resumed = isinstance(order.outcome, outcomes.Refusal) and order.outcome.why is outcomes.Why.RESUMED_SINCE
    may_run = is_resumed or isinstance(order.outcome, outcomes.Unconfirmed | outcomes.Broken)
    return button(Verb.PAUSE, order.session_id, name=name) if may_run else None


def _more(left: int, batch_id: str) -> str:
    more = left - MOST_LISTED
    return f"And {more} more, listed by `anchor-bot journal --batch {batch_id}`." if more > 0 else ""
