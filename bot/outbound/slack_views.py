"""What people see of the app beside messages: its Home, and the dialogs that it opens.

https://docs.slack.dev/surfaces/modals
https://docs.slack.dev/surfaces/app-home
"""

import asyncio
import logging
from collections.abc import Awaitable
from enum import Enum
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.messages.view import View
from bot.core.secret import Secret
from bot.outbound.slack_web import TIMEOUT, SlackUnreachableError, verdict

_log = logging.getLogger(__name__)


class Shown(Enum):
    """What became of a view that was sent."""

    YES = "yes"
    GONE = "gone"
    """The dialog was closed meanwhile."""
    CONFLICT = "conflict"
    """It was changed since the state whose hash was named."""
    NO = "no"
    """Slack did not take it, or gave no answer; the log says why."""


class _GoneError(Exception):
    """There is no such view any more."""


class _ConflictError(Exception):
    """The hash is that of an earlier state."""


_REFUSALS = {"not_found": _GoneError, "hash_conflict": _ConflictError}
_OUTCOMES = {_GoneError: Shown.GONE, _ConflictError: Shown.CONFLICT}


class SlackViews:
    """Calls of views.*; each bounded by 5 s and made once. None raises for what Slack or the network does."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web

    async def open(self, token: Secret, trigger_id: str, view: View) -> str | None:
        """Open a dialog, and return its id, or None where it did not open.

        A trigger is good for 3 s and once. https://docs.slack.dev/reference/methods/views.open
        """
        opening = self._web.views_open(token=token.reveal(), trigger_id=trigger_id, view=view.as_json())
        _, opened = await _show("views.open", opening)
        return str(opened["id"]) if "id" in opened else None

    async def update(self, token: Secret, view_id: str, view: View) -> Shown:
        """Change an open dialog. https://docs.slack.dev/reference/methods/views.update."""
        updating = self._web.views_update(token=token.reveal(), view_id=view_id, view=view.as_json())
        return (await _show("views.update", updating))[0]

    async def publish(self, token: Secret, user_id: str, view: View, *, state: str | None) -> Shown:
        """Show `view` as somebody's Home, where that is still in `state`, if one is named: the hash of a view.

        https://docs.slack.dev/reference/methods/views.publish
        """
        publishing = self._web.views_publish(token=token.reveal(), user_id=user_id, view=view.as_json(), hash=state)
        return (await _show("views.publish", publishing))[0]


async def _show(method: str, call: Awaitable[AsyncSlackResponse]) -> tuple[Shown, dict[str, Any]]:
    """What became of it, and the view as Slack has it now."""
    try:
        with verdict(_REFUSALS):
            async with asyncio.timeout(TIMEOUT):
                answer = await call
            view = answer.get("view")
    except (_GoneError, _ConflictError) as error:
        return _OUTCOMES[type(error)], {}
    except SlackUnreachableError as error:
        _log.warning("Slack does not show a view", extra={"method": method, "why": str(error)})
        return Shown.NO, {}
    return Shown.YES, view if isinstance(view, dict) else {}
