"""Methods of Slack's Web API for views: modals and Home."""

import logging
from collections.abc import Awaitable
from enum import Enum
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.json_fields import object_field
from bot.core.secret import Secret
from bot.messages.view import View
from bot.outbound.slack.errors import SlackUnreachableError, call

_log = logging.getLogger(__name__)


class ViewResult(Enum):
    """Result of a views.* call."""

    SHOWN = "shown"
    CLOSED = "closed"  # the modal was closed meanwhile
    CONFLICT = "conflict"  # the view has another hash now
    FAILED = "failed"  # the log says why


class _ViewRefusedError(Exception):
    """Slack refused a view with an error code of _RESULTS."""


_RESULTS = {"not_found": ViewResult.CLOSED, "hash_conflict": ViewResult.CONFLICT}
_VIEW_REFUSED = dict.fromkeys(_RESULTS, _ViewRefusedError)


class SlackViews:
    """Calls of views.*: one attempt each, with a timeout of 5 s. They raise no Slack or network errors."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web

    async def open(self, token: Secret, trigger_id: str, view: View) -> str | None:
        """Open a modal, and return its id, or None if it did not open. A trigger lasts 3 s and opens one modal.

        https://docs.slack.dev/reference/methods/views.open
        """
        opening = self._web.views_open(token=token.reveal(), trigger_id=trigger_id, view=view.as_json())
        _, opened = await _show("views.open", opening)
        return str(opened["id"]) if "id" in opened else None

    async def update(self, token: Secret, view_id: str, view: View) -> ViewResult:
        """Replace the view of an open modal. https://docs.slack.dev/reference/methods/views.update."""
        updating = self._web.views_update(token=token.reveal(), view_id=view_id, view=view.as_json())
        return (await _show("views.update", updating))[0]

    async def publish(self, token: Secret, user_id: str, view: View, *, view_hash: str | None) -> ViewResult:
        """Publish a person's Home; with `view_hash`, only if their current view has that hash.

        https://docs.slack.dev/reference/methods/views.publish
        """
        publishing = self._web.views_publish(token=token.reveal(), user_id=user_id, view=view.as_json(), hash=view_hash)
        return (await _show("views.publish", publishing))[0]


async def _show(method: str, pending: Awaitable[AsyncSlackResponse]) -> tuple[ViewResult, dict[str, Any]]:
    """Await a call, and return its result and Slack's view."""
    try:
        response = await call(pending, _VIEW_REFUSED)
    except _ViewRefusedError as error:
        return _RESULTS[str(error)], {}
    except SlackUnreachableError as error:
        _log.warning("Slack view call failed", extra={"method": method, "why": str(error)})
        return ViewResult.FAILED, {}
    return ViewResult.SHOWN, object_field(response, "view")
