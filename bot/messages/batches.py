"""The result of a batch of orders, which counts up while they are sent."""

from collections import Counter
from collections.abc import Iterator, Sequence
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
from bot.messages.blocks import Block, Message, Visibility, context, in_channel, section
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
    by = f" by {mention(content.user_id)}{f': {plain(content.reason)}' if content.reason else ''}"
    about = [
        f"Chosen by {code(content.words)}." if content.words else "",
        f"Joined to {link(content.follows, 'an earlier one')}, which runs." if content.follows else "",
    ]
    ends = [(one, _end_of(one.outcome)) for one in orders if one.outcome is not None]
    if len(ends) < len(orders):
        return in_channel(f"⏳ Pausing {agents(len(orders))}… {len(ends)} done.", f"Requested{by}.", *about, note)
    counts = Counter(end for _, end in ends)
    numbers = " · ".join(f"{counts[end]} {end}" for end in _End if counts[end])
    result = [
        f"{numbers}." if counts[_End.PAUSED] < len(orders) else "",
        "Their cards follow." if counts[_End.PAUSED] else "",
    ]
    top = [f"{_verdict(counts, len(orders))}{by}", " ".join(filter(None, result))]
    text = "\n".join(filter(None, [*top, *about]))
    running = [(one, end) for one, end in ends if end in _SIGNS]
    rows = [_row(one, end) for one, end in running[:MOST_LISTED]]
    last = " ".join(filter(None, [_more(len(running), batch_id), note]))
    blocks = (section(text), *rows, *([context(last)] if last else ()))
    return Message(
        "\n".join([text, *(row["text"]["text"] for row in rows), last]).strip(), Visibility.IN_CHANNEL, blocks
    )


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


def _row(order: BatchedOrder, end: _End) -> Block:
    again = button(Verb.PAUSE, order.session_id, label="Try again")
    return section(
        f"{_SIGNS[end]} *{end.capitalize()}*{''.join(_why(order.outcome, end))}: {session(order.session_id)}", again
    )


def _why(outcome: Outcome | None, end: _End) -> Iterator[str]:
    if isinstance(outcome, Late) and outcome.resumed_by:
        yield f" by {mention(outcome.resumed_by)}"
    elif end is not _End.UNCONFIRMED:
        yield f" ({WHY[type(outcome).__name__]})"


def _more(running: int, batch_id: str) -> str:
    more = running - MOST_LISTED
    return f"And {more} more, listed by `anchor-bot journal --batch {batch_id}`." if more > 0 else ""
