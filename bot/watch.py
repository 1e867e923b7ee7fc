"""What is noticed while the bot works for a workspace, and told once to whoever can mend it."""

import logging
from collections.abc import Callable, Sequence

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.messages.changes import key_refused_message, reinstall_message
from bot.core.messages.message import Message
from bot.core.outcomes import KeyRejected, KeyTaken, Outcome
from bot.core.workspace import Workspace
from bot.outbound.present_admins import GONE, STILL, PresentAdmins
from bot.outbound.teller import Teller
from bot.outbound.workspaces import StoreError, Workspaces
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

_SCOPE = "users:read"
_QUIET = 600.0  # seconds after somebody was told, or nobody could be; then the store says whether there is need


class Watch:
    """Sees whether Anchor takes a workspace's key, and whether Slack lets the bot ask who people are.

    What was told once is the store's to know: an app that comes again begins anew. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        admins: PresentAdmins,
        teller: Teller,
        tasks: Tasks,
        clock: Callable[[], float],
    ) -> None:
        self._workspaces = workspaces
        self._admins = admins
        self._teller = teller
        self._tasks = tasks
        self._clock = clock
        self._quiet_until: dict[tuple[str, str], float] = {}

    def used(self, workspace: Workspace, outcome: Outcome) -> None:
        """The workspace's key was used, and that came of it."""
        key, said = workspace.anchor_key, _said(outcome)
        if key is None or said is None:
            return
        if said is not key.check or (said is KeyCheck.REFUSED and self._may_tell(workspace, _refused(workspace))):
            self._tasks.start(self._note(workspace, key, said))

    def unreadable(self, workspace: Workspace) -> None:
        """The app may not ask Slack who people are."""
        if self._may_tell(workspace, _SCOPE):
            self._tasks.start(self._ask_to_reinstall(workspace))

    async def _note(self, workspace: Workspace, key: AnchorKey, said: KeyCheck) -> None:
        """Keep what Anchor says of the key; where it refuses this one, see to it that whoever set it is told.

        Where that is nobody, or they have left, an admin is told in their place.
        """
        team_id, version = workspace.team_id or "", workspace.key_version
        try:
            await self._workspaces.note_check(team_id, version, said)
            if said is KeyCheck.REFUSED and await self._has_key(team_id, version):
                message = key_refused_message(key, by_admins=workspace.is_managed)
                await self._tell_once(workspace, _refused(workspace), key.set_by, message)
        except StoreError as error:
            _log.warning("what Anchor says of a key can't be kept", extra={"team": team_id, "why": str(error)})

    async def _has_key(self, team_id: str, version: int) -> bool:
        """Whether the workspace's key is still that one."""
        workspace = await self._workspaces.find(team_id)
        return workspace is not None and workspace.key_version == version

    async def _ask_to_reinstall(self, workspace: Workspace) -> None:
        try:
            await self._tell_once(workspace, _SCOPE, workspace.installed_by, reinstall_message())
        except StoreError as error:
            _log.warning("nobody was told to reinstall", extra={"team": workspace.team_id, "why": str(error)})

    def _may_tell(self, workspace: Workspace, about: str) -> bool:
        """Whether nobody was told of late, nor tried to be told."""
        quiet_until = self._quiet_until.get((workspace.team_id or "", about))
        return quiet_until is None or self._clock() >= quiet_until

    async def _tell_once(self, workspace: Workspace, about: str, first: str | None, message: Message) -> None:
        """Tell this person, or else an admin, once for all replicas; later, if that fails now. Raises StoreError."""
        team_id = workspace.team_id or ""
        if not self._may_tell(workspace, about):
            return
        name = (team_id, about)
        self._quiet_until[name] = self._clock() + _QUIET
        try:
            admins = await self._admins.of(workspace)
            if not await self._workspaces.is_first(team_id, about):
                return
            if not await self._tell(workspace, first, admins, message):
                _log.error("nobody could be told", extra={"team": team_id, "about": about})
                await self._workspaces.take_back(team_id, about)
        except StoreError:
            self._quiet_until.pop(name, None)
            raise

    async def _tell(self, workspace: Workspace, first: str | None, admins: Sequence[str], message: Message) -> bool:
        """Tell this person, and where they are no admin (any more), one who is; say whether anybody was told."""
        team_id, is_told = workspace.team_id or "", False
        if first is not None and (role := await self._admins.role(workspace, first)) not in GONE:
            is_told = await self._teller.write_to(team_id, first, message)
            if is_told and role in STILL:
                return True
        for user_id in admins:
            if user_id != first and await self._teller.write_to(team_id, user_id, message):
                return True
        return is_told


def _refused(workspace: Workspace) -> str:
    return f"key {workspace.key_version} refused"


def _said(outcome: Outcome) -> KeyCheck | None:
    if isinstance(outcome, KeyRejected):
        return KeyCheck.REFUSED
    return KeyCheck.VERIFIED if isinstance(outcome, KeyTaken) else None
