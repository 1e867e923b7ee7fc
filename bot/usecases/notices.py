"""Notice keys that Anchor refuses and other troubles of workspaces, and notify their admins."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from cachetools import TTLCache

from bot.core.alerts import Lost
from bot.core.orders import FORGOTTEN, Actor
from bot.core.outcomes import KeyRejected, KeyTaken, Outcome
from bot.core.permissions import Role
from bot.core.sessions import NotRead
from bot.core.workspace import AnchorKey, AutoPause, KeyCheck, Workspace
from bot.messages.alert_tokens import closed_message, lost_message
from bot.messages.blocks import Message
from bot.messages.cards import mentioning
from bot.messages.settings import key_refused_message
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.alerts import fires
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.results import MessageDelivery

_log = logging.getLogger(__name__)

POSSIBLE_ADMINS = frozenset({Role.ADMIN, Role.UNKNOWN})
"""The roles of a recorded admin who can still be one."""

_DAY = 86_400.0
MOST_QUIET = 10_000
QUIET_PERIOD = 600.0  # seconds without a look into the store after a notice, delivered or not


@dataclass(eq=False, repr=False)
class WorkspaceMonitor:
    """Messages to admins about changes, refused keys and alerts; the store knows the notices that were sent."""

    workspaces: Workspaces
    roles: RoleCache
    delivery: MessageDelivery
    tasks: Tasks

    def __post_init__(self) -> None:
        self._quiet: TTLCache[tuple[str, str], None] = TTLCache(MOST_QUIET, QUIET_PERIOD, timer=time.monotonic)
        self._recording: set[tuple[str, int, KeyCheck]] = set()

    def notify_change(self, workspace: Workspace, message: Message, *also: str | None) -> None:
        """Notify the admins, and the people in `also`: the author of the change is one of them."""
        self.tasks.start(self._notify_all(workspace, message, also))

    async def _notify_all(self, workspace: Workspace, message: Message, also: tuple[str | None, ...]) -> None:
        try:
            admins = await self._admins(workspace)
        except StoreError as error:
            admins = []
            about = {"team": workspace.team_id, "why": str(error)}
            _log.warning("admin lookup failed; admins not notified", extra=about)
        user_ids = dict.fromkeys(one for one in (*also, *admins) if one and not one.startswith(FORGOTTEN))
        await asyncio.gather(*(self.delivery.send_dm(workspace.team_id, user_id, message) for user_id in user_ids))

    async def _admins(self, workspace: Workspace, first: str = "") -> list[str]:
        """Return `first` and the recorded admins, if they can still be one, or the alert channel. Raises StoreError."""
        recorded = [first, *await self.workspaces.store.people.admins(workspace.team_id)]
        found = list(dict.fromkeys(filter(None, recorded)))
        actors = [Actor(workspace.team_id, "", user_id, home_team_id=workspace.team_id) for user_id in found]
        roles = await asyncio.gather(*(self.roles.get(workspace, actor) for actor in actors))
        admins = [user_id for user_id, role in zip(found, roles, strict=True) if role in POSSIBLE_ADMINS]
        return admins or list(filter(None, [workspace.alerts_channel]))

    def record_list(self, workspace: Workspace, read: object) -> None:
        """Record what a read of a list of sessions says about the workspace's key."""
        key = workspace.anchor_key
        if isinstance(read, NotRead):
            if read.is_key_refused:
                self._record_check(workspace, KeyCheck.REFUSED)
        elif key is not None and key.check is KeyCheck.REFUSED:
            self._record_check(workspace, KeyCheck.VERIFIED)

    def record_result(self, workspace: Workspace, outcome: Outcome) -> None:
        """Record the outcome of a request with the workspace's key."""
        if isinstance(outcome, KeyRejected):
            self._record_check(workspace, KeyCheck.REFUSED)
        elif isinstance(outcome, KeyTaken):
            self._record_check(workspace, KeyCheck.VERIFIED)

    def _record_check(self, workspace: Workspace, check: KeyCheck) -> None:
        key = workspace.anchor_key
        assert key is not None  # noqa: S101 - the request had it
        if check is KeyCheck.VERIFIED is key.check:
            return
        told = [_refused(workspace), *([_called(workspace)] if _group(workspace) else [])]
        is_quiet = all((workspace.team_id, one) in self._quiet for one in told)
        is_news = check is not key.check or not is_quiet
        recording = (workspace.team_id, workspace.key_version, check)
        if is_news and recording not in self._recording:
            self._recording.add(recording)
            self.tasks.start(self._record(workspace, key, check))

    def report_closed_channel(self, workspace: Workspace, channel_id: str) -> None:
        """Tell an admin once a day that alerts are not posted in the channel that they are for."""
        self._report(workspace, f"channel {channel_id}", closed_message(channel_id), again_after=_DAY)

    def report_lost_alerts(self, workspace: Workspace, why: Lost, names: Iterable[str] = ()) -> None:
        """Tell an admin of alerts without a card, at once, and then once a day."""
        about = " ".join(("alerts:", why, *(names if why is Lost.TOO_LARGE else ())))
        self._report(workspace, about, lost_message(why, names), again_after=_DAY)

    async def _record(self, workspace: Workspace, key: AnchorKey, check: KeyCheck) -> None:
        """Save the check of a key; if Anchor refuses it and nobody has replaced it, notify its setter, or an admin."""
        team_id, version, called = workspace.team_id, workspace.key_version, False
        store = self.workspaces.store
        try:
            await self.workspaces.record_key_check(team_id, version, check)
            current = await self.workspaces.find_now(team_id) if check is KeyCheck.REFUSED else None
            if current is None:
                await store.notices.release(team_id, _called(workspace))
            elif _group(current):
                called = current.auto_pause is not AutoPause.OFF or await fires(store.database, team_id)
        except StoreError as error:
            current = None
            _log.warning("key check not saved", extra={"team": team_id, "why": str(error)})
        finally:
            self._recording.discard((team_id, version, check))
        if current is not None and current.key_version == version:
            if key.check is not KeyCheck.REFUSED:  # perhaps at another process it was accepted since
                _log.warning("Anchor refuses the key", extra={"team": team_id})
                self._quiet.pop((team_id, _called(current)), None)
            message = key_refused_message(key)
            self._report(workspace, _refused(workspace), message, first=key.set_by or "")
            if called:
                message = mentioning(message, _group(current))
                self._report(current, _called(current), message, first=current.alerts_channel or "")

    def _report(
        self, workspace: Workspace, about: str, message: Message, *, first: str = "", again_after: float | None = None
    ) -> None:
        """Send a notice, once for all replicas, or again after so many seconds. If nobody gets it, a later one is sent.

        `first` is who gets it before the admins, or the channel for alerts: then no admin does.
        """
        if (workspace.team_id, about) not in self._quiet:
            self._quiet[workspace.team_id, about] = None
            self.tasks.start(self._tell(workspace, about, message, first, again_after))

    async def _tell(
        self, workspace: Workspace, about: str, message: Message, first: str, again_after: float | None
    ) -> None:
        """Send a notice to the first one who gets it: an admin, or else the alert channel."""
        name, notices = (workspace.team_id, about), self.workspaces.store.notices
        try:
            is_for_channel = first and first == workspace.alerts_channel
            people = [first] if is_for_channel else await self._admins(workspace, first)
            if not await notices.claim(*name, again_after):
                return
            for user_id in people:
                if await self.delivery.send_dm(workspace.team_id, user_id, message):
                    return
            _log.error("nobody could be notified", extra={"team": name[0], "about": about})
            await notices.release(*name)
        except asyncio.CancelledError:  # the bot is stopped, and another process can tell
            with suppress(StoreError):
                await notices.release(*name)
            raise
        except StoreError as error:
            self._quiet.pop(name, None)
            _log.warning("notice not sent", extra={"team": name[0], "about": about, "why": str(error)})


def _group(workspace: Workspace) -> str:
    """Return the user group of the channel for alerts, or ""."""
    return workspace.group_of(workspace.alerts_channel) if workspace.alerts_channel else ""


def _called(workspace: Workspace) -> str:
    """Return the name of the notice that mentions it; another one can follow once the key was accepted."""
    return f"key {workspace.key_version} refused, in the channel"


def _refused(workspace: Workspace) -> str:
    return f"key {workspace.key_version} refused"
