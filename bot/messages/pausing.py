"""The modals to choose a session and to pause it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.requests import Verb
from bot.core.session_ids import Mention, Mentions, SessionId
from bot.core.sessions import ALL_WORD, Choice, Overview, Session, SessionList, SessionState
from bot.messages.batches import agents
from bot.messages.blocks import Block, Message, View, context, element, ephemeral, input_block, option, section
from bot.messages.buttons import PAUSE_SEVERAL, session_line, several_button
from bot.messages.markup import code, one_line, some
from bot.messages.sessions import NOTHING_PAUSED, list_blocks, of_them_paused
from bot.messages.usage import COMMANDS

MODAL = "anchor_sessions"  # the `callback_id` of the modal
SHORTCUT = "anchor_pause_an_agent"  # the `callback_id` of the global shortcut, as manifest.yml declares it
PASTED = "pasted"  # the input for an id that is not in the lists; block and element have the same name

NO_SESSION = "There is no session id here. Paste the id, or a URL that contains it."
IN_THREAD = "The results go to the message's thread, or to the channel."

NOT_OPENED = ephemeral("The window did not open: nothing was done.", f"Try again, or send `{COMMANDS[Verb.PAUSE]}`.")

_TITLE = "Pause an agent"
_LOADING = "⏳ Reading the sessions from Anchor…"
_LONGEST_PASTED = 1000

CHOICE = "anchor_choose_sessions"  # the `callback_id` of the modal

ALL, SESSIONS = "all", "sessions"
"""The inputs: one box for all sessions, and boxes for each in `sessions_0`, `sessions_1`, ….

Block and element have the same name. The values of the boxes are the session ids.
"""

MOST_SHOWN = 50  # the most sessions that are offered

TITLE = "Pause Anchor agents"
NOTHING_CHOSEN = "Choose at least one session."
OUT_OF_DATE = "This window can't be used any more. Open it again."

_EACH = 10  # https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element
_LONGEST_CONTEXT = 75
_INCOMPLETE = "The message is too long to be read completely, so it can have ids that are not shown."


SEVERAL_TITLE = "Pause several agents"
READING_SEVERAL = "⏳ Reading the sessions from Anchor… *This pauses nothing yet.*"
LEFT_OUT, REASON = "left_out", "reason"  # the blocks with inputs

NOBODY_LEFT = "Leave at least one session in."
SEVERAL_OUT_OF_DATE = f"{NOTHING_PAUSED} {OUT_OF_DATE}"
SEVERAL_BEGUN = "⏳ *Pausing.* You can close this window: the result follows."
UNREAD_NOW = "⚠️ Anchor's list can't be read now: some of these sessions may have ended."
UNLISTED = "⚠️ Anchor's list is not complete: older sessions of this window may have ended."
NOT_WHOLE = "⚠️ The bot's database does not answer, so the window can't have more."
SHOWN_LOST = "⚠️ What this window showed before can't be read any more."

MOST_LISTED = 20  # the most sessions that are listed as text

MOST_OPTIONS = 100
"""https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element"""

_LISTED_EACH = 5  # in a section
_LONGEST_NAME = 60
LONGEST_REASON = 300  # of several at once
_MOST_CHANGED = 10  # ids in a line
_OLD = "This window was open for over 10 minutes. Since then:"


@dataclass(frozen=True, slots=True)
class Offer:
    """The `sessions` that a window offers to pause at once, the newest of those that were `chosen` of the `running`.

    `paused` has the pauses of those that this app paused, by id. `left_out` were left out before. `changes` since then
    are ids by what happened. `notes` are mrkdwn.
    """

    choice: Choice
    running: SessionList
    chosen: SessionList
    sessions: tuple[Session, ...]
    left_out: frozenset[str] = frozenset()
    changes: Mapping[str, Sequence[SessionId]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    paused: Mapping[str, SessionState] = field(default_factory=dict)


def several_modal(offer: Offer, state: str, *, at: int) -> View:
    """Return the modal with an offer; `state` comes back with the answer. It opens `at` a time in Unix seconds."""
    shown, now = offer.sessions, offer.running.read_at
    brief = [replace(one, steps=None, key_name="", is_task=None, credits=None) for one in shown[:MOST_LISTED]]
    lines = [session_line(one, now=now, paused=offer.paused.get(one.id)) for one in brief]
    parts = ["\n".join(lines[first : first + _LISTED_EACH]) for first in range(0, len(lines), _LISTED_EACH)]
    more, is_ambiguous = len(shown) - MOST_LISTED, not offer.choice.words and offer.running.has_name(ALL_WORD)
    called = section(
        f"A tag, domain or key is called {code(ALL_WORD)}.", several_button(Choice(ALL_WORD), "Search for it")
    )
    blocks = (
        section(_offered_text(offer)),
        *([called] if is_ambiguous else []),
        *map(section, parts),
        *([context(f"And {more} more.")] if more > 0 else []),
        *([_leave_out(offer, at)] if len(shown) > 1 else []),
        input_block("Reason", element("plain_text_input", REASON, max_length=LONGEST_REASON)),
    )
    submit = f"Pause {agents(sum(one.id not in offer.left_out for one in shown))}"
    return View(blocks, SEVERAL_TITLE, submit, "Cancel", callback_id=PAUSE_SEVERAL, seen=state)


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
    counted = f"❔ *This pauses nothing yet.* *{at_least}{agents(total)}{of_them}*{about}.{newest}"
    changed = {kind: some([code(one[:8]) for one in ids], most=_MOST_CHANGED) for kind, ids in offer.changes.items()}
    changes = [f"*{kind}*: {ids or 'none known'}." for kind, ids in changed.items()]
    return "\n".join([counted, *offer.notes, *([_OLD, *changes] if changes else [])])


def _leave_out(offer: Offer, at: int) -> Block:
    """Return the input, whose element has the time in its name: so a later list keeps no choice of an earlier one."""
    options = {one.id: _option(one) for one in offer.sessions[:MOST_OPTIONS]}
    left_out = [options[one] for one in options if one in offer.left_out]
    choices = {"options": [*options.values()], "initial_options": left_out}
    menu = element("multi_static_select", f"{LEFT_OUT}_{at}", "Nobody", **choices)
    is_long = len(offer.sessions) > MOST_OPTIONS
    hint = f"The newest {MOST_OPTIONS} are listed here. All others are paused." if is_long else ""
    return input_block("Leave out", menu, hint=hint) | {"block_id": LEFT_OUT}


def _option(session: Session) -> Block:
    known = one_line(" ".join([*session.tags[:1], *session.domains[:1]]), limit=_LONGEST_NAME)
    return option(f"{known} · {session.id[:8]}" if known else session.id, session.id)


def several_answer(text: str) -> View:
    """Return the modal that answers in place of a list."""
    return View((section(text),), SEVERAL_TITLE)


def none_runs_text(chosen: SessionList, choice: Choice) -> str:
    """Return what a person reads if there is nothing to pause."""
    unread = "" if chosen.is_complete else " Not everything could be read."
    which = " whose alert still fires" if choice.held_id else ""
    matching = f" matches {code(choice.words)}" if choice.words else " was found"
    return f"{NOTHING_PAUSED} No running session{which}{matching}.{unread}"


def sessions_modal(
    overview: Overview, origin: str, *, dashboard_url: str, note: str = "", has_thread: bool = False
) -> View:
    """Return the modal; `note` is mrkdwn above the lists, `origin` comes back with clicks and with what is pasted."""
    lists = list_blocks(overview, dashboard_url=dashboard_url)
    where = [context(IN_THREAD)] if has_thread else []
    if Verb.PAUSE not in overview.allowed:
        return _modal(note, *lists, *where, origin=origin)
    field = element("plain_text_input", PASTED, max_length=_LONGEST_PASTED)
    pasted = input_block("Session id, or a URL that contains it", field)
    return _modal(note, *lists, pasted, *where, submit="Pause this id", origin=origin)


def loading_modal(note: str = "") -> View:
    """Return the modal that is shown until Anchor has answered."""
    return _modal(note, section(_LOADING))


def message_modal(message: Message, note: str = "") -> View:
    """Return the modal with a message in place of the lists."""
    return _modal(note, *(message.blocks or (section(message.text),)))


def _modal(note: str, *blocks: Block, submit: str = "", origin: str = "") -> View:
    shown = (*([section(note)] if note else []), *blocks)
    return View(shown, title=_TITLE, submit=submit, callback_id=MODAL, seen=origin)


def choice_modal(mentions: Mentions, origin: str) -> View:
    """Return the modal; `origin` comes back with what is chosen."""
    shown, count = mentions.found[:MOST_SHOWN], len(mentions.found)
    is_complete = mentions.is_complete and count == len(shown)
    which = f"This message has {count} session ids." if count > 1 else "This message has a session id."
    blocks = (
        section(" ".join([which, *([] if is_complete else [_INCOMPLETE]), IN_THREAD])),
        *([_boxes(ALL, "Which agents to pause", [option(f"All {len(shown)} sessions", ALL)])] if count > 1 else []),
        *_sessions(shown),
    )
    return View(blocks, title=TITLE, submit="Pause", close="Cancel", callback_id=CHOICE, seen=origin)


def no_id_note(*, is_complete: bool) -> str:
    """Return what stands above the list of sessions, in mrkdwn; `is_complete`: the whole message was read."""
    no_id = "This message has no session id." if is_complete else f"No session id was found. {_INCOMPLETE}"
    return f"{no_id} *This pauses nothing yet.*"


def _sessions(mentions: Sequence[Mention]) -> Iterator[Block]:
    for number, first in enumerate(range(0, len(mentions), _EACH)):
        ids = mentions[first : first + _EACH]
        label = f"Sessions {first + 1} to {first + len(ids)}" if len(mentions) > _EACH else "Sessions"
        boxes = [option(one.session_id, one.session_id, one_line(one.context, limit=_LONGEST_CONTEXT)) for one in ids]
        yield _boxes(f"{SESSIONS}_{number}", label, boxes)


def _boxes(name: str, label: str, options: Sequence[Block]) -> Block:
    return input_block(label, element("checkboxes", name, options=list(options)))
