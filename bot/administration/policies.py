"""An admin says who may pause and resume, and where."""

from typing import TYPE_CHECKING

from bot.administration.herald import Herald
from bot.administration.rights import Rights
from bot.core.administration import PolicyOutcome, PolicySaved
from bot.core.messages.changes import policy_message
from bot.core.policy import Policy
from bot.core.requests import Asker
from bot.core.workspace import Workspace

if TYPE_CHECKING:  # a bot of one workspace needs no database
    from bot.outbound.store.configuration import Configuration


class Policies:
    """Changes policies. May raise StoreError."""

    def __init__(self, rights: Rights, configuration: "Configuration", herald: Herald) -> None:
        self._rights = rights
        self._configuration = configuration
        self._herald = herald

    async def set(self, asker: Asker, policy: Policy, *, seen: int) -> PolicyOutcome:
        """Keep a policy, where the workspace's is still that of the version `seen`."""
        workspace = await self._rights.granted(asker)
        if not isinstance(workspace, Workspace):
            return workspace
        if not await self._configuration.set_policy(asker.team_id, policy, if_version=seen):
            return await self._rights.missed(asker, unless=lambda now: now.policy == policy) or PolicySaved()
        self._herald.announce(workspace, policy_message(asker.user_id, policy), asker.user_id)
        return PolicySaved()
