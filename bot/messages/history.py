"""Past orders as people see them in Home, and in the modal of the last 30 days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core import outcomes
from bot.core.fields import parse_object, text_field
from bot.core.history import CHANGE, PastOrder, can_see_all
from bot.core.outcomes import WhyNot
from bot.core.policy import NotAdmin, NotAMember, NotHere, NotNamed, RoleUnknown, ScopeMissing
from bot.core.requests import Source, Verb
from bot.messages.blocks import Block, View, section
from bot.messages.buttons import HISTORY, plain_button
from bot.messages.markup import DOING, DONE, code, mention, moment, plain, session, where_and_why

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
_DONE = {
    outcomes.Paused.__name__: DONE[Verb.PAUSE],
    outcomes.Resumed.__name__: DONE[Verb.RESUME],
    outcomes.Ended.__name__: DONE[Verb.END],
}
_UNCONFIRMED = {outcomes.Unconfirmed.__name__, outcomes.Broken.__name__}
WHY: Mapping[str, str] = {
    kind.__name__: why
    for kind, why in {
        outcomes.NotRunning: "the session was not running",
        outcomes.NotFound: "Anchor had no such session",
        outcomes.Failed: "Anchor answered with an error",
        outcomes.KeyRejected: "Anchor refused the key",
        outcomes.RateLimited: "Anchor accepted no more requests",
        outcomes.Unavailable: "Anchor could not be reached",
        NotAMember: "the person is not a full member",
        RoleUnknown: "Slack did not say who the person is",
        ScopeMissing: "the app lacked the scope users:read",
        NotNamed: "the person has no permission",
        NotAdmin: "the person is no admin",
        NotHere: "it is not allowed in that conversation",
        outcomes.EndOff: "nobody can end sessions",
        outcomes.WrongWorkspace: "the workspace was not set up",
        outcomes.NoKey: "there was no Anchor API key",
        outcomes.StoreUnavailable: "the bot's database did not answer",
        outcomes.Overloaded: "the bot had too many requests",
        outcomes.TooManyResumes: "the person resumed too many sessions",
        outcomes.TooManyRepeats: "it was requested too many times",
        outcomes.Stopping: "anchor-bot was being stopped",
        outcomes.Observed: "an alert asked for it, and the workspace observes",
        outcomes.HeldBack: "alerts asked for too many",
        outcomes.ResumedBefore: "a resume of a person came first",
        outcomes.EndedBefore: "the session had ended",
        outcomes.AutoPauseOff: "the workspace takes no pauses by alerts",
    }.items()
} | {
    WhyNot.LATE: "it came too late",
    WhyNot.RESUMED_SINCE: "somebody had resumed the session",
    WhyNot.PAUSED_SINCE: "somebody had paused the session",
    WhyNot.ENDING: "somebody was ending the session",
    WhyNot.ENDED: "somebody had ended the session",
    WhyNot.NO_TURN: "its turn did not come in time",
}
"""The reasons by the names of the outcomes after which nothing was done, and by those that `NotSent` has."""


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
    who = f"{mention(order.user_id) if order.user_id else 'somebody'}, {moment(order.given_at)}{drill}"
    if order.verb == CHANGE:
        return f"⚙️ *Changed* by {who}.\n{plain(order.reason)}"
    what = f"{_DONE[order.outcome]} by {who}." if order.outcome in _DONE else f"{_what(order)} Requested by {who}."
    rest = where_and_why(order.channel_id, order.reason) if shows_all else "."
    batch = f"batch {code(order.batch_id)}" if order.batch_id else ""
    if order.batch_total:
        what = f"{DONE[Verb(order.verb)]} {order.batch_done} of {order.batch_total} sessions at once, by {who}."
        return f"{what}\n{batch.capitalize()}{rest}"
    return f"{what}\n{session(order.session_id)}{f' of {batch}' if batch else ''}{rest}"


def _what(order: PastOrder) -> str:
    verb, name = Verb(order.verb), order.outcome
    request = verb.value.capitalize()
    if name is None:
        return f"⏳ *{DOING[verb]}…*"
    if name == outcomes.NotSent.__name__:
        name = text_field(parse_object(order.outcome_fields or ""), "why") or name
    if name == outcomes.TooManyRepeats.__name__:
        return f"⏳ *{request} not sent again*: {WHY[name]}."
    if name in WHY:
        or_id = " or the session id" if verb is Verb.END and name == outcomes.KeyRejected.__name__ else ""
        return f"⛔ *Not {verb.past}*: {WHY[name]}{or_id}."
    return f"❓ *{request} unconfirmed.*" if name in _UNCONFIRMED else f"❓ *{request}*: {code(name)}."
