"""The messages about an order that the bot refused: why, and what to do next."""

from collections.abc import Iterable
from typing import assert_never

from bot.core.outcomes import NoKey, Overloaded, Refusal, Repeated, Stopping, StoreUnavailable, WrongWorkspace
from bot.core.policy import Denial, NotAMember, NotHere, NotNamed, Role
from bot.core.requests import Order
from bot.messages.blocks import actions, section
from bot.messages.home_elements import set_key_button
from bot.messages.markup import channel, code, mention
from bot.messages.message import Message, Visibility, ephemeral
from bot.messages.policy import MOST_NAMED, some

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
        "Slack does not say just now whether you are a member of this workspace, nor has it since this bot was started",
        f"Try again in a moment, or ask somebody who used this bot recently. {OR_IN_ANCHOR}",
    ),
}

_NO_KEY = "*Not {past}:* this workspace has no Anchor API key yet, so the bot left {session} alone."
_SET_IT = "You can set one now: press the button below, and then send the command again."
_ASK_ADMIN = f"An admin or owner of this workspace can set one {IN_HOME}. {OR_IN_ANCHOR}"
_INSTALL_FIRST = (
    "An admin or owner of this workspace should install this app again, since it lacks the scope `users:read`; then "
    f"they can set one {IN_HOME}. {OR_IN_ANCHOR}"
)
_REFUSALS = {
    Repeated: (
        "This very request was handled already, so nothing was sent to Anchor again for {session}.",
        "To {verb} it again, send a new command.",
    ),
    WrongWorkspace: (
        "*Not {past}:* this bot holds no Anchor API key for your workspace, so it left {session} alone.",
        "Ask the operator of the bot to set it up for this workspace.",
    ),
    StoreUnavailable: (
        "*Not {past}:* the bot can't read its database and sent nothing for {session}.",
        f"Try again in a moment. {OR_IN_ANCHOR}",
    ),
    Overloaded: (
        "*Not {past}:* the bot has too many requests in flight and sent nothing for {session}.",
        f"Try again in a few seconds. {OR_IN_ANCHOR}",
    ),
    Stopping: (
        "*Not {past}:* the bot is being restarted and sent nothing for {session}.",
        f"Try again in a minute. {OR_IN_ANCHOR}",
    ),
}


def refusal_message(order: Order, refusal: Refusal) -> Message:
    """Return the answer to a refused order, for the person alone."""
    message = ephemeral(*_explain(order, refusal))
    if not (isinstance(refusal, NoKey) and refusal.can_set):
        return message
    return Message(message.text, Visibility.EPHEMERAL, (section(message.text), actions(set_key_button("Set"))))


def _explain(order: Order, refusal: Refusal) -> tuple[str, str]:
    session = f"session {code(order.session_id)}"
    if isinstance(refusal, Denial):
        why, advice = _denied(order, refusal)
        return f"*Not {order.verb.past}:* {why}, so the bot left {session} alone.", advice
    if isinstance(refusal, NoKey):
        why, advice = _NO_KEY, _SET_IT if refusal.can_set else _INSTALL_FIRST if refusal.scope_missing else _ASK_ADMIN
    else:
        why, advice = _REFUSALS[type(refusal)]
    words = {"verb": order.verb.value, "past": order.verb.past, "session": session}
    return why.format_map(words), advice.format_map(words)


def _denied(order: Order, denial: Denial) -> tuple[str, str]:
    match denial:
        case NotAMember(role=role):
            return _NO_MEMBERS[role]
        case NotNamed(users=users):
            named = _some(map(mention, sorted(users)))
            return f"in this workspace only {named} may {order.verb}", f"Ask one of them. {OR_IN_ANCHOR}"
        case NotHere(channels=channels):
            named = _some(map(channel, sorted(channels)))
            return f"this workspace lets people {order.verb} only in {named}", f"Do it there. {OR_IN_ANCHOR}"
        case _:
            assert_never(denial)


def _some(names: Iterable[str]) -> str:
    """Join names to a readable list, and say where more of them are shown."""
    listed = list(names)
    is_in_home = _MOST_SHOWN < len(listed) <= MOST_NAMED
    return some(listed, most=_MOST_SHOWN) + (" (all are in the app's Home tab)" if is_in_home else "")
