"""The answers to a change that an admin made, or tried to make."""

from typing import assert_never

from bot.core import admin_outcomes
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role
from bot.core.workspace import KeyCheck
from bot.messages.alert_errors import refused_by_slack
from bot.messages.blocks import preformatted, section
from bot.messages.markup import channel, code
from bot.messages.phrases import IN_HOME
from bot.messages.view import View

CHECKING = "⏳ Checking… You can close this window: the result then comes as a direct message."
ONE_MOMENT = "⏳ One moment…"
MODAL_NOT_OPENED = "The window can't be opened: the bot can't read its database. Press the button again in a minute."
TOO_LATE = "The window did not open in time. Press the button again."
UNSEEN = (
    f"A new token for alerts was made, but its window could not show it. Make another one {IN_HOME}. Until then "
    "programs can't post alerts."
)
"""The token must appear nowhere but in its modal."""

NOBODY_SELECTED = 'Select at least one person, or choose "Everyone in this workspace".'

_NOT_CHANGED = "⚠️ *Nothing was changed:*"
_NO_DATABASE = "The bot's database does not answer, so it is not known whether this was saved."
_LOOK_AGAIN = "Look at the Home tab in a minute, and try again if needed."
_SAVED = {
    KeyCheck.VERIFIED: "✅ *Saved.* Anchor accepts the key{ending}. The next command uses it.",
    KeyCheck.UNVERIFIED: "⚠️ *Saved, but not verified:* Anchor did not say whether it accepts the key{ending}. The "
    "first pause or resume will show.",
}
_RIGHTS = {
    Role.UNKNOWN: "Slack does not answer whether you are an admin of this workspace. Try again in a minute.",
    Role.SCOPE_MISSING: "this app lacks the scope `users:read`, so it can't tell who is an admin. Install it again, "
    "and then try again.",
}


def answer_view(title: str, text: str, *copyable: str) -> View:
    """Return a modal that shows only a text, and below it texts to copy."""
    return View((section(text), *map(preformatted, copyable)), title=title)


def about_key(outcome: admin_outcomes.KeyOutcome) -> str:
    """Return the outcome of setting a key."""
    match outcome:
        case admin_outcomes.KeySaved(ending=ending, check=check):
            return _SAVED[check].format(ending=f" ending {code(ending)}" if ending else "")
        case admin_outcomes.NotAKey():
            return "This is not a key: it has spaces, or characters that no key has. Copy it again."
        case admin_outcomes.NewKeyRejected(status_code=status_code):
            return (
                f"Anchor refuses this key ({status_code}), so it was not saved. Copy it again from Anchor's dashboard."
            )
        case admin_outcomes.NewKeyUnverified(status_code=status_code):
            why = "no answer" if status_code is None else f"answer {status_code}"
            return (
                f"Anchor did not say whether it accepts this key ({why}), so it was not saved. Try again in a minute. "
                "To save it anyway, check the box in this window. If the window is closed, open it again."
            )
        case StoreUnavailable():
            return f"{_NO_DATABASE} {_LOOK_AGAIN}"
        case _:
            return about_problem(outcome)


def about_removal(outcome: admin_outcomes.RemovalOutcome) -> str:
    """Return the outcome of removing the key."""
    if isinstance(outcome, admin_outcomes.KeyRemoved):
        ending = f" ending {code(outcome.ending)}" if outcome.ending else ""
        return f"✅ The key{ending} was removed. Nobody can pause or resume until another one is set."
    return about_problem(outcome)


def about_policy(outcome: admin_outcomes.PolicyOutcome) -> str:
    """Return the outcome of changing the policy."""
    if isinstance(outcome, admin_outcomes.PolicySaved):
        return "✅ *Saved.* It applies from the next command on."
    return about_problem(outcome)


def about_alert(outcome: admin_outcomes.AlertOutcome) -> str:
    """Return the outcome of choosing a channel or of a test alert."""
    match outcome:
        case admin_outcomes.AlertPosted(channel=channel_id):
            return f"✅ Test alert posted in {channel(channel_id)}. Alerts go there."
        case admin_outcomes.AlertRefused(channel=channel_id, code=code_of_slack):
            why = refused_by_slack(code_of_slack, channel(channel_id))
            return f"⚠️ Alerts can't go to {channel(channel_id)}. {why} Then choose the channel again."
        case admin_outcomes.AlertUnanswered(channel=channel_id):
            return (
                f"⚠️ Slack did not answer: a test alert may have been posted in {channel(channel_id)}. The channel for "
                "alerts is the same as before. Try again in a minute."
            )
        case admin_outcomes.NoChannel():
            return f"{_NOT_CHANGED} no channel for alerts is chosen."
        case _:
            return about_problem(outcome)


def about_token(outcome: admin_outcomes.TokenOutcome) -> str:
    """Return the outcome of making a new token, without the token."""
    if isinstance(outcome, admin_outcomes.TokenMade):
        return (
            "✅ *New token made.* Copy it now: it is *shown only this once*. Anybody who has it can post alerts here. "
            "The example below the token shows how to use it."
        )
    return about_problem(outcome)


def about_problem(problem: admin_outcomes.Problem) -> str:
    """Return why nothing was changed."""
    match problem:
        case admin_outcomes.NotAdmin(role=role):
            return f"{_NOT_CHANGED} {_RIGHTS.get(role, 'only admins and owners of this workspace can do that.')}"
        case admin_outcomes.NotServed():
            return f"{_NOT_CHANGED} this app is no longer installed in this workspace. An admin can install it again."
        case admin_outcomes.Outdated():
            return (
                f"{_NOT_CHANGED} this setting was changed after you opened it, by somebody else or by you. Look at the "
                "Home tab, and try again if it is still needed."
            )
        case StoreUnavailable():
            return f"⚠️ {_NO_DATABASE} {_LOOK_AGAIN}"
        case admin_outcomes.Interrupted():
            return f"⚠️ The bot was stopped meanwhile, so it is not known whether this was saved. {_LOOK_AGAIN}"
        case _:
            assert_never(problem)
