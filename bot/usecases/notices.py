"""Notice keys that Anchor refuses and other troubles of workspaces, and notify their admins."""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass

from cachetools import LRUCache, TTLCache

from bot.core.cards import Lost
from bot.core.outcomes import KeyRejected, KeyTaken, Outcome
from bot.core.policy import Role
from bot.core.requests import Actor
from bot.core.sessions import NotRead, Unread
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.health import Readiness
from bot.messages.blocks import Message
from bot.messages.senders import WRONG_TOKENS_MESSAGE, in_vain_message, lost_message
from bot.messages.settings import key_refused_message, reinstall_message
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks
from bot.usecases.delivery import MessageDelivery

_log = logging.getLogger(__name__)

POSSIBLE_ADMINS = frozenset({Role.ADMIN, Role.UNKNOWN, Role.SCOPE_MISSING})
"""The roles of a recorded admin who can still be one."""

# Slack accepts messages to people who have left: https://github.com/slackapi/python-slack-sdk/issues/1156
LEFT = frozenset({Role.DEACTIVATED, Role.OUTSIDER})

_SCOPE = "users:read"
_TOKENS, _LOGGED = "wrong tokens", "wrong tokens in the log"
_IN_VAIN = "no token pauses"
_DAY = 86_400.0
_AGAIN_AFTER = {_TOKENS: _DAY, _IN_VAIN: _DAY}  # seconds; others are sent once for good
MOST_QUIET = 10_000
QUIET_PERIOD = 600.0  # seconds without a look into the store after a notice, delivered or not


@dataclass(eq=False)
class WorkspaceMonitor:
    """Messages to admins about changes, refused keys and missing scopes; the store knows the notices that were sent.

    The app is reinstalled on the page `install_url`.
    """

    workspaces: Workspaces
    roles: RoleCache
    delivery: MessageDelivery
    tasks: Tasks
    readiness: Readiness
    _: KW_ONLY
    install_url: str

    def __post_init__(self) -> None:
        self._quiet: TTLCache[tuple[str, str], None] = TTLCache(MOST_QUIET, QUIET_PERIOD, timer=time.monotonic)
        self._lost: LRUCache[tuple[str, str], int] = LRUCache(MOST_QUIET)
        self._recording: set[tuple[str, int, KeyCheck]] = set()
        self._saving = asyncio.Lock()  # many new keys at once would wait for the database until their timeouts

    def notify_change(self, workspace: Workspace, message: Message, *also: str | None) -> None:
        """Notify the admins, and the people in `also`: the author of the change is one of them."""
        self.tasks.start(self._notify_all(workspace, message, also))

    async def _notify_all(self, workspace: Workspace, message: Message, also: tuple[str | None, ...]) -> bool:
        try:
            admins = await self._admins(workspace)
        except StoreError as error:
            _log.warning(
                "admin lookup failed; admins not notified", extra={"team": workspace.team_id, "why": str(error)}
            )
            admins = []
        user_ids = dict.fromkeys(user_id for user_id in (*also, *admins) if user_id)
        sent = [self.delivery.send_dm(workspace.team_id, user_id, message) for user_id in user_ids]
        return any(await asyncio.gather(*sent))

    async def _admins(self, workspace: Workspace, about: str = "") -> list[str]:
        """Return the recorded admins who can still be one, the last first, or the alert channel. Raises StoreError."""
        recorded = [] if about == _IN_VAIN else await self.workspaces.store.people.admins(workspace.team_id)
        roles = await asyncio.gather(*[self._role(workspace, user_id) for user_id in recorded])
        found = [user_id for user_id, role in zip(recorded, roles, strict=True) if role in POSSIBLE_ADMINS]
        return found or ([workspace.alerts_channel] if workspace.alerts_channel else [])

    async def _role(self, workspace: Workspace, user_id: str) -> Role:
        team_id = workspace.team_id
        return await self.roles.get(workspace, Actor(team_id, "", user_id, home_team_id=team_id))

    def record_list(self, workspace: Workspace, read: object) -> None:
        """Record what a read of a list of sessions says about the workspace's key."""
        key = workspace.anchor_key
        if isinstance(read, NotRead):
            if read.why is Unread.KEY_REJECTED:
                self._record_check(workspace, KeyCheck.REFUSED, read.status_code)
        elif key is not None and key.check is KeyCheck.REFUSED:
            self._record_check(workspace, KeyCheck.VERIFIED)

    def record_result(self, workspace: Workspace, outcome: Outcome) -> None:
        """Record the outcome of a request with the workspace's key."""
        if isinstance(outcome, KeyRejected):
            self._record_check(workspace, KeyCheck.REFUSED, outcome.status_code)
        elif isinstance(outcome, KeyTaken):
            self._record_check(workspace, KeyCheck.VERIFIED)

    def _record_check(self, workspace: Workspace, check: KeyCheck, status: int | None = None) -> None:
        key = workspace.anchor_key
        assert key is not None  # noqa: S101 - the request had it
        if not workspace.is_managed and check is KeyCheck.REFUSED:
            why = f"Anchor refuses ANCHOR_API_KEY (HTTP {status}). Set it to a valid key and restart the bot."
            self.readiness.degrade("anchor_key", why)
        elif not workspace.is_managed:
            self.readiness.recover("anchor_key")
        is_quiet = (workspace.team_id, _refused(workspace)) in self._quiet
        is_news = check is not key.check or (check is KeyCheck.REFUSED and not is_quiet)
        recording = (workspace.team_id, workspace.key_version, check)
        if is_news and recording not in self._recording:
            self._recording.add(recording)
            self.tasks.start(self._record(workspace, key, check))

    def report_missing_scope(self, workspace: Workspace) -> None:
        """Ask somebody to reinstall the app, because it lacks the scope `users:read`."""
        if (workspace.team_id, _SCOPE) not in self._quiet:
            message = reinstall_message(self.install_url)
            self.tasks.start(self._report(workspace, _SCOPE, workspace.installed_by, message))

    def report_wrong_tokens(self, workspace: Workspace) -> None:
        """Log that many alerts had wrong tokens, and tell an admin once a day."""
        if (workspace.team_id, _LOGGED) not in self._quiet:
            self._quiet[workspace.team_id, _LOGGED] = None
            _log.warning("many wrong alert tokens", extra={"team": workspace.team_id})
            self.tasks.start(self._report(workspace, _TOKENS, None, WRONG_TOKENS_MESSAGE))

    def report_in_vain(self, workspace: Workspace) -> None:
        """Tell the channel for alerts once a day if they are to pause sessions, and none can."""
        if workspace.pauses_in_vain and (workspace.team_id, _IN_VAIN) not in self._quiet:
            self.tasks.start(self._report(workspace, _IN_VAIN, None, in_vain_message(workspace)))

    def report_lost_alerts(self, workspace: Workspace, why: Lost, number: int, names: Iterable[str] = ()) -> None:
        """Tell admins, or the alert channel of the only workspace, of alerts without a card: at once, then daily."""
        about = (workspace.team_id, " ".join(("alerts:", why, *(names if why is Lost.TOO_LARGE else ()))))
        self._lost[about] = self._lost.get(about, 0) + number
        if about not in self._quiet:
            self._quiet[about] = None
            self.tasks.start(self._tell_lost(workspace, why, names, about))

    async def _tell_lost(self, workspace: Workspace, why: Lost, names: Iterable[str], about: tuple[str, str]) -> None:
        number = self._lost.pop(about)
        try:
            total = await self.workspaces.store.notices.claim(*about, _DAY, number=number)
            if not total or await self._tell_all(workspace, lost_message(why, total, names)):
                return
            _log.error("nobody could be notified", extra={"team": about[0], "about": about[1]})
            await self.workspaces.store.notices.release(*about)
        except StoreError as error:
            self._quiet.pop(about, None)
            _log.warning("notice not sent", extra={"team": about[0], "about": about[1], "why": str(error)})
        self._lost[about] = number + self._lost.get(about, 0)

    async def _tell_all(self, workspace: Workspace, message: Message) -> bool:
        if workspace.is_managed:
            return await self._notify_all(workspace, message, ())
        return await self.delivery.send_dm(workspace.team_id, workspace.alerts_channel or "", message)

    async def _record(self, workspace: Workspace, key: AnchorKey, check: KeyCheck) -> None:
        """Save the check of a key; if Anchor refuses it and nobody has replaced it, notify its setter, or an admin."""
        team_id, version = workspace.team_id, workspace.key_version
        try:
            await self._save(team_id, version, check)
            current = await self.workspaces.find_now(team_id) if check is KeyCheck.REFUSED else None
            if current is not None and current.key_version == version:
                if workspace.is_managed and key.check is not KeyCheck.REFUSED:
                    _log.warning("Anchor refuses the key", extra={"team": team_id})
                message = key_refused_message(key, by_admins=workspace.is_managed)
                await self._notify_once(workspace, _refused(workspace), key.set_by, message)
        except StoreError as error:
            _log.warning("key check not saved", extra={"team": team_id, "why": str(error)})

    async def _save(self, team_id: str, version: int, check: KeyCheck) -> None:
        """Save a check. Until then, the same one is no news. Raises StoreError."""
        try:
            async with self._saving:
                await self.workspaces.record_key_check(team_id, version, check)
        finally:
            self._recording.discard((team_id, version, check))

    async def _report(self, workspace: Workspace, about: str, first: str | None, message: Message) -> None:
        try:
            await self._notify_once(workspace, about, first, message)
        except StoreError as error:
            _log.warning("notice not sent", extra={"team": workspace.team_id, "about": about, "why": str(error)})

    async def _notify_once(self, workspace: Workspace, about: str, first: str | None, message: Message) -> None:
        """Send a notice once for all replicas; if that fails, it can be sent again later. Raises StoreError."""
        team_id = workspace.team_id
        if (team_id, about) in self._quiet:
            return
        self._quiet[team_id, about] = None
        try:
            admins = await self._admins(workspace, about)
            if not await self.workspaces.store.notices.claim(team_id, about, _AGAIN_AFTER.get(about)):
                return
            if not await self._notify(workspace, first, admins, message):
                _log.error("no admin could be notified", extra={"team": team_id, "about": about})
                await self.workspaces.store.notices.release(team_id, about)
        except StoreError:
            self._quiet.pop((team_id, about), None)
            raise

    async def _notify(self, workspace: Workspace, first: str | None, admins: Sequence[str], message: Message) -> bool:
        """Send to `first`; if they are no longer an admin, also send to one who is. Return whether anybody got it."""
        team_id, is_sent = workspace.team_id, False
        if first is not None and (role := await self._role(workspace, first)) not in LEFT:
            is_sent = await self.delivery.send_dm(team_id, first, message)
            if is_sent and role in POSSIBLE_ADMINS:
                return True
        for user_id in admins:
            if user_id != first and await self.delivery.send_dm(team_id, user_id, message):
                return True
        return is_sent


def _refused(workspace: Workspace) -> str:
    return f"key {workspace.key_version} refused"
