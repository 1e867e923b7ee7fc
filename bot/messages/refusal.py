"""The messages about an order that the bot refused: why, and what to do next."""

import math
from collections.abc import Iterable

from bot.core.outcomes import (
    Late,
    NoKey,
    NotSent,
    Overloaded,
    PausedSince,
    Refusal,
    ResumedSince,
    Stopping,
    StoreUnavailable,
    TooManyRepeats,
    TooManyResumes,
    WrongWorkspace,
)
from bot.core.policy import NotAMember, NotHere, NotNamed, Role, RoleUnknown
from bot.core.requests import Order, Verb
from bot.messages.home_elements import set_key_button
from bot.messages.markup import channel, mention, moment, place, plain, session
from bot.messages.message import Message, ephemeral, with_buttons
from bot.messages.phrases import IN_HOME, NOT_DONE, or_in_dashboard
from bot.messages.policy import MOST_NAMED, some
from bot.messages.session_buttons import button
from bot.messages.usage import COMMANDS

_MOST_SHOWN = 5
_COLLEAGUE = "Ask a member of this workspace"
_NOT_A_MEMBER = {
    Role.GUEST: ("Guests are not allowed to do that here.", "Ask a full member of this workspace"),
    Role.BOT: ("Bots are not allowed to do that.", _COLLEAGUE),
    Role.DEACTIVATED: ("Your account in this workspace is deactivated.", _COLLEAGUE),
    Role.OUTSIDER: (
        "Only members of the workspace that installed this app are allowed to do that.",
        "Ask one of them to press the button",
    ),
}
_ASK_ADMIN = f"Ask an admin to set it {IN_HOME}"
_REINSTALL = "Ask an admin to reinstall this app (it lacks `users:read`) and set the key"
_REFUSALS = {
    WrongWorkspace: ("This bot does not serve your workspace.", "Ask the operator of the bot to set it up"),
    RoleUnknown: ("Slack did not say whether you are a member of this workspace.", "Try again in a moment"),
    StoreUnavailable: ("The bot can't read its database, and sent nothing.", "Try again in a moment"),
    Overloaded: ("The bot has too many requests, and sent nothing.", "Try again in a few seconds"),
    Stopping: ("The bot is being restarted, and sent nothing.", "Try again in a minute"),
}

_TOO_MANY = {
    TooManyResumes: "You resumed too many sessions within a minute.",
    TooManyRepeats: "You resumed this session too many times within 10 seconds.",
}


def refusal_message(order: Order, refusal: Refusal, *, dashboard_url: str, version: str) -> Message:
    """Return the answer to a refused order, for the person alone; `version` is for a Resume button."""
    about = session(order.session_id)
    if isinstance(refusal, Late | PausedSince):
        why, seen = (_how_late(refusal), version) if isinstance(refusal, Late) else _who_paused(refusal)
        message = ephemeral(NOT_DONE[order.verb], why, about)
        return with_buttons(message, button(order.verb, order.session_id, is_asked=True, version=seen))
    if isinstance(refusal, ResumedSince):
        since = f"🔹 *Already resumed* by {mention(refusal.user_id)}, {moment(refusal.given_at)}: nothing was sent."
        message = ephemeral(since, f"To resume it anyway, use `{COMMANDS[Verb.RESUME]}`.", about)
        return with_buttons(message, button(Verb.PAUSE, order.session_id))
    why, advice = explain_refusal(order.verb, refusal)
    advice = f"{advice}, {or_in_dashboard(order.verb, dashboard_url)}."
    message = ephemeral(NOT_DONE[order.verb], why, advice, about)
    if isinstance(refusal, NoKey) and refusal.can_set:
        return with_buttons(message, set_key_button("Set"))
    if isinstance(refusal, RoleUnknown | StoreUnavailable | Overloaded | NotSent | Stopping):
        return with_buttons(message, button(order.verb, order.session_id, label="Try again", version=version))
    return message


def explain_refusal(verb: Verb, refusal: Refusal) -> tuple[str, str]:
    """Return the reason, and what to do next, without the period."""
    match refusal:
        case NotAMember(role=role):
            return _NOT_A_MEMBER[role]
        case NotNamed(users=users):
            return f"Only {_some(map(mention, sorted(users)))} can {verb} in this workspace.", "Ask one of them"
        case NotHere(channels=channels):
            return f"People can {verb} only in {_some(map(channel, sorted(channels)))}.", "Do it there"
        case NoKey(can_set=can_set, scope_missing=scope_missing):
            advice = (
                "Set it now, and send the command again" if can_set else _REINSTALL if scope_missing else _ASK_ADMIN
            )
            return "This workspace has no Anchor API key yet.", advice
        case NotSent() | TooManyResumes() | TooManyRepeats():
            return _explain_limit(refusal)
        case _:
            return _REFUSALS[type(refusal)]


def _explain_limit(refusal: NotSent | TooManyResumes | TooManyRepeats) -> tuple[str, str]:
    if isinstance(refusal, NotSent):
        why = f"Other requests of yours were ahead of it for {refusal.seconds:.0f} s, so it was not sent to Anchor."
        return why, "Try again"
    return _TOO_MANY[type(refusal)], f"Try again in {math.ceil(refusal.retry_after)} s"


def _how_late(late: Late) -> str:
    since = f", and {mention(late.resumed_by)} has resumed this agent since" if late.resumed_by else ""
    return (
        f"Your request reached the bot {late.seconds:.0f} s after you sent it{since}. Press the button to send it now."
    )


def _who_paused(pause: PausedSince) -> tuple[str, str]:
    """Return what happened, and the version that the person then knows of."""
    did = "paused" if pause.is_confirmed else "asked to pause"
    where = f" in {place(pause.channel_id)}" if pause.channel_id else ""
    reason = f" Reason: {plain(pause.reason)}" if pause.reason else ""
    what = f"{mention(pause.user_id)} has {did} this agent since, {moment(pause.given_at)}{where}."
    return f"{what}{reason}\nPress the button to resume it anyway.", pause.version


def _some(names: Iterable[str]) -> str:
    """Join names to a readable list, and say where more of them are shown."""
    listed = list(names)
    is_in_home = _MOST_SHOWN < len(listed) <= MOST_NAMED
    return some(listed, most=_MOST_SHOWN) + (" (see Home)" if is_in_home else "")
