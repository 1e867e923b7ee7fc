"""The texts about administration and permissions that the bot must show, from the product's own functions."""

from bot.core import admin_outcomes as about
from bot.core.checks import Checked, CheckName, Finding, Good, Skipped
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role, Rule
from bot.core.requests import Verb
from bot.core.workspace import KeyCheck
from bot.messages import markup as policy_texts
from bot.messages import settings as settings_texts
from bot.messages.checks import home_status
from bot.messages.settings import CHECKING, MODAL_NOT_OPENED, ONE_MOMENT, TOO_LATE, UNSEEN, about_problem

__all__ = ["CHECKING", "MODAL_NOT_OPENED", "ONE_MOMENT", "TOO_LATE", "UNSEEN", "settings_texts"]

OUTDATED = about_problem(about.Outdated())
NOT_SERVED = about_problem(about.NotServed())
INTERRUPTED = about_problem(about.Interrupted())
NOT_SAVED = about_problem(StoreUnavailable())

NOT_A_KEY = settings_texts.about_key(about.NotAKey())
KEY_NOT_SAVED = settings_texts.about_key(StoreUnavailable())
KEY_REFUSED = settings_texts.about_key(about.NewKeyRejected(401))

_SCOPES = Checked(CheckName.SCOPES, Finding(Good.SCOPES_GRANTED))
_NO_CHANNEL = Checked(CheckName.ALERT_CHANNEL, Finding(Skipped.CHANNEL_UNSET))
SCOPES_GRANTED = str(home_status([_SCOPES, _NO_CHANNEL], install_url=""))
"""The beginning of the status in Slack if it is good."""

NO_CHANNEL = settings_texts.about_alert(about.NoChannel())


def not_admin(role: Role = Role.MEMBER) -> str:
    return about_problem(about.NotAdmin(role))


def key_saved(end: str = "1234", check: KeyCheck = KeyCheck.VERIFIED) -> str:
    return settings_texts.about_key(about.KeySaved(end, check))


def key_untried(status: int | None) -> str:
    return settings_texts.about_key(about.NewKeyUnverified(status))


def key_removed(end: str = "") -> str:
    return settings_texts.about_removal(about.KeyRemoved(end))


def alert_posted(channel: str) -> str:
    return settings_texts.about_alert(about.AlertPosted(channel))


def alert_not_posted(channel: str, code: str = "") -> str:
    outcome = about.AlertRefused(channel, code) if code else about.AlertUnanswered(channel)
    return settings_texts.about_alert(outcome)


def who_can(verb: str, rule: Rule) -> str:
    return policy_texts.who_can(Verb(verb), rule)


NOBODY_SELECTED = settings_texts.NOBODY_SELECTED
POLICY_SAVED = settings_texts.about_policy(about.PolicySaved())
POLICY_OUTDATED = settings_texts.about_policy(about.Outdated())
