"""The texts about administration that the bot must show, from the product's own functions."""

from bot.core import admin_outcomes as about
from bot.core.checks import Checked, CheckName, Finding, Good, Skipped
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role, Rule
from bot.core.requests import Verb
from bot.core.workspace import AnchorKey, KeyCheck
from bot.messages import admin_notices, modal_results
from bot.messages import policy as policy_texts
from bot.messages.home_status import home_status
from bot.messages.modal_results import CHECKING, MODAL_NOT_OPENED, ONE_MOMENT, TOO_LATE, UNSEEN, about_problem

__all__ = ["CHECKING", "MODAL_NOT_OPENED", "ONE_MOMENT", "TOO_LATE", "UNSEEN"]

OUTDATED = about_problem(about.Outdated())
NOT_SERVED = about_problem(about.NotServed())
INTERRUPTED = about_problem(about.Interrupted())
NOT_SAVED = about_problem(StoreUnavailable())

NOT_A_KEY = modal_results.about_key(about.NotAKey())
KEY_NOT_SAVED = modal_results.about_key(StoreUnavailable())
KEY_REFUSED = modal_results.about_key(about.NewKeyRejected(401))

_SCOPES = Checked(CheckName.SCOPES, Finding(Good.SCOPES_GRANTED))
_NO_CHANNEL = Checked(CheckName.ALERT_CHANNEL, Finding(Skipped.CHANNEL_UNSET))
SCOPES_GRANTED = str(home_status([_SCOPES, _NO_CHANNEL], install_url=""))
"""The beginning of the status in Slack if it is good."""

NO_CHANNEL = modal_results.about_alert(about.NoChannel())


def not_admin(role: Role = Role.MEMBER) -> str:
    """The answer to somebody who is no admin (any more)."""
    return about_problem(about.NotAdmin(role))


def key_saved(end: str = "1234", check: KeyCheck = KeyCheck.VERIFIED) -> str:
    """The answer that a key with this end was saved."""
    return modal_results.about_key(about.KeySaved(end, check))


def key_untried(status: int | None) -> str:
    """The answer that Anchor did not say whether a key is right."""
    return modal_results.about_key(about.NewKeyUnverified(status))


def key_removed(end: str = "") -> str:
    """The answer that the key was removed."""
    return modal_results.about_removal(about.KeyRemoved(end))


def alert_posted(channel: str) -> str:
    """The answer that a test alert is in the channel."""
    return modal_results.about_alert(about.AlertPosted(channel))


def alert_not_posted(channel: str, code: str = "") -> str:
    """The answer that Slack has refused a test alert with this error, or has not answered."""
    outcome = about.AlertRefused(channel, code) if code else about.AlertUnanswered(channel)
    return modal_results.about_alert(outcome)


def key_set_notice(by: str, key: AnchorKey, before: AnchorKey | None = None) -> str:
    """What admins read when somebody has set or replaced the key."""
    return admin_notices.key_set_message(by, key, before).text


def key_removed_notice(by: str, before: AnchorKey) -> str:
    """What admins read when somebody has removed the key."""
    return admin_notices.key_removed_message(by, before).text


def channel_notice(by: str, channel: str) -> str:
    """What admins read when somebody has chosen where alerts go."""
    return admin_notices.alerts_channel_message(by, channel).text


def token_notice(by: str) -> str:
    """What admins read when somebody has made a token for programs."""
    return admin_notices.alerts_token_message(by).text


def key_refused_notice(key: AnchorKey, *, by_admins: bool = True) -> str:
    """What is read when Anchor refuses the key of a workspace."""
    return admin_notices.key_refused_message(key, by_admins=by_admins).text


def who_can(verb: str, rule: Rule) -> str:
    """The line of Home about who can pause or resume."""
    return policy_texts.who_can(Verb(verb), rule)
