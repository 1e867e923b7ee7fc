"""The error for actions that the Slack client does not allow."""

from bot.sim.slack.workspace import Channel, User


class NotPossibleError(Exception):
    """The Slack client would not let this person do that here, so nothing was sent."""


def check_presence(user: User, channel: Channel) -> None:
    """Raise NotPossibleError for somebody who can't do anything in this channel."""
    if user.deleted:
        raise NotPossibleError("a deactivated person can't log in")
    if user.id not in channel.members:
        raise NotPossibleError("this person is not in the channel")
    if channel.is_archived:
        raise NotPossibleError("nobody can write in an archived channel")
