"""Change who can pause and resume, and in which channels."""

from typing import TYPE_CHECKING

from bot.core.admin_outcomes import PolicyOutcome, PolicySaved, explain_conflict
from bot.core.policy import Policy
from bot.core.workspace import Workspace
from bot.messages.admin_notices import policy_message
from bot.usecases.admin_notifier import AdminNotifier

if TYPE_CHECKING:  # a bot of one workspace loads no database
    from bot.outbound.store.workspace_rows import WorkspaceRows


class PolicyChanges:
    """Changes to the policy by the admin `user_id`."""

    def __init__(self, rows: "WorkspaceRows", notifier: AdminNotifier) -> None:
        self._rows = rows
        self._notifier = notifier

    async def set(self, workspace: Workspace, user_id: str, policy: Policy, *, expected_version: int) -> PolicyOutcome:
        """Save a policy if the stored version is `expected_version`, which the admin has seen. Raises StoreError."""
        team_id = workspace.team_id
        if not await self._rows.set_policy(team_id, policy, if_version=expected_version):
            return explain_conflict(await self._rows.find(team_id), lambda now: now.policy == policy) or PolicySaved()
        self._notifier.notify_change(workspace, policy_message(user_id, policy), user_id)
        return PolicySaved()
