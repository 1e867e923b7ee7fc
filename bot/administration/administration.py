"""All that admins can do, as one thing."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.administration.alerting import Alerting
from bot.administration.dialogs import Dialogs
from bot.administration.keys import Keys
from bot.administration.policies import Policies
from bot.core.administration import CutShort, NotSaved
from bot.core.requests import Asker
from bot.outbound.workspaces import StoreError
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Administration:
    """The use cases."""

    dialogs: Dialogs
    keys: Keys
    policies: Policies
    alerting: Alerting
    tasks: Tasks
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set, init=False)

    def interrupt(self) -> None:
        """Cancel everything that is under way."""
        for change in self._under_way:
            change.cancel()

    async def carry_out(
        self, what: str, asker: Asker, change: Coroutine[Any, Any, _Outcome]
    ) -> _Outcome | NotSaved | CutShort:
        """Make a change, and log who made it, and what came of it."""
        making = self.tasks.start(change)
        self._under_way.add(making)
        making.add_done_callback(self._under_way.discard)
        await asyncio.wait({making})
        outcome: _Outcome | NotSaved | CutShort = CutShort()
        try:
            if not making.cancelled():
                outcome = making.result()
        except StoreError as error:
            _log.error("the database can't be used", extra={"team": asker.team_id, "why": str(error)})
            outcome = NotSaved()
        _log.info(
            "administration",
            extra={
                "what": what,
                "outcome": type(outcome).__name__,
                "user": asker.user_id,
                "team": asker.team_id,
            },
        )
        return outcome
