"""The texts about permissions that the bot must show, from the product's own functions."""

from bot.core.admin_outcomes import Outdated, PolicySaved
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Policy, Rule
from bot.core.requests import Verb
from bot.messages import admin_notices, modal_results, policy

NOBODY_SELECTED = modal_results.NOBODY_SELECTED
SAVED = modal_results.about_policy(PolicySaved())
OUTDATED = modal_results.about_policy(Outdated())
NOT_SAVED = modal_results.about_policy(StoreUnavailable())


def policy_notice(by: str, changed: Policy) -> str:
    """What admins read when somebody has changed the permissions."""
    return admin_notices.policy_message(by, changed).text


def who_can_pause(rule: Rule) -> str:
    """What Home says about a rule."""
    return policy.who_can(Verb.PAUSE, rule)
