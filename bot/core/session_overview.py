"""The sessions that a person sees: those that run, and those that this app paused last."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core import outcomes
from bot.core.history import PastOrder
from bot.core.requests import Verb
from bot.core.session import Session
from bot.core.session_id import SessionId
from bot.core.session_list import NotRead, SessionList

_STATE_CHANGES = frozenset(
    kind.__name__
    for kind in (
        *(outcomes.Paused, outcomes.Resumed, outcomes.NotRunning, outcomes.NotFound),
        *(outcomes.Unconfirmed, outcomes.Broken),
    )
)
"""The outcomes after which an agent can be in another state than before."""


@dataclass(frozen=True, slots=True)
class PausedSession:
    """A session that this app paused by `order`; `session` is None if Anchor does not list it as running."""

    order: PastOrder
    session: Session | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The sessions for one person, and what they are `allowed` to do where they are.

    `paused` is None if the journal cannot be read.
    """

    running: SessionList | NotRead
    paused: tuple[PausedSession, ...] | None
    allowed: frozenset[Verb]
    viewer_id: str
    is_admin: bool = False


def paused_sessions(orders: Sequence[PastOrder], running: SessionList | NotRead) -> tuple[PausedSession, ...]:
    """Return the sessions whose last change was a pause, unless Anchor says that they ended. `orders`: newest first.

    Anchor does not say whether an agent is paused, so somebody can have resumed it elsewhere.
    """
    last: dict[str, PastOrder] = {}
    for order in orders:
        if order.outcome in _STATE_CHANGES:
            last.setdefault(order.session_id, order)
    listed: dict[str, Session] = {}
    ended: frozenset[SessionId] = frozenset()
    if isinstance(running, SessionList):
        listed, ended = {session.id: session for session in running.sessions}, running.ended
    return tuple(
        PausedSession(order, listed.get(order.session_id))
        for order in last.values()
        if order.outcome == outcomes.Paused.__name__ and order.session_id not in ended
    )
