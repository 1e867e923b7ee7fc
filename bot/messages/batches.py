"""Several sessions at once: the window in which people choose and pause them, and the result, which counts up."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bot.core import outcomes
from bot.core.cards import BatchContent
from bot.core.commands import MOST_TOGETHER, Choice
from bot.core.journal import BatchedOrder
from bot.core.orders import Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Session, SessionList, SessionState
from bot.messages.blocks import (
    Block,
    Message,
    View,
    Visibility,
    context,
    ephemeral,
    input_block,
    mrkdwn,
    option,
    row,
    section,
    told,
)
from bot.messages.blocks import element as control
from bot.messages.buttons import PAUSE_SEVERAL, button, resume_batch_button
from bot.messages.markup import code, counted, fit, joined, literal, mention, one_line, plain, some
from bot.messages.outcomes import COMMANDS, DOING, DONE, state_headline, worded
from bot.messages.sessions import NOTHING_PAUSED, age
from bot.messages.settings import TITLES, Reply

SHORTCUT = "anchor_pause_an_agent"  # the `callback_id` of the global shortcut, as manifest.yml declares it
SESSIONS, REASON = "sessions", "reason"
"""The inputs: boxes in `sessions_0`, `sessions_1`, …, whose values are the session ids, and the reason.

Block and element have the same name.
"""
LONGEST_REASON = 300

UNLISTED = "⚠️ Anchor's list could not be read completely: some of these sessions may have ended."
HELD_UNKNOWN = "⚠️ Which sessions alerts did not pause can't be read now. All that run are listed, and none is selected."
NOT_OPENED = ephemeral(
    "⚠️ *The window did not open*: nothing was done.",
    f"Try again in a minute. `{COMMANDS[Verb.PAUSE]} &lt;session_id&gt;` needs no window.",
)
NOBODY_CHOSEN = Reply("NobodyChosen", "Choose at least one session.", (f"{SESSIONS}_0",))
OUT_OF_DATE = Reply("OutOfDate", "⛔ *Nothing was done.* This window can't be used any more. Open it again.")
BEGUN = Reply("Begun", "⏳ *Begun.* You can close this window: the result follows.", closes=True)
NO_DATABASE = ephemeral(
    "⚠️ *The bot's database does not answer*: nothing was resumed. Press the button again in a minute."
)
NONE_LEFT = ephemeral("🔹 *Nothing to resume.* The journal does not have these pauses any more.")
UNRECORDED = "⚠️ The bot's database does not answer: a restart of the bot loses the pauses that are not sent yet."

WHOLE_ID = 36  # characters
MOST_LISTED = 20  # the most sessions that a result lists

_EACH = 10  # https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element
_LONGEST_BOX, _LONGEST_ABOUT = 60, 75
_MOST_NAMED, _LONGEST_NAME = 5, 40  # of those that were paused or resumed
_OUTSIDE = "⚠️ Programs outside of Anchor may go on in {} of these sessions: only Anchor's own agents are paused."
_INCOMPLETE = "The message is too long to be read completely, so it can have ids that are not shown."
_IS_OVER = (outcomes.Done, outcomes.NotRunning)  # the outcomes after which nobody has to look at the session


def pause_window(  # noqa: PLR0913 - all that it shows
    choice: Choice,
    chosen: SessionList,
    paused: Mapping[str, SessionState],
    *,
    preselected: bool = True,
    notes: Sequence[str] = (),
    state: str,
) -> View:
    """Return the window in which people choose among the newest of those that were chosen.

    All are checked if they are `preselected`. `paused` has the pauses of those that this app paused, by id. `notes` are
    mrkdwn. `state` comes back with the answer.
    """
    boxes = [_box(one, paused.get(one.id), chosen.read_at) for one in chosen.sessions[:MOST_TOGETHER]]
    reason = input_block("Reason", control("plain_text_input", REASON, max_length=LONGEST_REASON))
    top = section("\n".join([_offered_text(choice, chosen), *notes]))
    blocks = (top, *_inputs(boxes, boxes if preselected else []), reason)
    title = TITLES[PAUSE_SEVERAL]
    return View(blocks, title, "Pause selected", "Cancel", callback_id=PAUSE_SEVERAL, seen=state)


def _offered_text(choice: Choice, chosen: SessionList) -> str:
    total = len(chosen.sessions)
    about = f", matching {code(choice.words)}" if choice.words else ""
    about = (
        f", of those that {'alerts did not pause' if choice.held_id else 'were named'}" if choice.is_named else about
    )
    at_least, left = "" if chosen.is_complete else "At least ", total - MOST_TOGETHER
    newest = f" This window has the newest {MOST_TOGETHER}: {left:,} more are not paused by it." if left > 0 else ""
    return f"❔ *This pauses nothing yet.* *{at_least}{counted(total, 'agent')}*{about}.{newest}"


def _inputs(boxes: Sequence[Block], checked: Sequence[Block]) -> Iterator[Block]:
    for number, first in enumerate(range(0, len(boxes), _EACH)):
        some_boxes = boxes[first : first + _EACH]
        name, label = f"{SESSIONS}_{number}", f"Sessions {first + 1} to {first + len(some_boxes)}"
        group = control("checkboxes", name, options=some_boxes, initial_options=checked[first : first + _EACH])
        yield input_block(label if len(boxes) > _EACH else "Sessions", group)


def _box(session: Session, state: SessionState | None, now: float) -> Block:
    known = one_line(" ".join([*session.tags[:1], *session.domains[:1]]), limit=_LONGEST_BOX)
    box = option(f"{known} · {session.id[:8]}" if known else session.id, session.id)
    if state is not None:
        return box | {"description": mrkdwn(fit(state_headline(state), _LONGEST_ABOUT))}
    started = session.created_at
    return box if started is None else box | {"description": mrkdwn(f"running {age(now - started)}")}


def none_runs(chosen: SessionList, choice: Choice) -> Reply:
    """Return what a person reads if there is nothing to pause."""
    unread = "" if chosen.is_complete else " Not everything could be read."
    which = " whose alert still fires" if choice.held_id else ""
    matching = f" matches {code(choice.words)}" if choice.words else " was found"
    return Reply("NoneRuns", f"{NOTHING_PAUSED} No running session{which}{matching}.{unread}")


def about_ids(number: int, *, is_complete: bool) -> Sequence[str]:
    """Return what a window says of a message with so many session ids; `is_complete`: all of it was read."""
    if not is_complete:
        return [_INCOMPLETE]
    return [] if number else ["This message has no session id."]


def batch_message(content: BatchContent, orders: Sequence[BatchedOrder], batch_id: str, *, note: str = "") -> Message:
    """Return the result of a batch so far, and a `note` in mrkdwn."""
    text = batch_text(content, orders)
    if any(one.outcome is None for one in orders):
        return told([text, note])
    left, lines = left_of(orders)[:MOST_LISTED], still_running(content, orders)
    rows = [section(line, _button(content, one)) for one, line in zip(left, lines[:MOST_LISTED], strict=True)]
    more = f"And {len(lines) - MOST_LISTED} more, listed by `anchor-bot journal --batch {batch_id}`."
    last = " ".join(filter(None, [more if len(lines) > MOST_LISTED else "", note]))
    can_resume = content.verb is Verb.PAUSE and any(isinstance(one.outcome, outcomes.Paused) for one in orders)
    resume = [resume_batch_button(batch_id)] if can_resume else []
    blocks = (section(text), *row(*resume), *rows, *([context(last)] if last else []))
    return Message("\n".join(filter(None, [text, *lines[:MOST_LISTED], last])), Visibility.IN_CHANNEL, blocks)


def batch_text(content: BatchContent, orders: Sequence[BatchedOrder]) -> str:
    """Return in mrkdwn how many orders have come how far."""
    verb, total = content.verb, len(orders)
    by = f" by {mention(content.user_id)}{f': {plain(content.reason)}' if content.reason else ''}"
    done = [one.session_id for one in orders if isinstance(one.outcome, outcomes.Done)]
    ended = [worded(verb, one.outcome).headline for one in orders if one.outcome is not None]
    if len(ended) < total:
        other = f", {len(ended) - len(done)} not confirmed" if len(ended) > len(done) else ""
        top = [f"⏳ {DOING[verb]} {counted(total, 'agent')}… {len(done)} done{other}.", f"Requested{by}"]
    else:
        how_many = counted(total, "agent") if len(done) == total else f"{len(done)} of {counted(total, 'agent')}"
        sign = "⚠️" if left_of(orders) else DONE[verb].split()[0]
        counts = Counter(headline.partition("*")[2].rstrip("*").lower() for headline in ended)
        verdicts = " · ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        top = [f"{sign} *{verb.past.capitalize()} {how_many}*{by}", f"{verdicts}." if len(counts) > 1 else ""]
        named_first = sorted(done, key=lambda one: not content.names.get(one))
        names = some([_name(content, one) or code(one[:8]) for one in named_first], most=_MOST_NAMED)
        top.append(f"{verb.past.capitalize()}: {names}." if names else "")
    about = [
        _OUTSIDE.format(content.outside) if content.outside and verb is Verb.PAUSE else "",
        "Sessions that began since are not among them." if verb is Verb.PAUSE else "",
    ]
    return "\n".join(filter(None, [*top, *about]))


def _name(content: BatchContent, session_id: SessionId) -> str:
    return literal(content.names.get(session_id, ""), limit=_LONGEST_NAME)


def left_of(orders: Sequence[BatchedOrder]) -> list[BatchedOrder]:
    """Return the orders after which their session may not be as it should."""
    return [one for one in orders if not isinstance(one.outcome, _IS_OVER)]


def still_running(content: BatchContent, orders: Sequence[BatchedOrder], *, digits: int = 8) -> list[str]:
    """Return a line for each of those: the agent, what was not done and why, so many `digits` of the id."""
    return [
        joined(
            _name(content, one.session_id),
            worded(content.verb, one.outcome).in_list.rstrip(".") if one.outcome else "",
            code(one.session_id[:digits]),
        )
        for one in left_of(orders)
    ]


def _button(content: BatchContent, order: BatchedOrder) -> Block | None:
    name = content.names.get(order.session_id, "")
    if content.verb is Verb.PAUSE:
        return button(Verb.PAUSE, order.session_id, name=name, label="Try again")
    is_resumed = isinstance(order.outcome, outcomes.Refusal) and order.outcome.why is outcomes.Why.RESUMED_SINCE
    may_run = is_resumed or isinstance(order.outcome, outcomes.Unconfirmed | outcomes.Broken)
    return button(Verb.PAUSE, order.session_id, name=name) if may_run else None
