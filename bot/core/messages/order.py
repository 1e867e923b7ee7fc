"""What is said of an order: what is known, and what to do next."""

from dataclasses import replace
from typing import assert_never

from bot.core.card import Change
from bot.core.messages.actions import button
from bot.core.messages.blocks import actions, section
from bot.core.messages.markup import code, mention, moment, plain
from bot.core.messages.message import Message, ephemeral, in_channel
from bot.core.messages.refusal import IN_HOME, OR_IN_ANCHOR, refusal_message
from bot.core.messages.usage import COMMANDS
from bot.core.outcomes import (
    Answered,
    Done,
    Doubt,
    Failed,
    KeyRejected,
    KeyTaken,
    NotFound,
    NotRunning,
    Outcome,
    Overtaken,
    Paused,
    RateLimited,
    Refusal,
    Resumed,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.core.requests import Order, Verb

_UNREACHABLE = {
    Unreachable.NO_CONNECTION: "Anchor can't be reached; nothing was sent.",
    Unreachable.OUT_OF_SERVICE: "Anchor is out of service (503); nothing was done.",
}
_DOUBTS = {
    Doubt.TIMED_OUT: "The request was sent, but Anchor did not answer in time",
    Doubt.CONNECTION_LOST: "The request was sent, but the connection to Anchor broke before its answer came",
    Doubt.GATEWAY: "The request was sent, but a gateway lost Anchor's answer",
    Doubt.UNREADABLE: "The request was sent, but what came back is no answer of Anchor's",
    Doubt.STOPPED: "The bot was stopped while it was asking Anchor",
    Doubt.CROSSED: "Anchor confirmed it, but an opposite order before it got no answer and may yet take effect",
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
    False: "Whoever runs this bot must give it a valid key for this workspace.",
}
_NOTHING_TO_DO = {NotRunning: "Found not running", NotFound: "Not found in Anchor, looked for"}
_AFTER_DOUBT = {
    Verb.PAUSE: "Send the command again (pausing twice does no harm), or look at the session in Anchor's dashboard.",
    Verb.RESUME: "Look at the session in Anchor's dashboard before you resume it again: it may have been paused since.",
}


def waiting_message(order: Order) -> Message:
    """The first answer, where the outcome takes longer than Slack waits."""
    return ephemeral(f"{_DOING[order.verb]} session {code(order.session_id)}… The result will be posted here.")


def outcome_message(order: Order, outcome: Outcome) -> Message:
    """The answer to `order`: in the channel whatever came of it, to the person alone a refusal of ours."""
    if isinstance(outcome, Refusal):
        return refusal_message(order, outcome)
    verdict, known, advice = _explain(order, outcome)
    asked = f"session {code(order.session_id)}, asked for by {mention(order.asker.user_id)}."
    reason = f"Reason: {plain(order.reason)}" if order.reason else ""
    message = in_channel(f"{verdict}: {asked}", known, advice, reason)
    return _with_button(message, order) if isinstance(outcome, Done) else message


def card_change(order: Order, outcome: Outcome, *, now: float) -> Change | None:
    """What the message with the button says from now on, or None where the button stays; `now` in Unix seconds."""
    if not isinstance(outcome, KeyTaken):
        return None
    done = isinstance(outcome, Done)
    what = order.verb.past.capitalize() if done else _NOTHING_TO_DO[type(outcome)]
    line = f"{what} by {mention(order.asker.user_id)}, {moment(now)}"
    return Change(order.session_id, line, button(order.verb.opposite, order.session_id) if done else None)


def _with_button(message: Message, order: Order) -> Message:
    """The message, with what can be ordered next."""
    return replace(message, blocks=(section(message.text), actions(button(order.verb.opposite, order.session_id))))


def _explain(order: Order, outcome: Answered) -> tuple[str, str, str]:  # noqa: C901 - a table
    """The verdict, what is known, and what to do next."""
    verb = order.verb
    verdict = _NOT_DONE[verb]
    match outcome:
        case Paused(status=status):
            verdict = "⏸️ *Paused*"
            known = _status(status)
            advice = f"To let it go on: {_command(Verb.RESUME, order)}."
        case Resumed(status=status):
            verdict = "▶️ *Resumed*"
            known = _status(status)
            advice = "The agent goes on where it was paused."
        case NotRunning(said=said):
            verdict = _NOT_RUNNING[verb]
            known = f"Anchor says that this session is not running.{_quote(said)}"
            advice = "If an agent is still acting, it belongs to another session: check the id."
        case NotFound(said=said):
            known = f"Anchor knows no such session under this workspace's API key.{_quote(said)}"
            advice = "Check the id, and whether the session belongs to the Anchor account of that key."
        case Failed(status_code=status_code, said=said):
            known = f"Anchor answered that it failed ({status_code}).{_quote(said)}"
            advice = f"Try again. {OR_IN_ANCHOR}"
        case KeyRejected(status_code=status_code, said=said, by_admins=by_admins):
            known = f"Anchor refused this workspace's API key ({status_code}); nothing was done.{_quote(said)}"
            advice = f"{_NEW_KEY[by_admins]} {OR_IN_ANCHOR}"
        case RateLimited(retry_after=retry_after, said=said):
            known = f"Anchor takes no more requests for now (429); nothing was done.{_quote(said)}"
            advice = f"Try again {_in_seconds(retry_after)}. {OR_IN_ANCHOR}"
        case Unavailable(why=why, retry_after=retry_after):
            known = _UNREACHABLE[why]
            advice = f"Try again {_in_seconds(retry_after)}. {OR_IN_ANCHOR}"
        case Unconfirmed(why=why, status_code=status_code):
            verdict = _UNCONFIRMED[verb]
            known = f"{_DOUBTS[why]}{f' ({status_code})' if status_code else ''}."
            advice = _AFTER_DOUBT[verb]
        case Overtaken():
            known = "A pause was ordered after it, so the resume was not sent."
            advice = f"To resume it all the same: {_command(Verb.RESUME, order)}."
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
