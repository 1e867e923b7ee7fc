"""A session in one line, and its state in another."""

from collections.abc import Sequence

from bot.core.requests import program_name
from bot.core.sessions import Life, Phase, Session, SessionState
from bot.messages.markup import code, joined, mention, moment, name, one_line, plain, time_of
from bot.messages.outcomes import CHECKED, UNCONFIRMED, done, earlier

_MOST_TAGS = 3
_LONGEST_NAME, _LONGEST_HOST = 24, 40
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_KINDS = {True: "Anchor task", False: "outside program", None: ""}


def agent_name(session: Session) -> str:
    """Return the name by which people know a session: its first tag, else its host, else its start; "" without any."""
    if session.tags:
        return name(session.tags[0], limit=_LONGEST_NAME)
    if session.domains:
        return name(session.domains[0], limit=_LONGEST_HOST)
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


def session_facts(
    session: Session | None, *, now: float | None = None, has_ended: bool = False, has_key: bool = False
) -> str:
    """Return the agent, its host, and what else is known, in mrkdwn; "" if that is nothing.

    Without `now` (Unix seconds) it stays true for long: it says when the session started, and no age, and no steps.
    What was read before a session ended is not said of it after that. The name of a key is not for everybody.
    """
    if session is None:
        return ""
    return joined(agent_and_host(session), more_facts(session, now=now, has_ended=has_ended, has_key=has_key))


def more_facts(session: Session, *, now: float | None = None, has_ended: bool = False, has_key: bool = False) -> str:
    """Return what is known of a session beside its agent and host."""
    is_current, start, ends_at = now is not None and not has_ended, session.created_at, session.ends_at
    is_over = has_ended or ends_at is None or (now is not None and ends_at <= now)
    is_stated = is_current and session.life is not Life.RUNNING and session.status
    return joined(
        "" if start is None else _age(session, start, now, has_ended=has_ended),
        f"{session.steps} step{'' if session.steps == 1 else 's'}" if is_current and session.steps is not None else "",
        _some(session.tags[1:]),
        f"started with key {code(session.key_name, limit=_LONGEST_NAME)}" if session.key_name and has_key else "",
        _KINDS[session.is_task],
        f"{session.credits:.4g} credits" if is_current and session.credits is not None else "",
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


def session_line(session: Session, *, now: float, paused: SessionState | None = None) -> str:
    """Return the line of a session in a list, the id last but for its pause; `now` is in Unix seconds."""
    last = state_line(paused.without_reason()) if paused else ""
    return joined(session_facts(session, now=now, has_key=True), code(session.id[:8]), last)


def _some(tags: Sequence[str]) -> str:
    most = _MOST_TAGS - 1
    more = f" +{len(tags) - most}" if len(tags) > most else ""
    return ", ".join(code(tag, limit=_LONGEST_NAME) for tag in tags[:most]) + more


def is_done(state: SessionState) -> bool:
    """Return whether an order has left the state: Anchor alone can have ended the session."""
    return state.phase in {Phase.PAUSED, Phase.RESUMED} or (state.phase is Phase.ENDED and bool(state.user_id))


def state_headline(state: SessionState, *, names_programs: bool = True) -> str:
    """Return what the last order or Anchor's answer left, and who gave that order."""
    if is_done(state):
        is_named = names_programs or program_name(state.user_id) is None
        return f"{done(state.verb, state.user_id)}{f' by {mention(state.user_id)}' if is_named else ''}"
    if state.phase is Phase.ENDED:
        while_paused = " while paused" if state.before and state.before.phase is Phase.PAUSED else ""
        return f"⏹️ *Ended{while_paused}*"
    others = {Phase.PAUSING: "⏳ *Pausing…*", Phase.UNCONFIRMED: UNCONFIRMED[state.verb].rstrip(".")}
    return (CHECKED | others)[state.phase]


def state_word(state: SessionState) -> str:
    """Return the same, and when."""
    return f"{state_headline(state)}, {moment(state.at)}"


def state_line(state: SessionState) -> str:
    """Return the same with the reason of a person, and with what was before Anchor's answer."""
    why = f": {plain(state.reason)}" if state.reason else ""
    if is_done(state):
        return f"{state_word(state)}{why}"
    if state.phase in {Phase.PAUSING, Phase.UNCONFIRMED}:
        headline = state_headline(state)
        requested = f"Requested by {mention(state.user_id)}, {moment(state.at)}{why}"
        return f"{headline}{' ' if state.phase is Phase.PAUSING else '. '}{requested}"
    before = state.before if state.before and state.before.phase not in CHECKED else None
    after = f". Before: {earlier(state_line(before))}" if before else ""
    if state.phase is Phase.ENDED:
        return f"{state_word(state)}, Anchor's status: {code(state.reason)}{after}"
    checker = f"by {mention(state.user_id)}, " if state.user_id else ""
    return f"{state_headline(state)}, checked {checker}{moment(state.at)}{after}"
