"""What is said of a pause: what is known, and what to do next."""

from typing import assert_never

from bot.core.messages.markup import code, mention, plain
from bot.core.messages.message import Message, ephemeral, in_channel
from bot.core.outcomes import (
    AnchorOutcome,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Outcome,
    Overloaded,
    Paused,
    RateLimited,
    Refusal,
    Repeated,
    Stopping,
    Unavailable,
    Unconfirmed,
    Unreachable,
    WrongWorkspace,
)
from bot.core.requests import PauseRequest

_OR_IN_ANCHOR = "If it can't wait, stop the session in Anchor's dashboard."
_NOT_PAUSED = "⚠️ *Not paused*"
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
}


def pausing_message(request: PauseRequest) -> Message:
    """The first answer, where Anchor takes longer than Slack waits."""
    return ephemeral(f"Pausing session {code(request.session_id)}… The result will be posted here.")


def pause_message(request: PauseRequest, outcome: Outcome) -> Message:
    """The answer to `request`: in the channel whatever came of asking Anchor, to the person alone a refusal of ours."""
    if isinstance(outcome, Refusal):
        return ephemeral(*_refusal(request, outcome))
    verdict, known, advice = _explain(outcome)
    asked = f"session {code(request.session_id)}, asked for by {mention(request.asker.user_id)}."
    reason = f"Reason: {plain(request.reason)}" if request.reason else ""
    return in_channel(f"{verdict}: {asked}", known, advice, reason)


def _explain(outcome: AnchorOutcome) -> tuple[str, str, str]:
    """The verdict, what is known, and what to do next."""
    match outcome:
        case Paused(status=status):
            verdict = "⏸️ *Paused*"
            known = f"Anchor's status: {code(status)}." if status else "Anchor confirmed it and named no status."
            advice = "It stays paused until somebody resumes it in Anchor."
        case NotRunning(said=said):
            verdict = "🔹 *Not running, nothing to pause*"
            known = f"Anchor says that this session is not running.{_quote(said)}"
            advice = "If an agent is still acting, it belongs to another session: check the id."
        case NotFound(said=said):
            verdict = _NOT_PAUSED
            known = f"Anchor knows no such session under this workspace's API key.{_quote(said)}"
            advice = "Check the id, and whether the session belongs to the Anchor account of that key."
        case Failed(status_code=status_code, said=said):
            verdict = _NOT_PAUSED
            known = f"Anchor answered that it failed ({status_code}).{_quote(said)}"
            advice = f"Try again. {_OR_IN_ANCHOR}"
        case KeyRejected(status_code=status_code, said=said):
            verdict = _NOT_PAUSED
            known = f"Anchor refused this workspace's API key ({status_code}); nothing was done.{_quote(said)}"
            advice = f"Whoever runs this bot must set a valid `ANCHOR_API_KEY`. {_OR_IN_ANCHOR}"
        case RateLimited(retry_after=retry_after, said=said):
            verdict = _NOT_PAUSED
            known = f"Anchor takes no more requests for now (429); nothing was done.{_quote(said)}"
            advice = f"Try again {_in_seconds(retry_after)}. {_OR_IN_ANCHOR}"
        case Unavailable(why=why, retry_after=retry_after):
            verdict = _NOT_PAUSED
            known = _UNREACHABLE[why]
            advice = f"Try again {_in_seconds(retry_after)}. {_OR_IN_ANCHOR}"
        case Unconfirmed(why=why, status_code=status_code):
            verdict = "❓ *Unconfirmed, it may or may not be paused*"
            known = f"{_DOUBTS[why]}{f' ({status_code})' if status_code else ''}."
            advice = (
                "Send the command again (pausing twice does no harm), or look at the session in Anchor's dashboard."
            )
        case _:
            assert_never(outcome)
    return verdict, known, advice


def _refusal(request: PauseRequest, outcome: Refusal) -> tuple[str, ...]:
    session = f"session {code(request.session_id)}"
    match outcome:
        case Repeated():
            return (
                f"This very request was handled already, so nothing was sent to Anchor again for {session}.",
                "To pause it again, send the command anew.",
            )
        case WrongWorkspace():
            return (
                f"*Not paused:* this bot holds no Anchor API key for your workspace, so it left {session} alone.",
                "Ask whoever runs the bot to set it up for this workspace.",
            )
        case Overloaded():
            return (
                f"*Not paused:* the bot has too many requests in hand and sent nothing for {session}.",
                f"Try again in a few seconds. {_OR_IN_ANCHOR}",
            )
        case Stopping():
            return (
                f"*Not paused:* the bot is being restarted and sent nothing for {session}.",
                f"Try again in a minute. {_OR_IN_ANCHOR}",
            )
        case _:
            assert_never(outcome)


def _quote(said: str | None) -> str:
    return f" It said: {code(said)}" if said else ""


def _in_seconds(retry_after: float | None) -> str:
    return f"in {retry_after:.0f} s" if retry_after else "in a moment"
