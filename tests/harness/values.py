"""Values of the product that tests build, beside the names of `harness.product`."""

from bot.core.clicked_message import MessageContent
from bot.core.session import Life, Session
from bot.core.session_id import Ambiguous, Broken, Missing, find_session_id
from bot.request_id import begin as begin_request

__all__ = ["Life", "MessageContent", "Session", "begin_request", "search_of"]


def search_of(text: str) -> Missing | Broken | Ambiguous:
    """What somebody typed who means no session by its id."""
    search = find_session_id(text)
    assert isinstance(search, Missing | Broken | Ambiguous)
    return search
