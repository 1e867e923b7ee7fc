"""Values of the product that tests build, beside the names of `harness.product`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.fields import Proxy, Secret
from bot.core.requests import MessageContent
from bot.core.session_ids import Ambiguous, Broken, Found, find_mentions, find_session_id
from bot.core.sessions import Life, Session
from bot.core.workspace import AnchorKey, Workspace
from bot.inbound.alert_fields import LONGEST_ID, BadAlertError, read_alert
from bot.messages.blocks import ephemeral, in_channel
from bot.outbound.http import Transport, open_session
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.sim.slack import SimSlack
from bot.usecases.access import Access
from bot.usecases.queue import FairQueue

__all__ = ["BadAlertError", "Found", "Life", "MessageContent", "Session", "read_alert", "search_of"]

UNREACHABLE = SlackUnreachableError
FOR_ALL, FOR_ONE = in_channel("hello"), ephemeral("hello")


@asynccontextmanager
async def http_client(proxy: Proxy | None = None) -> AsyncIterator[Transport]:
    async with open_session(proxy=proxy) as session:
        yield Transport(session, proxy)


@asynccontextmanager
async def web_client(slack: SimSlack) -> AsyncIterator[AsyncWebClient]:
    async with open_session() as session:
        yield open_web(session, slack.url)


def search_of(text: str) -> Broken | Ambiguous:
    """What somebody typed who means no session by its id."""
    search = find_session_id(text)
    assert isinstance(search, Broken | Ambiguous)
    return search


def access_of(user_id: str, *, team_id: str = "T0HOME00001") -> Access:
    workspace = Workspace(team_id, Secret("xoxb-1"), AnchorKey(Secret("sk-1")))
    return Access(workspace, Secret("sk-1"), (team_id, user_id))


def turns(*, most: int, most_each: int) -> FairQueue:
    """Return a queue in which a turn comes within 20 seconds, or never."""
    return FairQueue(most=most, most_each=most_each, longest_wait=20.0)


def _read_alert(session_id: str) -> None:
    with suppress(BadAlertError):
        read_alert({"session_id": session_id, "text": "It spends."})


PARSERS: dict[str, tuple[Callable[[str], object], int]] = {
    "a command": (find_session_id, 40_000),
    "an alert": (_read_alert, LONGEST_ID),
    "a message": (lambda text: find_mentions({"text": text}), 100_000),
}
