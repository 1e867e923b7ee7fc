"""The messages about an order: the verdict, what is known, and what to do next."""

from dataclasses import replace
from typing import assert_never

from bot.core import outcomes
from bot.core.requests import Order, Verb
from bot.messages.blocks import actions, section
from bot.messages.card_update import CardUpdate
from bot.messages.markup import code, mention, moment, plain
from bot.messages.message import Message, ephemeral, in_channel
from bot.messages.refusal import IN_HOME, OR_IN_ANCHOR, refusal_message
from bot.messages.session_buttons import button
from bot.messages.usage import COMMANDS

_UNREACHABLE = {
    outcomes.Unreachable.NO_CONNECTION: "Anchor can't be reached; nothing was sent.",
    outcomes.Unreachable.OUT_OF_SERVICE: "Anchor is out of service (503); nothing was done.",
}
_DOUBTS = {
    outcomes.Doubt.TIMED_OUT: "The request was sent, but Anchor did not answer in time",
    outcomes.Doubt.CONNECTION_LOST: "The request was sent, but the connection to Anchor broke before its answer came",
    outcomes.Doubt.GATEWAY: "The request was sent, but a gateway lost Anchor's answer",
    outcomes.Doubt.UNREADABLE: "The request was sent, but what came back is no answer of Anchor's",
    outcomes.Doubt.STOPPED: "The bot was stopped while it was asking Anchor",
    outcomes.Doubt.RACED: "Anchor confirmed it, but an opposite order before it got no answer and may yet take effect",
}
_DOING = {Verb.PAUSE: "Pausing", Verb.RESUME: "Resuming"}
_NOT_DONE = {Verb.PAUSE: "⚠️ *Not paused*", Verb.RESUME: "⚠️ *Not resumed*"}
_NOT_RUNNING = {
    Verb.PAUSE: "🔹 *Not running, nothing to pause*",
    Verb.RESUME: "🔹 *Not running, nothing to resume*",
}
_UNCONFIRMED = {
    Verb.PAUSE: "❓ *Unconfirmed, it may or may not be paused*",
    Verb.RESUME: "❓ *Unconfirmed, it may or may not be resumed*",
}
_NEW_KEY = {
    True: f"An admin of this workspace can replace it {IN_HOME}.",
    False: "The operator of this bot must set a valid key for this workspace.",
}
_NOTHING_TO_DO = {outcomes.NotRunning: "Found not running", outcomes.NotFound: "Not found in Anchor, looked for"}
_AFTER_DOUBT = {
    Verb.PAUSE: "Send the command again (pausing twice does no harm), or look at the session in Anchor's dashboard.",
    Verb.RESUME: "Look at the session in Anchor's dashboard before you resume it again: it may have been paused since.",
}


def waiting_message(order: Order) -> Message:
    """Return the ack of a command whose outcome takes longer than Slack waits."""
    return ephemeral(f"{_DOING[order.verb]} session {code(order.session_id)}… The result will be posted here.")


def outcome_message(order: Order, outcome: outcomes.Outcome) -> Message:
    """Return the answer to an order: an outcome for the channel, a refusal for the person alone."""
    if isinstance(outcome, outcomes.Refusal):
        return refusal_message(order, outcome)
    verdict, known, advice = _explain(order, outcome)
    asked = f"session {code(order.session_id)}, by {mention(order.actor.user_id)}."
    reason = f"Reason: {plain(order.reason)}" if order.reason else ""
    message = in_channel(f"{verdict}: {asked}", known, advice, reason)
    return _with_button(message, order) if isinstance(outcome, outcomes.Done) else message


def card_update(order: Order, outcome: outcomes.Outcome, *, now: float) -> CardUpdate | None:
    """Return the update of the clicked message, or None if its button stays; `now` is in Unix seconds."""
    if not isinstance(outcome, outcomes.KeyTaken):
        return None
    done = isinstance(outcome, outcomes.Done)
    what = order.verb.past.capitalize() if done else _NOTHING_TO_DO[type(outcome)]
    line = f"{what} by {mention(order.actor.user_id)}, {moment(now)}"
    return CardUpdate(order.session_id, line, button(order.verb.opposite, order.session_id) if done else None)


def _with_button(message: Message, order: Order) -> Message:
    """Return the message with the button for the next order."""
    return replace(message, blocks=(section(message.text), actions(button(order.verb.opposite, order.session_id))))


def _explain(order: Order, outcome: outcomes.Answered) -> tuple[str, str, str]:  # noqa: C901 - a table
    """Return the verdict, what is known, and what to do next."""
    verb = order.verb
    verdict = _NOT_DONE[verb]
    match outcome:
        case outcomes.Paused(status=status):
            verdict, known = "⏸️ *Paused*", _status(status)
            advice = f"To let it go on: {_command(Verb.RESUME, order)}."
        case outcomes.Resumed(status=status):
            verdict, known = "▶️ *Resumed*", _status(status)
            advice = "The agent goes on where it was paused."
        case outcomes.NotRunning(anchor_message=text):
            verdict = _NOT_RUNNING[verb]
            known = f"Anchor says that this session is not running.{_quote(text)}"
            advice = "If an agent is still acting, it belongs to another session: check the id."
        case outcomes.NotFound(anchor_message=text):
            known = f"Anchor knows no such session under this workspace's API key.{_quote(text)}"
            advice = "Check the id, and whether the session belongs to the Anchor account of that key."
        case outcomes.Failed(status_code=status_code, anchor_message=text):
            known = f"Anchor answered that it failed ({status_code}).{_quote(text)}"
            advice = f"Try again. {OR_IN_ANCHOR}"
        case outcomes.KeyRejected(status_code=status_code, anchor_message=text, by_admins=by_admins):
            known = f"Anchor refused this workspace's API key ({status_code}); nothing was done.{_quote(text)}"
            advice = f"{_NEW_KEY[by_admins]} {OR_IN_ANCHOR}"
        case outcomes.RateLimited(retry_after=retry_after, anchor_message=text):
            known = f"Anchor takes no more requests for now (429); nothing was done.{_quote(text)}"
            advice = f"Try again {_in_seconds(retry_after)}. {OR_IN_ANCHOR}"
        case outcomes.Unavailable(why=why, retry_after=retry_after):
            known = _UNREACHABLE[why]
            advice = f"Try again {_in_seconds(retry_after)}. {OR_IN_ANCHOR}"
        case outcomes.Unconfirmed(why=why, status_code=status_code):
            verdict = _UNCONFIRMED[verb]
            known = f"{_DOUBTS[why]}{f' ({status_code})' if status_code else ''}."
            advice = _AFTER_DOUBT[verb]
        case outcomes.Superseded():
            known = "A pause was ordered after it, so the resume was not sent."
            advice = f"To resume it anyway: {_command(Verb.RESUME, order)}."
        case _:
            assert_never(outcome)
    return verdict, known, advice


def _command(verb: Verb, order: Order) -> str:
    return f"`{COMMANDS[verb]} {order.session_id}`"


def _status(status: str | None) -> str:
    return f"Anchor's status: {code(status)}." if status else "Anchor confirmed it and named no status."


def _quote(said: str | None) -> str:
    return f" It said: {code(said)}" if said else ""


def _in_seconds(retry_after: float | None) -> str:
    return f"in {retry_after:.0f} s" if retry_after else "in a moment"
