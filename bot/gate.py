"""Whether an order goes on to Anchor, and what is learnt of the key that it went with."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.core.outcomes import AnchorOutcome, KeyRejected, NoKey, Refusal, StoreFailed, WrongWorkspace
from bot.core.policy import Role, judge
from bot.core.requests import Order
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.roles import Roles
from bot.outbound.workspaces import StoreError, Workspaces
from bot.watch import Watch

_log = logging.getLogger(__name__)


class Gate:
    """Asks the store whose an order is, and Slack who gives it; `core.policy` decides."""

    def __init__(self, workspaces: Workspaces, roles: Roles, watch: Watch) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._watch = watch

    async def admit(self, order: Order) -> tuple[Workspace, Secret] | Refusal:
        """The workspace and the key that the order may use, or why it may not."""
        asker = order.asker
        try:
            workspace = await self._workspaces.find(asker.team_id)
        except StoreError as error:
            _log.error("a workspace can't be looked up", extra={"team": asker.team_id, "why": str(error)})
            return StoreFailed()
        if workspace is None:
            return WrongWorkspace()
        role = await self._roles.of(workspace.bot_token, asker)
        if role is Role.UNREADABLE:
            self._watch.unreadable(workspace)
        if denial := judge(workspace.policy, order.verb, asker, role):
            return denial
        if workspace.anchor_key is None:
            return NoKey(may_set=role is Role.ADMIN, unreadable=role is Role.UNREADABLE)
        return workspace, workspace.anchor_key.value

    def learn(self, workspace: Workspace, attempts: Sequence[AnchorOutcome]) -> list[AnchorOutcome]:
        """What came of attempts with the workspace's key; where Anchor refused it, of which, and who can mend it."""
        self._watch.used(workspace, attempts[-1])
        by_admins, version = workspace.is_managed, workspace.key_version
        return [
            replace(one, by_admins=by_admins, key_version=version) if isinstance(one, KeyRejected) else one
            for one in attempts
        ]
