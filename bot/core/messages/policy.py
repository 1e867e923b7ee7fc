"""Who may do what, in words."""

from bot.core.messages.markup import channel, mention
from bot.core.policy import Rule
from bot.core.requests import Verb


def who_may(verb: Verb, rule: Rule) -> str:
    """One line of mrkdwn: who may do it, and where."""
    who = ", ".join(map(mention, sorted(rule.users))) or "every full member of this workspace"
    where = f"only in {', '.join(map(channel, sorted(rule.channels)))}" if rule.channels else "anywhere in Slack"
    return f"*Who may {verb}:* {who}, {where}."
