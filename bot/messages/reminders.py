"""Reminders of paused sessions, and messages about those that ended while they were paused."""

from bot.core.orders import Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Deadline, Session, SessionState
from bot.messages import buttons
from bot.messages.blocks import Message, told
from bot.messages.markup import DASHBOARD, code, session, time_of
from bot.messages.outcomes import NOT_FOUND, state_line
from bot.messages.sessions import agent_and_host, spoken_name


def reminder_message(
    session_id: SessionId,
    paused: SessionState,
    deadline: Deadline | None,
    known: Session | None,
    *,
    offers_end: bool = False,
) -> Message:
    """Return the reminder of a session that is paused, with its deadline if it has one, Resume, and perhaps End."""
    top = "⏰ *Paused, not resumed by this app*."
    what = f"It is not known when this session ends. Resume it, or end it in {DASHBOARD}."
    if deadline is not None:
        ends = "may end" if deadline.is_default else "ends"
        top = f"⏰ *Paused, not resumed by this app, and it {ends} at {time_of(deadline.at)}*."
        why = " Anchor's documentation names two default limits: 20 and 180 minutes." if deadline.is_default else ""
        what = f"Then its work is lost.{why}"
    resume = buttons.state_buttons(session_id, paused, spoken_name(known))
    end = [buttons.button(Verb.END, session_id, name=spoken_name(known))] if offers_end else []
    lines = [top, agent_and_host(known), f"{state_line(paused)}.", what]
    return told(lines, session(session_id), [*resume, *end])


def ended_message(session_id: SessionId, paused: SessionState, status: str) -> Message:
    """Return the message about a session that ended while it was paused, with Anchor's word for that, or none."""
    top, said = f"{NOT_FOUND}.", "It has ended, or belongs to another Anchor account."
    if status:
        top, said = "⏹️ *Ended while paused*.", f"Anchor's status: {code(status)}."
    return told([top, f"{state_line(paused)}.", said], session(session_id))
