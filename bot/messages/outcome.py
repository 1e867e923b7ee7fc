"""The messages about an order: the verdict and the person, what is known, what to do next, and the session."""

from typing import assert_never

from bot.core import outcomes
from bot.core.requests import Order, Verb
from bot.core.session import Session
from bot.core.session_state import PHASES, Phase, SessionState
from bot.messages.card_update import CardUpdate
from bot.messages.markup import code, link, mention, moment, plain, session
from bot.messages.message import Message, ephemeral, in_channel, with_buttons
from bot.messages.phrases import DONE, IN_HOME, NOT_DONE, UNCONFIRMED, dashboard, or_in_dashboard
from bot.messages.refusal import refusal_message
from bot.messages.session_buttons import button, resume_question
from bot.messages.session_lines import session_facts
from bot.messages.session_state import next_button, state_button, state_line

_UNREACHABLE = {
    outcomes.Unreachable.NO_CONNECTION: "Anchor can't be reached; nothing was sent.",
    outcomes.Unreachable.OUT_OF_SERVICE: "Anchor is out of service (503); nothing was done.",
}
_DOUBTS = {
    outcomes.Doubt.TIMED_OUT: "Anchor did not answer in time",
    outcomes.Doubt.CONNECTION_LOST: "The connection to Anchor broke before its answer came",
    outcomes.Doubt.GATEWAY: "A gateway answered in Anchor's place",
    outcomes.Doubt.UNREADABLE: "Anchor's answer could not be understood",
    outcomes.Doubt.CONTRADICTED: "Anchor's answer contradicts itself",
    outcomes.Doubt.STOPPED: "The bot was stopped while it waited for Anchor",
    outcomes.Doubt.RACED: "Anchor confirmed it, but an opposite request is still unanswered",
}
_DOING = {Verb.PAUSE: "Pausing", Verb.RESUME: "Resuming"}
_NOTHING_TO_DO = {
    Verb.PAUSE: "🔹 *Not running*, nothing to pause.",
    Verb.RESUME: "🔹 *Not running*, nothing to resume.",
}
_NO_SESSION = {
    Verb.PAUSE: "🔹 *No such session*, nothing was paused.",
    Verb.RESUME: "🔹 *No such session*, nothing was resumed.",
}
_AFTER_DOUBT = {
    Verb.PAUSE: "Try again (pausing twice does no harm), or check it in {dashboard}.",
    Verb.RESUME: "Check it in {dashboard} before you try again: it may have been paused since.",
}
_NEW_KEY = {True: f"Ask an admin to replace it {IN_HOME}", False: "Ask the operator of this bot to replace it"}
_EXTERNAL = "⚠️ A program outside of Anchor may still control this browser: the pause reaches only Anchor's own agent."
_EXPECTED_STATUS = frozenset({"success", "ok"})


def waiting_message(order: Order, *, is_recorded: bool) -> Message:
    """Return the ack of a command whose outcome takes longer than Slack waits."""
    doubt = "" if is_recorded else "⚠️ The bot's database does not answer: a restart of the bot would lose this request."
    return ephemeral(f"⏳ {_DOING[order.verb]}… The result will be posted here.", doubt, session(order.session_id))


def outcome_message(  # noqa: PLR0913 - all that an answer says
    order: Order,
    outcome: outcomes.Outcome,
    *,
    now: float,
    dashboard_url: str,
    order_id: str = "",
    message_url: str = "",
    known: Session | None = None,
) -> Message:
    """Return the answer to an order: an outcome for the channel, a refusal for the person alone.

    `now` is in Unix seconds. `order_id` is for the buttons; a terminal shows none. `message_url` is the link to the
    message that a shortcut was used on: the answer can stand far from it. `known` is what is known of the session.
    """
    known_version = order.expected_version or order_id
    if isinstance(outcome, outcomes.Refusal):
        return refusal_message(order, outcome, dashboard_url=dashboard_url, version=known_version)
    from_message = f", from {link(message_url, 'this message')}" if message_url else ""
    about = f"{_facts(known, now)}\n{session(order.session_id)}{from_message}".strip()
    if isinstance(outcome, outcomes.Done):
        notes = (_earlier(outcome), _unexpected(order.verb, outcome.status), _reach(outcome, known))
        message = in_channel(_done_line(order), *notes, about)
        return with_buttons(message, next_button(order.session_id, _state_after(order, outcome, now, order_id)))
    verdict, why, advice = _explain(order.verb, outcome, dashboard_url)
    reason = f"Reason: {plain(order.reason)}" if order.reason else ""
    message = in_channel(f"{verdict} Requested by {mention(order.actor.user_id)}.", why, advice, reason, about)
    if isinstance(outcome, outcomes.NotRunning | outcomes.NotFound):
        return message
    return with_buttons(message, button(order.verb, order.session_id, label="Try again", version=known_version))


def question_message(order: Order, version: str) -> Message:
    """Return the question about a resume, for a click on a button that did not ask, and for an old command."""
    question, resume = resume_question(order.session_id, version)
    return with_buttons(ephemeral(question, session(order.session_id)), resume)


def card_update(
    order: Order, outcome: outcomes.Outcome, *, now: float, order_id: str, known: Session | None = None
) -> CardUpdate | None:
    """Return the update of the clicked message, or None if its button stays; the arguments as above."""
    state = _known_state(order, outcome, now, order_id)
    if state is None:
        return None
    facts = _facts(known, now)
    line = f"{state_line(state)} · {facts}" if facts else state_line(state)
    return CardUpdate(order.session_id, line, state_button(order.session_id, state))


def card_not_updated() -> str:
    """Return the line of a result whose clicked message Slack did not let the bot update."""
    return "⚠️ The message with the button could not be updated: Slack refused it. Its button is out of date."


def _done_line(order: Order) -> str:
    reason = f": {plain(order.reason)}" if order.reason else ""
    return f"{DONE[order.verb]} by {mention(order.actor.user_id)}{reason}"


def _facts(known: Session | None, now: float) -> str:
    return session_facts(known, now=now) if known else ""


def _reach(outcome: outcomes.Done, known: Session | None) -> str:
    """Return what a pause may not have stopped: a session that no task made has an external driver."""
    is_external = known is not None and known.is_task is False
    return _EXTERNAL if isinstance(outcome, outcomes.Paused) and is_external else ""


def _earlier(outcome: outcomes.Done) -> str:
    """Return the sentence about an earlier pause."""
    if isinstance(outcome, outcomes.Resumed) or not outcome.earlier_by:
        return ""
    return (
        f"It was paused before by {mention(outcome.earlier_by)}, {moment(outcome.earlier_at)}. Anchor was asked again."
    )


def _known_state(order: Order, outcome: outcomes.Outcome, now: float, order_id: str) -> SessionState | None:
    """Return the state of the session, if the outcome tells it. A reason of somebody else is not for everybody."""
    match outcome:
        case outcomes.PausedSince(version, user_id, given_at, is_confirmed=True):
            return SessionState(Phase.PAUSED, Verb.PAUSE, version, user_id, "", "", given_at)
        case outcomes.ResumedSince(version, user_id, given_at):
            return SessionState(Phase.RESUMED, Verb.RESUME, version, user_id, "", "", given_at)
        case outcomes.Paused() | outcomes.Resumed() | outcomes.NotRunning() | outcomes.NotFound():
            return _state_after(order, outcome, now, order_id)
        case _:
            return None


def _state_after(order: Order, outcome: outcomes.KeyTaken, now: float, order_id: str) -> SessionState:
    phase, actor = PHASES[type(outcome).__name__], order.actor
    return SessionState(phase, order.verb, order_id, actor.user_id, actor.channel_id, order.reason, now)


def _explain(verb: Verb, outcome: outcomes.NotDone, dashboard_url: str) -> tuple[str, str, str]:
    """Return the verdict, what is known, and what to do next."""
    verdict = NOT_DONE[verb]
    or_in_anchor = or_in_dashboard(verb, dashboard_url)
    match outcome:
        case outcomes.NotRunning(anchor_message=text):
            verdict = _NOTHING_TO_DO[verb]
            known = f"Anchor says that this session is not running{_quote(text)}."
            advice = f"If an agent still acts, it has another session: look in {dashboard(dashboard_url)}."
        case outcomes.NotFound(anchor_message=text):
            verdict = _NO_SESSION[verb]
            known = f"Anchor has no such session for this workspace's API key{_quote(text)}."
            advice = f"Check the id, and the account, in {dashboard(dashboard_url)}."
        case outcomes.Failed(status_code=status_code, anchor_message=text):
            known = f"Anchor answered with an error ({status_code}){_quote(text)}."
            advice = f"Try again, {or_in_anchor}."
        case outcomes.KeyRejected(status_code=status_code, anchor_message=text, by_admins=by_admins):
            known = f"Anchor refused this workspace's API key ({status_code}){_quote(text)}."
            advice = f"{_NEW_KEY[by_admins]}, {or_in_anchor}."
        case outcomes.RateLimited(retry_after=retry_after, anchor_message=text):
            known = f"Anchor accepts no more requests for now (429){_quote(text)}."
            advice = f"Try again {_in_seconds(retry_after)}, {or_in_anchor}."
        case outcomes.Unavailable(why=why, retry_after=retry_after):
            known = _UNREACHABLE[why]
            advice = f"Try again {_in_seconds(retry_after)}, {or_in_anchor}."
        case outcomes.Unconfirmed(why=why, status_code=status_code, anchor_message=text):
            known = f"{_DOUBTS[why]}{f' ({status_code})' if status_code else ''}{_quote(text)}."
            verdict, advice = UNCONFIRMED[verb], _AFTER_DOUBT[verb].format(dashboard=dashboard(dashboard_url))
        case outcomes.Broken(incident_id=incident_id):
            known = f"Something broke in the bot. Tell its operator the incident {code(incident_id)}."
            verdict, advice = UNCONFIRMED[verb], _AFTER_DOUBT[verb].format(dashboard=dashboard(dashboard_url))
        case outcomes.Superseded():
            known = "A pause was requested after it, so the resume was not sent."
            advice = f"Try again if the agent is to go on anyway, {or_in_anchor}."
        case _:
            assert_never(outcome)
    return verdict, known, advice


def _unexpected(verb: Verb, status: str | None) -> str:
    """Return Anchor's status if it says something else than the verdict."""
    is_expected = status is None or status.casefold() in _EXPECTED_STATUS | {verb.past}
    return "" if is_expected else f"Anchor's status: {code(status or '')}."


def _quote(text: str | None) -> str:
    return f": {code(text)}" if text else ""


def _in_seconds(retry_after: float | None) -> str:
    return f"in {retry_after:.0f} s" if retry_after else "in a moment"
