"""The answers to a pause without a session id: the sessions that run, or why they are not shown."""

from bot.core.outcomes import NoKey, Refusal
from bot.core.requests import Verb
from bot.core.session import Session
from bot.core.session_list import NotRead, SessionList, Unread
from bot.messages.blocks import Block, context, section
from bot.messages.home_elements import set_key_button
from bot.messages.markup import code
from bot.messages.message import Message, ephemeral, from_blocks, with_buttons
from bot.messages.phrases import dashboard, or_in_dashboard
from bot.messages.refusal import explain_refusal
from bot.messages.session_buttons import button
from bot.messages.session_lines import session_line
from bot.messages.usage import COMMANDS

MOST_RUNNING = 15
"""The most sessions that run and are shown."""

_PAUSE = COMMANDS[Verb.PAUSE]
_NOT_SHOWN = "⛔ *The sessions can't be shown.*"
_BY_ID = f"`{_PAUSE} &lt;session_id&gt;` and the buttons on alerts work without this list."
_NOT_READ = {
    Unread.KEY_REJECTED: "Anchor refuses this workspace's API key{status}. An admin or the operator of this bot must "
    "replace it. Until then, stop agents in {dashboard}.",
    Unread.RATE_LIMITED: "Anchor accepts no more requests for now{status}. Try again in a moment.",
    Unread.UNREACHABLE: "Anchor can't be reached{status}. Try again in a moment, or look in {dashboard}.",
    Unread.TIMED_OUT: "Anchor does not answer in time{status}. Try again in a moment, or look in {dashboard}.",
    Unread.UNREADABLE: "Anchor's answer could not be understood{status}. Try again, or look in {dashboard}.",
}
MORE_UNREAD = "Not everything could be read, so there can be more."


def reading_message(words: str) -> Message:
    """Return the ack of a command whose answer takes longer than Slack waits."""
    about = f" for {code(words)}" if words else ""
    return ephemeral(
        f"⏳ Looking{about} among the sessions that run… *Nothing is paused yet.* The answer follows here."
    )


def list_message(running: SessionList, matches: SessionList, words: str, *, dashboard_url: str) -> Message:
    """Return the sessions that run, or those that `words` choose, each with a button that pauses it."""
    heading = _heading(running, matches, words)
    if not matches.sessions:
        usage = f"To pause by id: `{_PAUSE} &lt;session_id&gt; [reason]`, {or_in_dashboard(Verb.PAUSE, dashboard_url)}."
        return ephemeral(heading, usage)
    rows = [running_row(session, running.read_at, can_pause=True) for session in matches.sessions[:MOST_RUNNING]]
    more = others_text(matches)
    advice = f"To see fewer: `{_PAUSE} &lt;tag, domain or key&gt;`." if more else ""
    return from_blocks([section(heading), *rows, *notes(f"{more} {advice}".strip())])


def not_read_text(failure: NotRead, *, dashboard_url: str) -> str:
    """Return why Anchor's sessions are not shown."""
    status = f" ({failure.status_code})" if failure.status_code else ""
    why = _NOT_READ[failure.why].format(status=status, dashboard=dashboard(dashboard_url))
    is_by_id = failure.why is not Unread.KEY_REJECTED
    return f"{_NOT_SHOWN} {why}" + (f"\n{_BY_ID}" if is_by_id else "")


def list_refusal(refusal: Refusal, *, dashboard_url: str) -> Message:
    """Return why a person sees no sessions."""
    why, advice = explain_refusal(Verb.PAUSE, refusal)
    message = ephemeral(f"{_NOT_SHOWN} {why}", f"{advice}, {or_in_dashboard(Verb.PAUSE, dashboard_url)}.")
    return with_buttons(message, set_key_button("Set")) if isinstance(refusal, NoKey) and refusal.can_set else message


def _heading(running: SessionList, matches: SessionList, words: str) -> str:
    count, found = len(running.sessions), len(matches.sessions)
    unread = "" if running.is_complete else f" {MORE_UNREAD}"
    if not words:
        return f"{_how_many(running, '*', ' now*.')}{unread}"
    if not found:
        return f"⛔ *Not paused*: no running session matches {code(words)}. {_how_many(running, '', '.')}{unread}"
    verb = "matches" if found == 1 else "match"
    return f"❔ *Nothing is paused yet.* {found} of {count} running sessions {verb} {code(words)}.{unread}"


def _how_many(running: SessionList, before: str, after: str) -> str:
    """Return how many sessions run. Only a complete list shows that none does."""
    if count := len(running.sessions):
        return f"{before}{count_text(count)} {'runs' if count == 1 else 'run'}{after}"
    return "*None running.*" if running.is_complete else "No running session was found."


def count_text(count: int) -> str:
    """Return a number of sessions in words."""
    return f"{count} session{'' if count == 1 else 's'}"


def others_text(shown: SessionList) -> str:
    """Return how many sessions are beyond those that fit; "" without any."""
    more = len(shown.sessions) - MOST_RUNNING
    return f"And {more} other{'' if more == 1 else 's'}." if more > 0 else ""


def running_row(session: Session, now: float, *, can_pause: bool) -> Block:
    """Return the row of a session that runs, with its button; `now` is in Unix seconds."""
    press = {"accessory": button(Verb.PAUSE, session.id)} if can_pause else {}
    return section(session_line(session, now=now), **press)


def notes(*texts: str) -> list[Block]:
    """Return a block of small text, if there is any."""
    text = " ".join(text for text in texts if text)
    return [context(text)] if text else []
