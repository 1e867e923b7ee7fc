"""The result of a batch of orders, which counts up while they are sent."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from bot.core.cards import BatchContent
from bot.core.history import BatchedOrder
from bot.core.outcomes import (
    Broken,
    Late,
    NotFound,
    NotRunning,
    Outcome,
    Paused,
    RateLimited,
    Refusal,
    Unavailable,
    Unconfirmed,
)
from bot.core.requests import Verb
from bot.messages.blocks import Message, Visibility, context, in_channel, section
from bot.messages.buttons import button
from bot.messages.history import WHY
from bot.messages.markup import code, link, mention, plain, session

MOST_LISTED = 20
"""The most sessions that a result lists."""

UNRECORDED = "⚠️ The bot's database does not answer: a restart of the bot would have lost the pauses that were not sent."


class _End(StrEnum):
    """The ends of an order, in the words of the result."""

    PAUSED = "paused"
    NOT_RUNNING = "not running"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    NOT_SENT = "not sent"
    RESUMED = "resumed since"


_SIGNS = {_End.UNCONFIRMED: "❓", _End.FAILED: "⛔", _End.NOT_SENT: "⛔", _End.RESUMED: "▶️"}
"""Those after which a session may still run."""


def batch_message(content: BatchContent, orders: Sequence[BatchedOrder], batch_id: str, *, note: str = "") -> Message:
    """Return the result of a batch as far as it has come; `note` is mrkdwn at its end."""
    text = batch_text(content, orders)
    if not all(one.outcome for one in orders):
        return in_channel(text, note)
    running = [one for one in orders if _end_of(one.outcome) in _SIGNS]
    again = [button(Verb.PAUSE, one.session_id, label="Try again") for one in running[:MOST_LISTED]]
    rows = list(map(section, still_running(running), again))
    last = " ".join(filter(None, [_more(len(running), batch_id), note]))
    blocks = (section(text), *rows, *([context(last)] if last else ()))
    spoken = [text, *still_running(running)[:MOST_LISTED], last]
    return Message("\n".join(filter(None, spoken)), Visibility.IN_CHANNEL, blocks)


def batch_text(content: BatchContent, orders: Sequence[BatchedOrder]) -> str:
    """Return in mrkdwn how many orders have come how far."""
    by = f" by {mention(content.user_id)}{f': {plain(content.reason)}' if content.reason else ''}"
    about = [
        f"Chosen by {code(content.words)}." if content.words else "",
        f"Joined to {link(content.follows, 'an earlier one')}, which runs." if content.follows else "",
    ]
    counts, total = Counter(_end_of(one.outcome) for one in orders if one.outcome), len(orders)
    if counts.total() < total:
        top = [f"⏳ Pausing {agents(total)}… {counts.total()} done.", f"Requested{by}."]
    else:
        numbers = " · ".join(f"{counts[end]} {end}" for end in _End if counts[end])
        follow = " Their cards follow." if counts[_End.PAUSED] else ""
        top = [
            f"{_verdict(counts, total)}{by}",
            f"{f'{numbers}.' if counts[_End.PAUSED] < total else ''}{follow}".strip(),
        ]
    return "\n".join(filter(None, [*top, *about]))


def still_running(orders: Sequence[BatchedOrder]) -> list[str]:
    """Return a line for each order after which its session may still run, the id last."""
    ends = [(one, _end_of(one.outcome)) for one in orders]
    return [
        f"{_SIGNS[end]} *{end.capitalize()}*{_why(one.outcome, end)}: {session(one.session_id)}"
        for one, end in ends
        if end in _SIGNS
    ]


def agents(count: int) -> str:
    """Return how many agents."""
    return f"{count} agent{'' if count == 1 else 's'}"


def _verdict(counts: Counter[_End], total: int) -> str:
    if counts[_End.PAUSED] == total:
        return f"⏸️ *Paused {agents(total)}*"
    sign = "⚠️" if any(counts[end] for end in _SIGNS) else "⏸️"
    return f"{sign} *Paused {counts[_End.PAUSED]} of {agents(total)}*"


def _end_of(outcome: Outcome | None) -> _End:
    match outcome:
        case Paused():
            return _End.PAUSED
        case NotRunning() | NotFound():
            return _End.NOT_RUNNING
        case Unconfirmed() | Broken():
            return _End.UNCONFIRMED
        case Late(resumed_by=str()):
            return _End.RESUMED
        case RateLimited() | Unavailable():
            return _End.NOT_SENT
        case _:
            return _End.NOT_SENT if isinstance(outcome, Refusal) else _End.FAILED


def _why(outcome: Outcome | None, end: _End) -> str:
    if isinstance(outcome, Late) and outcome.resumed_by:
        return f" by {mention(outcome.resumed_by)}"
    return "" if end is _End.UNCONFIRMED else f" ({WHY[type(outcome).__name__]})"


def _more(running: int, batch_id: str) -> str:
    more = running - MOST_LISTED
    return f"And {more} more, listed by `anchor-bot journal --batch {batch_id}`." if more > 0 else ""
