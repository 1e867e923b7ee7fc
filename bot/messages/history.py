"""Past orders as people see them in Home, and in the modal of the last 30 days."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.history import CHANGE, PastOrder, can_see_all
from bot.core.requests import Source, Verb
from bot.messages.blocks import Block, View, section
from bot.messages.buttons import HISTORY, plain_button
from bot.messages.markup import code, mention, moment, plain, session, where_and_why
from bot.messages.outcomes import DOING, DONE, past_wording

MOST_IN_HOME = 10
MOST_IN_MODAL = 100
"""The most orders that the modal shows, two in a block: it has at most 100 blocks, of 3,000 characters each."""

DAYS = 30
TITLE = f"Last {DAYS} days"

_HEADING = "*Last pauses and resumes*, when this tab was opened"
_NONE = "*Last pauses and resumes*: none yet."
_UNREADABLE = (
    "⚠️ *Last pauses and resumes*: the bot's database does not answer, so they can't be shown. Try again later."
)
_MORE = f"The newest {MOST_IN_MODAL}. There are more: `anchor-bot journal` prints all."


@dataclass(frozen=True, slots=True)
class LastOrders:
    """The newest orders of a workspace, for one person; `orders` is None if the journal cannot be read."""

    orders: tuple[PastOrder, ...] | None
    viewer_id: str
    is_admin: bool


def last_orders(last: LastOrders) -> list[Block]:
    """Return the blocks for Home."""
    button = plain_button(HISTORY, TITLE) if last.is_admin else None
    if last.orders is None:
        return [section(_UNREADABLE, button)]
    shown = [
        section(_line(one, shows_all=can_see_all(one.user_id, viewer_id=last.viewer_id, is_admin=last.is_admin)))
        for one in last.orders
    ]
    return [section(f"{_HEADING}:" if shown else _NONE, button), *shown]


def history_modal(orders: Sequence[PastOrder] | None) -> View:
    """Return the modal of 30 days, the newest first; it says if there are more. None: the journal is unreadable."""
    if orders is None:
        return View((section(_UNREADABLE),), title=TITLE)
    lines = [_line(one, shows_all=True) for one in orders[:MOST_IN_MODAL]]
    shown = [section("\n".join(lines[first : first + 2])) for first in range(0, len(lines), 2)]
    heading = _MORE if len(orders) > MOST_IN_MODAL else "All, the newest first:"
    return View((section(heading if shown else "No pause or resume."), *shown), title=TITLE)


def _line(order: PastOrder, *, shows_all: bool) -> str:
    drill = ", in a drill" if order.source == Source.DRILL else ""
    who = f"by {mention(order.user_id) if order.user_id else 'somebody'}, {moment(order.given_at)}{drill}"
    rest = where_and_why(order.channel_id, order.reason) if shows_all else "."
    batch = f"batch {code(order.batch_id)}" if order.batch_id else ""
    if order.verb == CHANGE:
        return f"⚙️ *Changed* {who}.\n{plain(order.reason)}"
    if order.batch_total:
        what = f"{DONE[Verb(order.verb)]} {order.batch_done} of {order.batch_total} sessions at once, {who}."
        return f"{what}\n{batch.capitalize()}{rest}"
    return f"{_what(order)} {who}.\n{session(order.session_id)}{f' of {batch}' if batch else ''}{rest}"


def _what(order: PastOrder) -> str:
    verb = Verb(order.verb)
    if order.outcome is None:
        return f"⏳ *{DOING[verb]}…* Requested"
    if (wording := past_wording(verb, order.outcome)) is None:
        return f"❓ *{verb.value.capitalize()}*: {code(order.outcome)}. Requested"
    return f"{wording.in_list}. Requested" if wording.verdict else wording.headline
