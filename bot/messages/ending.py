"""Messages about the end of a session: before Anchor ends it, and after that."""

from bot.core.reminders import Deadline
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, SessionState
from bot.messages import buttons, markup
from bot.messages.blocks import Message, in_channel, with_buttons
from bot.messages.outcomes import CHECKED


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
        top = f"⏰ *Not resumed by this app* for {buttons.age(now - paused.at)}."
        what = "Whether and when this session ends is not known. Resume it, or end it in Anchor."
    else:
        ends, at = "may end" if deadline.is_default else "ends", markup.time_of(deadline.at)
        top = f"⏰ *Paused, not resumed by this app, and it {ends} in {buttons.age(deadline.at - now)}*."
        guess = f"This session may end at {at} (Anchor's pages name 20 and 180 minutes)."
        what = f"{guess if deadline.is_default else f'Anchor ends this session by {at}.'} Then its work is lost."
    about = f"{buttons.known_facts(known, now=now)}\n{markup.session(session_id)}".strip()
    message = in_channel(top, f"{buttons.state_line(paused)}.", what, about)
    end = [buttons.end_button(session_id, known, now=now)] if offers_end else []
    return with_buttons(message, buttons.next_button(session_id, paused, buttons.spoken_name(known)), *end)


def ended_message(session_id: SessionId, paused: SessionState, status: str) -> Message:
    """Return the message about a session that ended while it was paused, with Anchor's word for that, or none."""
    top, said = f"{CHECKED[Phase.NOT_FOUND]}.", "It has ended, or belongs to another Anchor account."
    if status:
        top, said = "🔹 *Ended while paused.*", f"Anchor's status: {markup.code(status)}."
    return in_channel(top, f"{buttons.state_line(paused)}.", said, markup.session(session_id))
