"""Messages about the end of a session: before Anchor ends it, and after that."""

from bot.core.reminders import Deadline
from bot.core.session_ids import SessionId
from bot.core.sessions import Session, SessionState
from bot.messages import buttons, markup
from bot.messages.blocks import Message, told
from bot.messages.lines import age, agent_and_host, spoken_name, state_line
from bot.messages.outcomes import NOT_FOUND


def reminder_message(  # noqa: PLR0913 - all that it says
    session_id: SessionId,
    paused: SessionState,
    deadline: Deadline | None,
    *,
    now: float,
    known: Session | None,
    offers_end: bool = False,
) -> Message:
    """Return the reminder of a session that is paused, with its deadline if it has one, Resume, and perhaps End."""
    if deadline is None:
        top = f"⏰ *Not resumed by this app* for {age(now - paused.at)}."
        what = "Whether and when this session ends is not known. Resume it, or end it in Anchor."
    else:
        ends, at = "may end" if deadline.is_default else "ends", markup.time_of(deadline.at)
        top = f"⏰ *Paused, not resumed by this app, and it {ends} in {age(deadline.at - now)}*."
        why = " (Anchor's pages name 20 and 180 minutes)" if deadline.is_default else ""
        what = f"It {ends} at {at}{why}. Then its work is lost."
    resume = buttons.next_button(session_id, paused, spoken_name(known))
    end = [buttons.end_button(session_id, spoken_name(known))] if offers_end else []
    lines = [top, agent_and_host(known), f"{state_line(paused)}.", what]
    return told(lines, markup.session(session_id), [resume, *end])


def ended_message(session_id: SessionId, paused: SessionState, status: str) -> Message:
    """Return the message about a session that ended while it was paused, with Anchor's word for that, or none."""
    top, said = f"{NOT_FOUND}.", "It has ended, or belongs to another Anchor account."
    if status:
        top, said = "⏹️ *Ended while paused.*", f"Anchor's status: {markup.code(status)}."
    return told([top, f"{state_line(paused)}.", said], markup.session(session_id))
