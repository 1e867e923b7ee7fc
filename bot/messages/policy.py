"""The policy in words."""

from collections.abc import Iterable

from bot.core.policy import Rule
from bot.core.requests import Verb
from bot.messages.markup import channel, mention

MOST_NAMED = 40
"""The most people, and channels, that fit into a section, with ids of any length."""


def who_can(verb: Verb, rule: Rule) -> str:
    """Return one line of mrkdwn: who is allowed to do it, and where."""
    who = some(map(mention, sorted(rule.users)), most=MOST_NAMED) or "everyone in this workspace"
    where = (
        f"only in {some(map(channel, sorted(rule.channels)), most=MOST_NAMED)}"
        if rule.channels
        else "anywhere in Slack"
    )
    return f"*Who can {verb}:* {who}, {where}."


def some(names: Iterable[str], *, most: int) -> str:
    """Join names to a readable list; after `most` names, say how many more there are."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
