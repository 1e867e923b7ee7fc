"""Who may do what, in words."""

from collections.abc import Iterable

from bot.core.messages.markup import channel, mention
from bot.core.policy import Rule
from bot.core.requests import Verb

MOST_NAMED = 40
"""How many people, and channels, a section has room for, with ids as long as they may be."""


def who_may(verb: Verb, rule: Rule) -> str:
    """One line of mrkdwn: who may do it, and where."""
    who = some(map(mention, sorted(rule.users)), most=MOST_NAMED) or "every full member of this workspace"
    where = (
        f"only in {some(map(channel, sorted(rule.channels)), most=MOST_NAMED)}"
        if rule.channels
        else "anywhere in Slack"
    )
    return f"*Who may {verb}:* {who}, {where}."


def some(names: Iterable[str], *, most: int) -> str:
    """Names as a list to be read; of more than `most`, how many more there are."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
