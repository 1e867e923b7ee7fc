"""The Bolt app, and the one way into it for every transport."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse

from bot.core.messages.dialog_answers import answer_view
from bot.core.messages.message import Message, Visibility, as_response
from bot.core.messages.notices import unknown_action_message, unknown_command_message
from bot.inbound.address import read_address
from bot.inbound.incidents import report
from bot.inbound.installed_team import installed_team
from bot.outbound.teller import Teller
from bot.outbound.workspaces import StoreError
from bot.tasks import Tasks

_log = logging.getLogger(__name__)


class Registrable(Protocol):
    """Listeners of one kind."""

    def register(self, bolt: AsyncApp) -> None:
        """Put them on."""


class SlackApp:
    """Dispatches checked payloads to the listeners. Every one gets a 200 and, where Slack can show it, an answer."""

    def __init__(self, listeners: Sequence[Registrable], teller: Teller, tasks: Tasks) -> None:
        self._teller = teller
        self._tasks = tasks
        self._bolt = AsyncApp(
            name="slack_bolt.app",
            logger=logging.getLogger("slack_bolt"),
            authorize=_authorize,
            process_before_response=True,  # with the default, Bolt polls for every ack
            raise_error_for_unhandled_request=True,
            request_verification_enabled=False,  # the door has done these
            ssl_check_enabled=False,
            url_verification_enabled=False,
        )
        self._bolt.error(_raise)
        for one in listeners:
            one.register(self._bolt)

    async def dispatch(self, payload: dict[str, object], *, received_at: float | None = None) -> BoltResponse:
        """Handle one payload; `received_at` is when its first byte came, by the monotonic clock (default: now).

        An answer of 503 asks Slack to send an event once more; nothing else is answered so.
        """
        context = {
            "received_at": time.monotonic() if received_at is None else received_at,
            "installed_team": installed_team(payload),
        }
        try:
            request = AsyncBoltRequest(body=payload, mode="socket_mode", context=context)
            return await self._bolt.async_dispatch(request)
        except BoltUnhandledRequestError:
            return self._answer(payload, _unknown(payload))
        except StoreError as error:
            _log.error("an event can't be handled now", extra={"why": str(error)})
            return BoltResponse(status=503)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told; of an event, Slack
            message = report(error)
            return BoltResponse(status=503) if "event" in payload else self._answer(payload, message)

    def tell_later(self, payload: Mapping[str, object], body: str) -> None:
        """Tell by the response_url what the ack of a command should have carried and could not."""
        said = json.loads(body)
        message = Message(said["text"], Visibility(said["response_type"]), tuple(said.get("blocks", ())))
        self._tasks.start(self._teller.tell(read_address(payload), message))

    def _answer(self, payload: Mapping[str, object], message: Message | None) -> BoltResponse:
        """Answer outside the listeners: a command or a dialog in its ack, an interaction through its response_url."""
        if message is not None and "command" in payload:
            return BoltResponse(status=200, body=as_response(message))
        if message is not None and payload.get("type") == "view_submission":
            said = answer_view("Something broke", message.text).as_json()
            return BoltResponse(status=200, body={"response_action": "update", "view": said})
        if message is not None and "response_url" in payload:
            self._tasks.start(self._teller.tell(read_address(payload), message))
        return BoltResponse(status=200)


def _unknown(payload: Mapping[str, object]) -> Message | None:
    """What to say of a payload that no listener takes; of an event, nothing."""
    if "command" in payload:
        return unknown_command_message(str(payload["command"]))
    return unknown_action_message() if "actions" in payload else None


async def _authorize(enterprise_id: str | None, installed_team: str) -> AuthorizeResult:
    """Let every signed payload in, without a token: no listener of ours uses Bolt's own client.

    So whoever is not served gets an answer that says so; whose key and token a request may use is decided where they
    are used. Bolt's own reading of the team takes a person's where there is no other, so it is ours.
    """
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=installed_team, bot_token="")


async def _raise(error: Exception) -> None:
    """Leave every error to `dispatch`, so that there is one place for them."""
    raise error
