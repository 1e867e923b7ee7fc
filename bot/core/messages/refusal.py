"""What is said of an order that the bot did not carry on to Anchor: why, and what to do next."""

from collections.abc import Iterable
from typing import assert_never

from bot.core.messages.blocks import actions, section
from bot.core.messages.controls import set_key_button
from bot.core.messages.markup import channel, code, mention
from bot.core.messages.message import Message, Visibility, ephemeral
from bot.core.outcomes import NoKey, Overloaded, Refusal, Repeated, Stopping, StoreFailed, WrongWorkspace
from bot.core.policy import NotAMember, NotHere, NotNamed, Role
from bot.core.requests import Order

OR_IN_ANCHOR = "If it can't wait, do it in Anchor's dashboard."
IN_HOME = "in the Home tab of this app (in Slack's sidebar, under Apps)"

_MOST_SHOWN = 10
_NO_MEMBERS = {
    Role.GUEST: ("guests may not do that here", "Ask a full member of this workspace."),
    Role.BOT: ("bots may not do that", "Ask a member of this workspace."),
    Role.DEACTIVATED: ("your account in this workspace is deactivated", "Ask a member of this workspace."),
    Role.OUTSIDER: (
        "only members of the workspace that installed this app may do that",
        "Ask somebody of that workspace; they can press the same button.",
    ),
    Role.UNKNOWN: (
        "Slack does not say just now whether you are a member of this workspace, and it never did before",
        f"Try again in a moment, or ask somebody who has used this bot of late. {OR_IN_ANCHOR}",
    ),
}


def refusal_message(order: Order, refusal: Refusal) -> Message:
    """The answer to `order`, for the person alone."""
    message = ephemeral(*_explain(order, refusal))
    if not (isinstance(refusal, NoKey) and refusal.may_set):
        return message
    return Message(message.text, Visibility.EPHEMERAL, (section(message.text), actions(set_key_button("Set"))))


def _explain(order: Order, refusal: Refusal) -> tuple[str, str]:
    session = f"session {code(order.session_id)}"
    not_done = f"*Not {order.verb.past}:*"
    match refusal:
        case NotAMember(role=role):
            why, advice = _NO_MEMBERS[role]
            return f"{not_done} {why}, so the bot left {session} alone.", advice
        case NotNamed(users=users):
            named = some(map(mention, sorted(users)))
            return (
                f"{not_done} in this workspace only {named} may {order.verb}, so the bot left {session} alone.",
                f"Ask one of them. {OR_IN_ANCHOR}",
            )
        case NotHere(channels=channels):
            named = some(map(channel, sorted(channels)))
            return (
                f"{not_done} this workspace lets people {order.verb} only in {named}, so the bot left {session} alone.",
                f"Send the command there. {OR_IN_ANCHOR}",
            )
        case NoKey(may_set=may_set):
            return (
                f"{not_done} this workspace has no Anchor API key yet, so the bot left {session} alone.",
                "You can set one now: press the button below, and then send the command again."
                if may_set
                else f"An admin or owner of this workspace can set one {IN_HOME}. {OR_IN_ANCHOR}",
            )
        case Repeated():
            return (
                f"This very request was handled already, so nothing was sent to Anchor again for {session}.",
                f"To {order.verb} it again, send the command anew.",
            )
        case WrongWorkspace():
            return (
                f"{not_done} this bot holds no Anchor API key for your workspace, so it left {session} alone.",
                "Ask whoever runs the bot to set it up for this workspace.",
            )
        case StoreFailed():
            return (
                f"{not_done} the bot can't read its database and sent nothing for {session}.",
                f"Try again in a moment. {OR_IN_ANCHOR}",
            )
        case Overloaded():
            return (
                f"{not_done} the bot has too many requests in hand and sent nothing for {session}.",
                f"Try again in a few seconds. {OR_IN_ANCHOR}",
            )
        case Stopping():
            return (
                f"{not_done} the bot is being restarted and sent nothing for {session}.",
                f"Try again in a minute. {OR_IN_ANCHOR}",
            )
        case _:
            assert_never(refusal)


def some(names: Iterable[str]) -> str:
    """Names as a list to be read; of many, how many more there are."""
    shown = list(names)
    more = len(shown) - _MOST_SHOWN
    return ", ".join(shown[:_MOST_SHOWN]) + (f" and {more} more (all are in the app's Home tab)" if more > 0 else "")
