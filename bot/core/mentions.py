"""Mentions of people: which user groups messages about alerts mention, and how often."""

from bot.core.fields import CHANNEL_ID, GROUP_ID

MENTION_INTERVAL = 600.0  # seconds between two mentions of people by critical alerts in a channel
MOST_CALLS = 3  # the most mentions after failed pauses by a sender's alerts within MENTION_INTERVAL, in a channel
MOST_GROUPS = 20  # of a workspace


def read_groups(text: str) -> dict[str, str]:
    """Return the user groups in a text like `C1=S1,C2=S2,S3`: by channel, and by "" the one for all others.

    Raises ValueError with the number of the first entry that is unreadable, or says what another one says, too.
    """
    groups: dict[str, str] = {}
    for number, entry in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        channel, is_of_one, group = (part.strip() for part in entry.rpartition("="))
        is_read = GROUP_ID.fullmatch(group) and (not is_of_one or CHANNEL_ID.fullmatch(channel))
        if not is_read or channel in groups or number > MOST_GROUPS:
            raise ValueError(number)
        groups[channel] = group
    return groups
