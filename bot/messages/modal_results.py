"""The answers to a change that an admin made, or tried to make."""

from typing import assert_never

from bot.core import admin_outcomes
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role
from bot.core.workspace import KeyCheck
from bot.messages.alert_errors import refused_by_slack
from bot.messages.blocks import section
from bot.messages.markup import channel, code
from bot.messages.view import View

CHECKING = "⏳ Checking… You may leave this open or close it: the outcome comes here, or as a direct message."
ONE_MOMENT = "⏳ One moment…"
MODAL_NOT_OPENED = "The window can't be opened: the bot's database gives no answer. Press the button again in a minute."
TOO_LATE = "The window that you asked for did not open in time. Press the button once more."
UNSEEN = (
    "A new token for alerts was made, but its window could not show it. Make another one in the Home "
    "tab of this app; until then programs can't post alerts."
)
"""The token must appear nowhere but in its modal."""

_NOT_CHANGED = "⚠️ *Nothing was changed:*"
_NO_DATABASE = "The bot's database gives no answer, so it is not known whether this was saved."
_LOOK_AGAIN = "Look into the Home tab in a minute, and try again if need be."
_SAVED = {
    KeyCheck.VERIFIED: "✅ *Saved.* Anchor accepts the key{ending}. It holds from the next command on.",
    KeyCheck.UNVERIFIED: "⚠️ *Saved, but not verified:* Anchor did not say whether the key{ending} is good. "
    "The first pause or resume will show.",
}
_RIGHTS = {
    Role.UNKNOWN: "Slack does not say just now whether you are an admin of this workspace. Try again in a minute.",
    Role.SCOPE_MISSING: "this app was installed without the scope `users:read`, so it can't tell who is an admin. "
    "Install it again, and then try once more.",
}


def answer_view(title: str, text: str) -> View:
    """Return a modal that shows only a text."""
    return View((section(text),), title=title)


def about_key(outcome: admin_outcomes.KeyOutcome) -> str:
    """Return the outcome of setting a key."""
    match outcome:
        case admin_outcomes.KeySaved(ending=ending, check=check):
            return _SAVED[check].format(ending=f" ending {code(ending)}" if ending else "")
        case admin_outcomes.NotAKey():
            return "This is no key: it has blanks or characters that no key has. Copy it again, whole."
        case admin_outcomes.NewKeyRejected(status_code=status_code):
            return (
                f"Anchor refuses this key ({status_code}), so it was not saved. Copy it again from Anchor's dashboard."
            )
        case admin_outcomes.NewKeyUnverified(status_code=status_code):
            why = "it gave no answer" if status_code is None else f"it answered with {status_code}"
            return (
                f"Anchor can't say whether this key is good ({why}), so it was not saved. Try again in a minute; or, "
                "to save it anyway, tick the box for that in the window for the key; open it again if it is closed."
            )
        case StoreUnavailable():
            return f"{_NO_DATABASE} {_LOOK_AGAIN}"
        case _:
            return about_problem(outcome)


def about_removal(outcome: admin_outcomes.RemovalOutcome) -> str:
    """Return the outcome of removing the key."""
    if isinstance(outcome, admin_outcomes.KeyRemoved):
        ending = f" ending {code(outcome.ending)}" if outcome.ending else ""
        return f"✅ The key{ending} was removed. Nobody can pause or resume until another is set."
    return about_problem(outcome)


def about_policy(outcome: admin_outcomes.PolicyOutcome) -> str:
    """Return the outcome of changing the policy."""
    if isinstance(outcome, admin_outcomes.PolicySaved):
        return "✅ *Saved.* It holds from the next command on."
    return about_problem(outcome)


def about_alert(outcome: admin_outcomes.AlertOutcome) -> str:
    """Return the outcome of choosing a channel or of a test alert."""
    match outcome:
        case admin_outcomes.AlertPosted(channel=channel_id):
            return f"✅ A test alert stands in {channel(channel_id)}, and alerts go there."
        case admin_outcomes.AlertRefused(channel=channel_id, code=code_of_slack):
            why = refused_by_slack(code_of_slack, channel(channel_id))
            return f"⚠️ Alerts can't go to {channel(channel_id)}. {why} Then choose the channel again."
        case admin_outcomes.AlertUnanswered(channel=channel_id):
            return (
                f"⚠️ Slack did not answer, so it is not known whether a test alert stands in {channel(channel_id)}. "
                "Alerts go where they went before. Try again in a minute."
            )
        case admin_outcomes.NoChannel():
            return f"{_NOT_CHANGED} no channel is chosen for alerts."
        case _:
            return about_problem(outcome)


def about_token(outcome: admin_outcomes.TokenOutcome, url: str) -> str:
    """Return the outcome of making a new token; no other text contains the token."""
    if isinstance(outcome, admin_outcomes.TokenMade):
        return (
            f"✅ The new token, which is *shown this once*: copy it now.\n{code(outcome.token.reveal())}\nPrograms "
            f"send it to\n{code(url)}\nas `Authorization: Bearer` and the token. Its holder can post alerts here."
        )
    return about_problem(outcome)


def about_problem(problem: admin_outcomes.Problem) -> str:
    """Return why nothing was changed."""
    match problem:
        case admin_outcomes.NotAdmin(role=role):
            return f"{_NOT_CHANGED} {_RIGHTS.get(role, 'only admins and owners of this workspace may do that.')}"
        case admin_outcomes.NotServed():
            return f"{_NOT_CHANGED} this bot does not serve this workspace any more. An admin can install it again."
        case admin_outcomes.Outdated():
            return (
                f"{_NOT_CHANGED} it has been changed since you looked at it, by somebody else or by you. See in the "
                "Home tab what holds now, and then try again if it is still needed."
            )
        case StoreUnavailable():
            return f"⚠️ {_NO_DATABASE} {_LOOK_AGAIN}"
        case admin_outcomes.Interrupted():
            return f"⚠️ The bot was stopped while it was at it, so it is not known whether this was saved. {_LOOK_AGAIN}"
        case _:
            assert_never(problem)
