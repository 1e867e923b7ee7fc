"""The window in which people choose sessions and pause them: one, or several at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.requests import Verb
from bot.core.sessions import ALL_WORD, MOST_TOGETHER, Choice, Session, SessionList, SessionState
from bot.messages.batches import agents
from bot.messages.blocks import Block, View, ephemeral, input_block, mrkdwn, option, section
from bot.messages.blocks import element as control
from bot.messages.buttons import PAUSE_SEVERAL
from bot.messages.lines import age, state_headline
from bot.messages.markup import code, fit, one_line
from bot.messages.sessions import NOTHING_PAUSED, of_them_paused
from bot.messages.settings import TITLES, Reply
from bot.messages.usage import COMMANDS

SHORTCUT = "anchor_pause_an_agent"  # the `callback_id` of the global shortcut, as manifest.yml declares it
TITLE = TITLES[PAUSE_SEVERAL]
SESSIONS, REASON = "sessions", "reason"
"""The inputs: boxes in `sessions_0`, `sessions_1`, …, whose values are the session ids, and the reason.

Block and element have the same name.
"""
LONGEST_REASON = 300

READING = "⏳ Reading the sessions from Anchor… *This pauses nothing yet.*"
UNREAD_NOW = "⚠️ Anchor's list can't be read now: some of these sessions may have ended."
UNLISTED = "⚠️ Anchor's list is not complete: some of these sessions may have ended."
NOT_OPENED = ephemeral(
    "⚠️ *The window did not open*: nothing was done.",
    f"Try again in a minute. `{COMMANDS[Verb.PAUSE]} &lt;session_id&gt;` needs no window.",
)
NOBODY_CHOSEN = Reply("NobodyChosen", "Choose at least one session.", (f"{SESSIONS}_0",))
OUT_OF_DATE = Reply("OutOfDate", f"{NOTHING_PAUSED} This window can't be used any more. Open it again.")
BEGUN = Reply("Begun", "⏳ *Begun.* You can close this window: the result follows.", closes=True)

_EACH = 10  # https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element
_LONGEST_NAME, _LONGEST_ABOUT = 60, 75  # of a box
_INCOMPLETE = "The message is too long to be read completely, so it can have ids that are not shown."


@dataclass(frozen=True, slots=True)
class Offer:
    """The sessions among which people choose: the newest of those that were `chosen` of the `running`.

    All are checked if they are `preselected`. `paused` has the pauses of those that this app paused, by id. `notes` are
    mrkdwn.
    """

    choice: Choice
    running: SessionList
    chosen: SessionList
    sessions: tuple[Session, ...]
    preselected: bool = True
    notes: tuple[str, ...] = ()
    paused: Mapping[str, SessionState] = field(default_factory=dict)


def pause_window(offer: Offer, state: str) -> View:
    """Return the window with an offer; `state` comes back with the answer."""
    reason = control("plain_text_input", REASON, max_length=LONGEST_REASON)
    blocks = (section(_offered_text(offer)), *_boxes(offer), input_block("Reason", reason))
    return View(blocks, TITLE, "Pause selected", "Cancel", callback_id=PAUSE_SEVERAL, seen=state)


def _offered_text(offer: Offer) -> str:
    chosen, shown = offer.chosen, len(offer.sessions)
    total = max(len(chosen.sessions), chosen.total, shown)
    about = f", matching {code(offer.choice.words)}" if offer.choice.words else ""
    named = "held back" if offer.choice.held_id else "named"
    about = f", of those that were {named}" if offer.choice.is_named else about
    at_least = "" if chosen.is_complete or chosen.total > shown else "At least "
    left = total - shown
    newest = f" This window has the newest {shown}: {left:,} more run, which it does not pause." if left > 0 else ""
    of_them = of_them_paused((*chosen.sessions, *offer.sessions), offer.paused) or (" runs" if total == 1 else " run")
    called = f"A tag, domain or key is called {code(ALL_WORD)}: `{COMMANDS[Verb.PAUSE]} all all` finds it."
    is_ambiguous = offer.preselected and not offer.choice.words and offer.running.has_name(ALL_WORD)
    counted = f"❔ *This pauses nothing yet.* *{at_least}{agents(total)}{of_them}*{about}.{newest}"
    return "\n".join([counted, *offer.notes, *([called] if is_ambiguous else [])])


def _boxes(offer: Offer) -> Iterator[Block]:
    boxes = [_box(one, offer) for one in offer.sessions[:MOST_TOGETHER]]
    for number, first in enumerate(range(0, len(boxes), _EACH)):
        some = boxes[first : first + _EACH]
        name, label = f"{SESSIONS}_{number}", f"Sessions {first + 1} to {first + len(some)}"
        checked = some if offer.preselected else []
        group = control("checkboxes", name, options=some, initial_options=checked)
        yield input_block(label if len(boxes) > _EACH else "Sessions", group)


def _box(session: Session, offer: Offer) -> Block:
    known = one_line(" ".join([*session.tags[:1], *session.domains[:1]]), limit=_LONGEST_NAME)
    box = option(f"{known} · {session.id[:8]}" if known else session.id, session.id)
    if (state := offer.paused.get(session.id)) is not None:
        return box | {"description": mrkdwn(fit(state_headline(state), _LONGEST_ABOUT))}
    started = session.created_at
    return box if started is None else box | {"description": mrkdwn(f"running {age(offer.running.read_at - started)}")}


def none_runs(chosen: SessionList, choice: Choice) -> Reply:
    """Return what a person reads if there is nothing to pause."""
    unread = "" if chosen.is_complete else " Not everything could be read."
    which = " whose alert still fires" if choice.held_id else ""
    matching = f" matches {code(choice.words)}" if choice.words else " was found"
    return Reply("NoneRuns", f"{NOTHING_PAUSED} No running session{which}{matching}.{unread}")


def about_ids(number: int, *, is_complete: bool) -> Sequence[str]:
    """Return what a window says of a message with so many session ids; `is_complete`: all of it was read."""
    none = [] if number else ["This message has no session id." if is_complete else "No session id was found."]
    return [*none, *([] if is_complete else [_INCOMPLETE])]
