"""The app's Home tab: what it shows a person."""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass

from bot.core.history import HistoryFilter
from bot.core.policy import Role, can_pause
from bot.core.requests import Actor
from bot.core.sessions import Overview
from bot.core.workspace import Workspace
from bot.messages.blocks import Block
from bot.messages.home import MOST_IN_HOME, Home, LastOrders, home_view
from bot.messages.sessions import list_blocks
from bot.outbound.slack.client import SlackClient, ViewResult
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.marks import SenderUse
from bot.outbound.workspaces import Workspaces
from bot.runtime import KeyedLocks
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.sessions import SessionLists

_log = logging.getLogger(__name__)

_GAP_WAIT = 0.3  # seconds for which Home waits to know about the audit trail
_ANCHOR_WAIT = 1.5  # seconds; then Home shows that Anchor is slow, and its button reads again


@dataclass(eq=False)
class HomeView:
    """Publisher of Home, one view at a time per person: the newest is last. `install_url` is "" without OAuth."""

    workspaces: Workspaces
    roles: RoleCache
    slack: SlackClient
    monitor: WorkspaceMonitor
    history: OrderHistory
    lists: SessionLists
    sender_use: SenderUse
    dashboard_url: str
    install_url: str

    def __post_init__(self) -> None:
        self._locks = KeyedLocks()

    async def publish(self, actor: Actor, *, notice: str = "", view_hash: str | None = None) -> bool:
        """Publish a person's Home, and return whether that succeeded; never raises.

        `view_hash` is that of the view the person saw. If another replica has changed it since, publish once more.
        """
        async with self._locks.get((actor.team_id, actor.user_id)):
            try:
                result = await self._publish(actor, notice, view_hash)
                if result is ViewResult.CONFLICT:
                    result = await self._publish(actor, notice, None)
            except StoreError as error:
                _log.error("database error; Home not updated", extra={"team": actor.team_id, "why": str(error)})
                return False
            except Exception:  # noqa: BLE001 - nobody waits for this, so nobody else would log it
                _log.exception("Home not updated", extra={"team": actor.team_id, "user": actor.user_id})
                return False
        return result is ViewResult.SHOWN

    async def _publish(self, actor: Actor, notice: str, view_hash: str | None) -> ViewResult:
        workspace = await self.workspaces.find(actor.team_id, max_age=0.0)  # an admin sees a change at once
        if workspace is None:
            return ViewResult.FAILED
        role = await self.roles.fetch(workspace, actor)  # not cached: a new admin sees the controls at once
        if role is Role.UNKNOWN:
            role = await self.roles.get_for_pause(workspace, actor)
        if role is Role.SCOPE_MISSING:
            self.monitor.report_missing_scope(workspace)
        last: LastOrders | None = None
        sessions: tuple[Block, ...] = ()
        if can_pause(workspace.policy, actor, role, workspace.enterprise_id):
            last, sessions = await asyncio.gather(self._last_orders(workspace, actor, role), self._sessions(actor))
        used = await self._tokens_used(workspace) if role is Role.ADMIN and workspace.alert_tokens else {}
        about_app = used, self.install_url, role is Role.ADMIN and await self._has_gap(workspace)
        home = Home(workspace, role, secrets.token_hex(4), notice, sessions, last, *about_app)
        result = await self.slack.publish_home(workspace.bot_token, actor.user_id, home_view(home), view_hash=view_hash)
        if role is Role.ADMIN and result is ViewResult.SHOWN:
            try:
                await self.workspaces.store.people.record_admin(actor.team_id, actor.user_id, time.time())
            except StoreError as error:
                _log.warning("admin not recorded", extra={"team": actor.team_id, "why": str(error)})
        return result

    async def _has_gap(self, workspace: Workspace) -> bool:
        gap = self.workspaces.store.audit.gap(workspace.team_id)
        return bool(await or_default(gap, "", within=_GAP_WAIT))

    async def _tokens_used(self, workspace: Workspace) -> dict[str, float | None]:
        use = await self.sender_use.find(workspace.team_id)
        return {one.name: use.last(one) for one in workspace.alert_tokens}

    async def _sessions(self, actor: Actor) -> tuple[Block, ...]:
        found = await self.lists.overview(actor, within=_ANCHOR_WAIT)
        if not isinstance(found, Overview):
            return ()
        return tuple(list_blocks(found, dashboard_url=self.dashboard_url))

    async def _last_orders(self, workspace: Workspace, actor: Actor, role: Role) -> LastOrders:
        chosen = HistoryFilter(team_id=workspace.team_id, folds=True)
        found = await self.history.newest_in_time(chosen, most=MOST_IN_HOME)
        orders = None if found is None else tuple(found)
        return LastOrders(orders, actor.user_id, is_admin=role is Role.ADMIN)
