"""The texts about administration and permissions that the bot must show, from the product's own functions."""

from bot.core.fields import Secret
from bot.core.policy import EVERYBODY, Role, Rule
from bot.core.requests import Verb
from bot.core.workspace import AnchorKey, NewKeyRejected, NewKeyUnverified
from bot.messages import cards, senders
from bot.messages import markup as policy_texts
from bot.messages import settings as settings_texts
from bot.messages.senders import UNSEEN
from bot.messages.settings import CHECKING, NOBODY_SELECTED, ONE_MOMENT

__all__ = ["CHECKING", "NOBODY_SELECTED", "ONE_MOMENT", "UNSEEN", "cards", "senders", "settings_texts"]

OUTDATED = settings_texts.OUTDATED.text
NOT_SAVED = settings_texts.NOT_SAVED.text

NOT_A_KEY = settings_texts.NOT_A_KEY.text
KEY_REFUSED = settings_texts.key_not_accepted(NewKeyRejected(401)).text

POLICY_SAVED = settings_texts.policy_saved(EVERYBODY).text.partition("\n")[0]


def not_admin(role: Role = Role.MEMBER) -> str:
    return settings_texts.not_admin(role).text


def key_saved(end: str = "1234") -> str:
    return settings_texts.key_saved(AnchorKey(Secret(end.rjust(20, "x")))).text


def key_untried(status: int | None) -> str:
    return settings_texts.key_not_accepted(NewKeyUnverified(status)).text


def alert_posted(channel: str) -> str:
    return settings_texts.alert_posted(channel).text


def alert_not_posted(channel: str, code: str = "") -> str:
    refused, unanswered = settings_texts.alert_refused, settings_texts.alert_unanswered
    return (refused(channel, code) if code else unanswered(channel)).text


who_can_what = policy_texts.who_can_what


def who_can(verb: str, rule: Rule) -> str:
    return policy_texts.who_can(Verb(verb), rule)
