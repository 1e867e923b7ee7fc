"""Open modals within the 3 seconds of a trigger, update them, and read what is submitted."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.fields import SLACK_ID, Secret, text_field
from bot.core.requests import Actor, ReplyAddress
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import MOST_TOGETHER
from bot.core.workspace import Workspace
from bot.messages.blocks import View
from bot.messages.several import NOT_OPENED
from bot.outbound.slack.client import SlackClient, ViewResult
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery

_log = logging.getLogger(__name__)

_ACK_ARRIVES = 1.0  # seconds; an update of a modal that is there before an ack is overwritten by it
_OPEN_WAIT = 0.5  # seconds for a modal to be made before a placeholder opens: a trigger lasts 3
_LONGEST_VERSION = 10  # digits

MakeView = Callable[[Workspace], Coroutine[Any, Any, View]]


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal, or a changed control in Home. It went through the client, so it can contain anything.

    `values` are Slack's by the name of the input: block and element have the same. `seen` is the modal's
    `private_metadata`, `trigger_id` Slack's id of the submission, and `age` that of the request in seconds.
    """

    name: str
    values: Mapping[str, Mapping[str, Any]] = field(repr=False)  # can contain a key
    view_id: str = ""
    seen: str = ""
    trigger_id: str = ""
    age: float = 0.0

    @property
    def expected_version(self) -> int:
        """Return the version that the person saw, -1 if it is unreadable."""
        version = self.seen.partition(" ")[0]
        is_number = version.isascii() and version.isdecimal() and len(version) < _LONGEST_VERSION
        return int(version) if is_number else -1

    @property
    def about(self) -> str:
        """Return what the modal is about beside the version, or ""."""
        return self.seen.partition(" ")[2]

    def has_inputs(self, names: Iterable[str]) -> bool:
        """Return whether all these inputs were sent: an earlier version of the bot can have opened the modal."""
        return all(name in self.values for name in names)

    def text(self, name: str) -> Secret:
        """Return the text of an input."""
        return Secret(text_field(self.values.get(name), "value"))

    def selected_ids(self, name: str) -> frozenset[str]:
        """Return the ids of the selected people or conversations: valid ones, since the bot writes them."""
        element = self.values.get(name, {})
        given = [one for kind in ("selected_users", "selected_conversations") for one in _list(element.get(kind))]
        given.append(element.get("selected_conversation"))
        return frozenset(one for one in given if isinstance(one, str) and SLACK_ID.fullmatch(one))

    def selected_value(self, name: str) -> str:
        """Return the value of the selected option, "" without one."""
        return text_field(self.values.get(name, {}).get("selected_option"), "value")

    def is_checked(self, name: str) -> bool:
        """Return whether a checkbox is checked."""
        return bool(self.values.get(name, {}).get("selected_options"))

    def sessions(self, name: str) -> tuple[SessionId, ...]:
        """Return the sessions whose boxes are checked, in the inputs that begin with a name."""
        groups = [element for one, element in self.values.items() if one.startswith(name)]
        values = [text_field(box, "value") for one in groups for box in _list(one.get("selected_options"))]
        found = [find_session_id(value) for value in values[:MOST_TOGETHER]]
        return tuple(dict.fromkeys(one.session_id for one in found if isinstance(one, Found)))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Modals:
    """Opener of modals."""

    workspaces: Workspaces
    slack: SlackClient
    delivery: MessageDelivery
    tasks: Tasks

    async def open(self, address: ReplyAddress, trigger_id: str, make: MakeView, placeholder: View) -> None:
        """Open the modal that `make` returns, or report that it does not open.

        A placeholder opens first if making takes longer than a trigger may wait. https://docs.slack.dev/surfaces/modals
        """
        why, is_open = "the app is not installed", False
        try:
            # as it is now, or the change would conflict
            if (workspace := await self.workspaces.find(address.actor.team_id, max_age=0.0)) is not None:
                is_open, why = await self._open(workspace, trigger_id, make, placeholder), "Slack did not open it"
        except StoreError as error:
            why = str(error)
        if not is_open:
            _log.error("modal not opened", extra={"team": address.actor.team_id, "why": why})
            await self.delivery.deliver(address, NOT_OPENED)

    async def _open(self, workspace: Workspace, trigger_id: str, make: MakeView, placeholder: View) -> bool:
        token, making = workspace.bot_token, self.tasks.start(make(workspace))
        await asyncio.wait({making}, timeout=_OPEN_WAIT)
        first = making.result() if making.done() else placeholder
        view_id = await self.slack.open_view(token, trigger_id, first)
        if view_id is None or first is (view := await making):
            return view_id is not None
        return await self.slack.update_view(token, view_id, view) is not ViewResult.FAILED  # a closed one is no failure

    async def update(self, actor: Actor, view_id: str, view: View) -> bool:
        """Show `view` in place of an open modal. Return whether it is shown."""
        try:
            workspace = await self.workspaces.find(actor.team_id)
        except StoreError:
            return False
        return (
            workspace is not None
            and await self.slack.update_view(workspace.bot_token, view_id, view) is ViewResult.SHOWN
        )

    async def update_after_ack(self, actor: Actor, view_id: str, view: View) -> bool:
        """Show `view` in an open modal once its ack has arrived there. Return whether it is shown."""
        await asyncio.sleep(_ACK_ARRIVES)
        return await self.update(actor, view_id, view)
