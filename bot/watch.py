"""What is noticed while the bot works for a workspace, and told once to whoever can mend it."""

import logging

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.messages.changes import key_refused_message, reinstall_message
from bot.core.messages.message import Message
from bot.core.outcomes import KeyRejected, KeyTaken, Outcome
from bot.core.workspace import Workspace
from bot.outbound.present_admins import PresentAdmins
from bot.outbound.teller import Teller
from bot.outbound.workspaces import StoreError, Workspaces
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

_SCOPE = "users:read"


class Watch:
    """Sees whether Anchor takes a workspace's key, and whether Slack lets the bot ask who people are."""

    def __init__(self, workspaces: Workspaces, admins: PresentAdmins, teller: Teller, tasks: Tasks) -> None:
        self._workspaces = workspaces
        self._admins = admins
        self._teller = teller
        self._tasks = tasks
        self._told: set[str] = set()

    def used(self, workspace: Workspace, outcome: Outcome) -> None:
        """The workspace's key was used, and that came of it."""
        key, said = workspace.anchor_key, _said(outcome)
        if key is not None and said is not None and said is not key.check:
            self._tasks.start(self._note(workspace, key, said))

    def unreadable(self, workspace: Workspace) -> None:
        """The app may not ask Slack who people are."""
        team_id = workspace.team_id or ""
        if team_id not in self._told:
            self._told.add(team_id)
            self._tasks.start(self._ask_to_reinstall(workspace))

    async def _note(self, workspace: Workspace, key: AnchorKey, said: KeyCheck) -> None:
        """Keep what Anchor says of the key; the first time that it refuses this one, tell whoever set it.

        Where that is nobody, or they have left, an admin is told in their place.
        """
        team_id, version = workspace.team_id or "", workspace.key_version
        try:
            is_news = await self._workspaces.note_check(team_id, version, said)
            if is_news and said is KeyCheck.REFUSED:
                message = key_refused_message(key, by_admins=workspace.is_managed)
                await self._tell_once(workspace, f"key {version} refused", key.set_by, message)
        except StoreError as error:
            _log.warning("what Anchor says of a key can't be kept", extra={"team": team_id, "why": str(error)})

    async def _ask_to_reinstall(self, workspace: Workspace) -> None:
        team_id = workspace.team_id or ""
        try:
            await self._tell_once(workspace, _SCOPE, workspace.installed_by, reinstall_message())
        except StoreError as error:
            self._told.discard(team_id)
            _log.warning("nobody was told to reinstall", extra={"team": team_id, "why": str(error)})

    async def _tell_once(self, workspace: Workspace, about: str, first: str | None, message: Message) -> None:
        """Tell this person, or else an admin, once for all replicas. Raises StoreError."""
        team_id = workspace.team_id or ""
        if not await self._workspaces.is_first(team_id, about):
            return
        is_there = first is not None and not await self._admins.has_left(workspace, first)
        if first and is_there and await self._teller.write_to(team_id, first, message):
            return
        for user_id in await self._admins.of(workspace):
            if user_id != first and await self._teller.write_to(team_id, user_id, message):
                return
        _log.error("nobody could be told", extra={"team": team_id, "about": about})


def _said(outcome: Outcome) -> KeyCheck | None:
    if isinstance(outcome, KeyRejected):
        return KeyCheck.REFUSED
    return KeyCheck.VERIFIED if isinstance(outcome, KeyTaken) else None
