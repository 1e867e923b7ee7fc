"""Check whether an order is allowed, and find the key to send it with."""

import logging
from dataclasses import dataclass

from bot.core.outcomes import NoKey, Refusal, StoreUnavailable, WrongWorkspace
from bot.core.policy import Role, check_policy
from bot.core.requests import Order, Person, Verb
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.slack.roles import RoleCache
from bot.outbound.workspaces import StoreError, Workspaces
from bot.usecases.workspace_monitor import WorkspaceMonitor

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """The workspace of an order, its Anchor key at that moment, and who gave it."""

    workspace: Workspace
    key: Secret
    person: Person


class AccessCheck:
    """Authorization of orders, by the workspace in the store, the role in Slack and `core.policy`."""

    def __init__(self, workspaces: Workspaces, roles: RoleCache, monitor: WorkspaceMonitor) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._monitor = monitor

    async def check(self, order: Order) -> Access | Refusal:
        """Return the access that an order gets, or the reason for its refusal."""
        actor = order.actor
        try:
            workspace = await self._workspaces.find(actor.team_id)
        except StoreError as error:
            _log.error("workspace lookup failed; order refused", extra={"team": actor.team_id, "why": str(error)})
            return StoreUnavailable()
        if workspace is None:
            return WrongWorkspace()
        get_role = self._roles.get_for_pause if order.verb is Verb.PAUSE else self._roles.get_fresh
        role = await get_role(workspace, actor)
        if role is Role.SCOPE_MISSING:
            self._monitor.report_missing_scope(workspace)
        if denial := check_policy(workspace.policy, order.verb, actor, role, workspace.enterprise_id):
            return denial
        if workspace.anchor_key is None:
            return NoKey(can_set=role is Role.ADMIN, scope_missing=role is Role.SCOPE_MISSING)
        return Access(workspace, workspace.anchor_key.value, actor.person)
