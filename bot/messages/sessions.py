"""Sessions: the words for one, those in a list, and those that alerts did not pause."""

from collections.abc import Sequence

from bot.core.cards import HeldContent
from bot.core.commands import Choice
from bot.core.orders import Verb
from bot.core.outcomes import KeyRejected, Refusal
from bot.core.sessions import Life, NotRead, Overview, Session, SessionList, SessionState
from bot.messages.blocks import Block, Message, actions, context, ephemeral, fits, from_blocks, row, section, told
from bot.messages.buttons import READ_LIST, ROW, button, paused_buttons, plain_button, several_button, state_buttons
from bot.messages.markup import DASHBOARD, code, counted, joined, literal, mention, moment, one_line, time_of
from bot.messages.outcomes import COMMANDS, state_line, worded

MOST_RUNNING, MOST_PAUSED = 15, 10  # the most sessions that run, and that are paused, which are shown

REFRESH = "anchor_refresh_sessions"
"""The `action_id` of the button that reads the sessions again; its value has the words of the command."""

NOTHING_PAUSED, _NOTHING_DONE = "⛔ *Nothing was paused.*", "⛔ *Nothing was done.*"
_PAUSE = COMMANDS[Verb.PAUSE]
_NOT_SHOWN = "⛔ *The sessions can't be shown.*"
_WITHOUT_LIST = f"`{_PAUSE} &lt;session_id&gt;` and the buttons on alerts work without this list."
_MOST_TAGS = 3
_LONGEST_NAME, _LONGEST_HOST = 24, 40
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_KINDS = {True: "Anchor task", False: "outside program", None: ""}
_MORE_UNREAD = "Not everything could be read, so there can be more."


def agent_name(session: Session) -> str:
    """Return the name by which people know a session: its first tag, else its host, else its start; "" without any."""
    if session.tags:
        return literal(session.tags[0], limit=_LONGEST_NAME)
    if session.domains:
        return literal(session.domains[0], limit=_LONGEST_HOST)
    return "" if session.created_at is None else f"Session of {moment(session.created_at)}"


def spoken_name(session: Session | None) -> str:
    """Return the name of an agent as it is read aloud: its first tag, else its host; "" without any."""
    return one_line(next(iter((*session.tags, *session.domains)), ""), limit=_LONGEST_HOST) if session else ""


def agent_and_host(session: Session | None) -> str:
    """Return the agent's name in bold, and the host that it is on; "" if nothing is known."""
    if session is None or not (agent := agent_name(session)):
        return ""
    others = f" +{len(session.domains) - 1}" if len(session.domains) > 1 else ""
    host = f" on {code(session.domains[0], limit=_LONGEST_HOST)}" if session.domains and session.tags else ""
    return f"*{agent}*{host}{others}"


def session_facts(session: Session | None, *, now: float | None = None, has_ended: bool = False) -> str:
    """Return the agent, its host, and what else is known, in mrkdwn; "" if that is nothing.

    Without `now` (Unix seconds) it stays true for long: it says when the session started, and no age.
    What was read before a session ended is not said of it after that.
    """
    if session is None:
        return ""
    return joined(agent_and_host(session), more_facts(session, now=now, has_ended=has_ended))


def more_facts(session: Session, *, now: float | None = None, has_ended: bool = False) -> str:
    """Return what is known of a session beside its agent and host."""
    start, ends_at = session.created_at, session.ends_at
    is_over = has_ended or ends_at is None or (now is not None and ends_at <= now)
    is_stated = now is not None and not has_ended and session.life is not Life.RUNNING and session.status
    return joined(
        "" if start is None else _age(session, start, now, has_ended=has_ended),
        _some_tags(session.tags[1:]),
        _KINDS[session.is_task],
        f"status {code(session.status, limit=_LONGEST_NAME)}" if is_stated else "",
        "" if is_over or ends_at is None else f"Anchor ends it by {time_of(ends_at)}",
    )


def _age(session: Session, start: float, now: float | None, *, has_ended: bool) -> str:
    if now is None:
        return f"started {moment(start)}" if session.tags or session.domains else ""  # else its start is its name
    is_running = session.life is Life.RUNNING and not has_ended
    return f"running {age(now - start)}" if is_running else f"started {age(now - start)} ago"


def age(seconds: float) -> str:
    """Return an age in its two largest units."""
    if seconds < _MINUTE:
        return "under 1 min"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def session_line(session: Session, *, now: float, paused: SessionState | None = None, digits: int = 8) -> str:
    """Return the line of a session in a list, the id last but for its pause; `now` is in Unix seconds."""
    last = state_line(paused.in_channel("")) if paused else ""
    return joined(session_facts(session, now=now), code(session.id[:digits]), last)


def _some_tags(tags: Sequence[str]) -> str:
    most = _MOST_TAGS - 1
    more = f" +{len(tags) - most}" if len(tags) > most else ""
    return ", ".join(code(tag, limit=_LONGEST_NAME) for tag in tags[:most]) + more


def reading_message(words: str) -> Message:
    """Return the ack of a command whose answer takes longer than Slack waits."""
    about = f" for {code(words)}" if words else ""
    return ephemeral(f"⏳ Looking{about} among the sessions… *Nothing was done yet.* The answer follows here.")


def not_read_text(failure: NotRead, *, verdict: str = _NOT_SHOWN, without: str = _WITHOUT_LIST) -> str:
    """Return why Anchor's sessions are not shown, after the verdict, and what works `without` them."""
    if failure.is_key_refused:
        wording = worded(Verb.PAUSE, KeyRejected(failure.status_code))
        return f"{verdict} {wording.reason} {wording.advice}"
    status = f" ({failure.status_code})" if failure.status_code else ""
    return f"{verdict} Anchor's list can't be read now{status}. Try again in a moment, or use {DASHBOARD}.\n{without}"


def list_refusal(refusal: Refusal, *, verdict: str = _NOT_SHOWN, verb: Verb = Verb.PAUSE) -> Message:
    """Return why a person sees no sessions, or cannot do with them what the verdict is about."""
    wording = worded(verb, refusal)
    return ephemeral(f"{verdict} {wording.reason}", wording.advice)


def list_message(overview: Overview) -> Message:
    """Return the list for the person alone, with as many rows as keep their buttons."""
    most = MOST_RUNNING + MOST_PAUSED
    while most and not fits(list_blocks(overview, most=most)):
        most -= 1
    return from_blocks(list_blocks(overview, most=most))


def list_blocks(overview: Overview, *, most: int = MOST_RUNNING + MOST_PAUSED) -> list[Block]:
    """Return what runs and what is paused, in `most` rows, and the buttons for all of it."""
    running, (others, paused) = overview.running, overview.chosen
    choice = Choice(overview.words)
    top = _top(overview, len(others) + len(paused))
    blocks = [section(top)] if top else []
    lists = [(_running_heading(running, len(others)), others, MOST_RUNNING)]
    lists.append((_paused_heading(overview, len(paused)), paused, MOST_PAUSED))
    for heading, sessions, limit in lists:
        shown = sessions[: min(limit, most)]
        most -= len(shown)
        if heading and (sessions or not choice.words):
            blocks += [section(heading), *(part for one in shown for part in _row(one, overview))]
        if sessions != shown:
            fewer = f"To see fewer: `{_PAUSE} &lt;tag, domain or key&gt;`."
            blocks.append(context(f"And {len(sessions) - len(shown)} more. {fewer}"))
    several = isinstance(running, SessionList) and len(running.chosen(choice).sessions) > 1
    can_pause = Verb.PAUSE in overview.allowed
    refresh = plain_button(REFRESH, "Refresh") | ({"value": choice.words} if choice.words else {})
    notes = [
        f"As of {moment(overview.read_at)}.",
        "Sessions resumed outside this app still appear here." if paused else "",
        "" if can_pause else f"Pausing is allowed only in some channels: send `{_PAUSE}` there.",
    ]
    several_of_them = [several_button(choice)] if several and can_pause else []
    return [*blocks, actions(refresh, *several_of_them), context(" ".join(filter(None, notes)))]


def _row(session: Session, overview: Overview) -> list[Block]:
    now, own = overview.read_at, {"block_id": f"{ROW}{session.id}"}
    if (state := (overview.paused or {}).get(session.id)) is None:
        pause = button(Verb.PAUSE, session.id, name=spoken_name(session)) if Verb.PAUSE in overview.allowed else None
        return [section(session_line(session, now=now), pause) | own]
    state = state.in_channel(overview.channel_id)
    resume = state_buttons(session.id, state, spoken_name(session)) if Verb.RESUME in overview.allowed else []
    text = f"{joined(session_facts(session, now=now), code(session.id[:8]))}\n{state_line(state)}"
    controls = row(*resume, *paused_buttons(session.id, spoken_name(session), overview.allowed))
    return [section(text), *(one | own for one in controls)]


def _top(overview: Overview, count: int) -> str:
    running, words = overview.running, overview.words
    if isinstance(running, NotRead):
        return not_read_text(running, verdict=_NOTHING_DONE if words else _NOT_SHOWN)
    if not words:
        return ""
    if count:
        return f"❔ *Nothing was done yet.* {counted(count)} match{'es' if count == 1 else ''} {code(words)}."
    listed = f"Anchor lists {counted(len(overview.listed))}.{'' if running.is_complete else f' {_MORE_UNREAD}'}"
    usage = f"By id: `{_PAUSE} &lt;session_id&gt; [reason]`, `{COMMANDS[Verb.RESUME]}`, or in {DASHBOARD}."
    return f"{_NOTHING_DONE} No session matches {code(words)}. {listed}\n{usage}"


def _running_heading(running: SessionList | NotRead, count: int) -> str:
    if isinstance(running, NotRead):
        return ""
    none = "none" if running.is_complete else "no session was found"
    return f"*Running now:* {counted(count) if count else none}.{'' if running.is_complete else f' {_MORE_UNREAD}'}"


def _paused_heading(overview: Overview, count: int) -> str:
    if overview.paused is None:
        return "⚠️ *Paused by this app*: the bot's database does not answer."
    return f"*Paused by this app:* {counted(count) if count else 'none'}."


def failed_message(content: HeldContent) -> Message:
    """Return the message about pauses that failed, and that have no message each."""
    top = f"⛔ *Not paused automatically: {counted(content.failed, 'more session')}* of {mention(content.user_id)}."
    rest = f"The first failed {moment(content.since)}. The agents may still run. *Read the list* shows what runs."
    return told([top, rest], buttons=[plain_button(READ_LIST, "Read the list")])


def held_message(content: HeldContent, held_id: str) -> Message:
    """Return the message about sessions that alerts did not pause, with the button that lets people pause them."""
    limit = f"Pauses of {counted(content.paused)} were sent within a minute, which is the limit."
    lines = [
        f"⛔ *Not paused automatically: further sessions* of {mention(content.user_id)}. The agents may still run.",
        f"{limit} Alerts with this token pause no further ones until {moment(content.until)}. *Pause* on a card works.",
        "*Pause several…* offers those whose alert still fires. Pausing them there ends this limit.",
    ]
    return told(lines, buttons=[several_button(Choice(held_id=held_id))])
