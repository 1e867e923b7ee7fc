"""All that admins can do, as one thing."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from bot.administration.alerting import Alerting
from bot.administration.dialogs import Dialogs
from bot.administration.keys import Keys
from bot.administration.policies import Policies
from bot.core.administration import NotSaved
from bot.core.requests import Asker
from bot.outbound.workspaces import StoreError

_log = logging.getLogger(__name__)

_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Administration:
    """The use cases."""

    dialogs: Dialogs
    keys: Keys
    policies: Policies
    alerting: Alerting

    async def carry_out(self, what: str, asker: Asker, change: Awaitable[_Outcome]) -> _Outcome | NotSaved:
        """Make a change, and log who made it, and what came of it."""
        try:
            outcome: _Outcome | NotSaved = await change
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
