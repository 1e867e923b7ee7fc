"""Change a workspace's Anchor key, and who can pause and resume with it, in which channels."""

from collections.abc import Callable

from bot.core import admin_outcomes as outcomes
from bot.core.fields import Secret
from bot.core.policy import Policy
from bot.core.workspace import AnchorKey, KeyCheck, Workspace, is_key
from bot.messages.settings import key_removed_message, key_set_message, policy_message
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.store.workspace_rows import WorkspaceRows
from bot.usecases.admin_notifier import AdminNotifier


class KeyChanges:
    """Changes to the key by the admin `user_id`, who has seen `expected_version`. Every method can raise StoreError.

    `now` returns Unix seconds.
    """

    def __init__(
        self, anchor: AnchorClient, rows: WorkspaceRows, notifier: AdminNotifier, now: Callable[[], float]
    ) -> None:
        self._anchor = anchor
        self._rows = rows
        self._notifier = notifier
        self._now = now

    async def set(
        self, workspace: Workspace, user_id: str, text: Secret, *, expected_version: int, allow_unverified: bool
    ) -> outcomes.KeyOutcome:
        """Verify a key with Anchor, and save it; save an unverified key only with `allow_unverified`."""
        value = Secret(text.reveal().strip())
        if not is_key(value.reveal()):
            return outcomes.NotAKey()
        problem = await self._anchor.try_key(value)
        if problem is not None and not (allow_unverified and isinstance(problem, outcomes.NewKeyUnverified)):
            return problem
        check = KeyCheck.VERIFIED if problem is None else KeyCheck.UNVERIFIED
        key = AnchorKey(value, check, user_id, int(self._now()))
        saved = outcomes.KeySaved(key.ending, check)
        team_id, before = workspace.team_id, workspace.anchor_key
        if not await self._rows.set_key(team_id, key, if_version=expected_version):
            return outcomes.explain_conflict(await self._rows.find(team_id), lambda now: _has(now, key)) or saved
        previous_setter = before.set_by if before else None
        self._notifier.notify_change(workspace, key_set_message(user_id, key, before), user_id, previous_setter)
        return saved

    async def remove(self, workspace: Workspace, user_id: str, *, expected_version: int) -> outcomes.RemovalOutcome:
        """Delete the key."""
        team_id, key = workspace.team_id, workspace.anchor_key
        if key is None or not await self._rows.remove_key(team_id, if_version=expected_version):
            conflict = outcomes.explain_conflict(await self._rows.find(team_id), lambda now: now.anchor_key is None)
            return conflict or outcomes.KeyRemoved("")
        self._notifier.notify_change(workspace, key_removed_message(user_id, key), user_id, key.set_by)
        return outcomes.KeyRemoved(key.ending)


def _has(workspace: Workspace, key: AnchorKey) -> bool:
    """Return whether the workspace has this key, set by the same person."""
    held = workspace.anchor_key
    return held is not None and (held.value, held.set_by) == (key.value, key.set_by)


class PolicyChanges:
    """Changes to the policy by the admin `user_id`."""

    def __init__(self, rows: WorkspaceRows, notifier: AdminNotifier) -> None:
        self._rows = rows
        self._notifier = notifier

    async def set(
        self, workspace: Workspace, user_id: str, policy: Policy, *, expected_version: int
    ) -> outcomes.PolicyOutcome:
        """Save a policy if the stored version is `expected_version`, which the admin has seen. Raises StoreError."""
        team_id = workspace.team_id
        if not await self._rows.set_policy(team_id, policy, if_version=expected_version):
            now = await self._rows.find(team_id)
            return outcomes.explain_conflict(now, lambda found: found.policy == policy) or outcomes.PolicySaved()
        self._notifier.notify_change(workspace, policy_message(user_id, policy), user_id)
        return outcomes.PolicySaved()
