"""Who may do what, in words."""

from collections.abc import Iterable

from bot.core.messages.markup import channel, mention
from bot.core.policy import Rule
from bot.core.requests import Verb

MOST_SHOWN = 50
"""How many people or channels are named at most: Slack takes 3,000 characters in a block. As many can be chosen."""


def who_may(verb: Verb, rule: Rule) -> str:
    """One line of mrkdwn: who may do it, and where."""
    who = _some(map(mention, sorted(rule.users))) or "every full member of this workspace"
    where = f"only in {_some(map(channel, sorted(rule.channels)))}" if rule.channels else "anywhere in Slack"
    return f"*Who may {verb}:* {who}, {where}."


def _some(names: Iterable[str]) -> str:
    """Names as a list to be read; in the settings of one workspace there may be any number of them."""
    shown = list(names)
    more = len(shown) - MOST_SHOWN
    return ", ".join(shown[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
