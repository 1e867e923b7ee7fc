"""A result that is being delivered: what happened so far."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.core.requests import ReplyAddress
from bot.outbound.slack.client import Delivered, Delivery, Doubtful, NotSlack, Posted, TryAgain

_log = logging.getLogger(__name__)

_MAX_DOUBTFUL = 2

Send = Callable[[], Awaitable[Delivery]]
"""One attempt on a route."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The route by which a result was delivered, and the message if it was posted to a conversation."""

    route: str
    posted: Posted | None = None


@dataclass(slots=True)
class PendingResult:
    """A result under delivery: the routes that are left, and what happened so far. `began` is the loop's time."""

    address: ReplyAddress
    began: float
    routes: dict[str, Send]
    not_before: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    doubts: int = 0
    receipt: Receipt | None = None
    is_logged: bool = False
    foreign: str = ""
    """The route whose last answer was not Slack's, until Slack answers again."""
    is_cut_off: bool = False
    """All of Slack was replaced, not only this route."""
    is_taken_over: bool = False
    """Another process delivers it."""

    def record(self, route: str, outcome: Delivery) -> bool:
        """Record the outcome of a route. Return whether the delivery has ended."""
        if isinstance(outcome, Delivered):
            self.receipt = Receipt(route, outcome if isinstance(outcome, Posted) else None)
            return True
        self.failures[route] = outcome.why
        if isinstance(outcome, TryAgain):
            self.not_before[route] = asyncio.get_running_loop().time() + (outcome.after or 0.0)
            return False
        if isinstance(outcome, NotSlack):
            self.foreign = route
        else:
            del self.routes[route]
        self.doubts += isinstance(outcome, Doubtful)
        return self.doubts == _MAX_DOUBTFUL

    def resume(self) -> None:
        """Try the routes again: first the others, if only one did not lead to Slack."""
        if self.foreign and not self.is_cut_off:
            self.routes[self.foreign] = self.routes.pop(self.foreign)
        self.foreign, self.is_cut_off = "", False

    def log_retry(self) -> None:
        """Log once that the delivery is going to be repeated."""
        if not self.is_logged:
            _log.warning("Slack does not accept a result; it is sent again", extra=self._fields())
        self.is_logged = True

    def log_end(self) -> None:
        """Log how a delivery ended that did not succeed in its first round."""
        if self.is_taken_over:
            _log.info("result delivered by another process", extra=self._fields())
        elif self.receipt is None:
            _log.error("result possibly not delivered" if self.doubts else "result not delivered", extra=self._fields())
        elif self.is_logged:
            seconds = round(asyncio.get_running_loop().time() - self.began)
            _log.info("result delivered", extra=self._fields() | {"after_seconds": seconds})

    def _fields(self) -> dict[str, str]:
        actor, why = self.address.actor, "; ".join(f"{route}: {why}" for route, why in self.failures.items())
        return {"channel": actor.channel_id, "user": actor.user_id, "why": why}
