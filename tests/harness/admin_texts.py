"""The texts about administration and permissions that the bot must show, from the product's own functions."""

from bot.core import admin_outcomes as about
from bot.core.checks import Checked, CheckName, Finding, Good, Skipped
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role, Rule
from bot.core.requests import Verb
from bot.core.workspace import KeyCheck
from bot.messages import admin_notices, modal_results
from bot.messages import policy as policy_texts
from bot.messages.home_status import home_status
from bot.messages.modal_results import CHECKING, MODAL_NOT_OPENED, ONE_MOMENT, TOO_LATE, UNSEEN, about_problem

__all__ = ["CHECKING", "MODAL_NOT_OPENED", "ONE_MOMENT", "TOO_LATE", "UNSEEN", "admin_notices"]

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
    return about_problem(about.NotAdmin(role))


def key_saved(end: str = "1234", check: KeyCheck = KeyCheck.VERIFIED) -> str:
    return modal_results.about_key(about.KeySaved(end, check))


def key_untried(status: int | None) -> str:
    return modal_results.about_key(about.NewKeyUnverified(status))


def key_removed(end: str = "") -> str:
    return modal_results.about_removal(about.KeyRemoved(end))


def alert_posted(channel: str) -> str:
    return modal_results.about_alert(about.AlertPosted(channel))


def alert_not_posted(channel: str, code: str = "") -> str:
    outcome = about.AlertRefused(channel, code) if code else about.AlertUnanswered(channel)
    return modal_results.about_alert(outcome)


def who_can(verb: str, rule: Rule) -> str:
    return policy_texts.who_can(Verb(verb), rule)


NOBODY_SELECTED = modal_results.NOBODY_SELECTED
POLICY_SAVED = modal_results.about_policy(about.PolicySaved())
POLICY_OUTDATED = modal_results.about_policy(about.Outdated())
