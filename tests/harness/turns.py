"""People whose orders take turns, without a bot."""

from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, Workspace
from bot.usecases.access_check import Access
from bot.usecases.fair_queue import FairQueue


def access_of(user_id: str, *, team_id: str = "T0HOME00001") -> Access:
    """Return the access of a person whose workspace has the key sk-1."""
    workspace = Workspace(team_id, Secret("xoxb-1"), AnchorKey(Secret("sk-1")))
    return Access(workspace, Secret("sk-1"), (team_id, user_id))


def turns(*, most: int, most_each: int) -> FairQueue:
    """Return a queue in which a turn comes within 20 seconds, or never."""
    return FairQueue(most=most, most_each=most_each, longest_wait=20.0)
