"""Authorize orders, and people who look at sessions."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.core import outcomes
from bot.core.fields import Secret
from bot.core.orders import Actor, Order, Person, Source, Verb, program_name
from bot.core.permissions import Role, check_policy, check_several
from bot.core.workspace import AutoPause, Workspace
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.notices import WorkspaceMonitor

_log = logging.getLogger(__name__)

END_LOOKUP = 3.0  # seconds for Slack to say who wants to end a session, which nothing undoes


@dataclass(frozen=True, slots=True)
class Access:
    """The workspace of a request, its Anchor key, and the person; to viewers `allowed` is what they can do there."""

    workspace: Workspace
    key: Secret
    person: Person
    allowed: frozenset[Verb] = frozenset()


@dataclass(eq=False, repr=False)
class OperatorAccess:
    """Authorization of orders of the command line: access to the settings and the database is enough.

    `find` returns the workspace with a team id, as it is now if the access is for a newer key.
    """

    find: Callable[[str], Awaitable[Workspace | None]]

    async def check(self, order: Order) -> Access | outcomes.Refusal:
        """Return the access to the workspace of an order, or the reason why there is none."""
        workspace = await _find_workspace(self.find, order.actor, order.verb)
        return _access(workspace, order.actor) if isinstance(workspace, Workspace) else workspace

    async def newer_key(self, access: Access) -> Access | None:
        """Return the access with the key that has replaced the one of `access`, if any. `find` reads the database."""
        used = access.workspace
        with suppress(StoreError):
            now = await self.find(used.team_id)
            if now is not None and now.anchor_key is not None and now.key_version != used.key_version:
                return replace(access, workspace=now, key=now.anchor_key.value)
        return None


@dataclass(eq=False, repr=False)
class AccessCheck:
    """Authorization of orders, by the workspace in the store, the role in Slack and `core.permissions`."""

    workspaces: Workspaces
    roles: RoleCache
    monitor: WorkspaceMonitor

    async def check(self, order: Order) -> Access | outcomes.Refusal:
        """Return the access that an order gets, or the reason for its refusal."""
        if order.source is Source.COMMAND_LINE:  # from the journal: its process was killed
            is_pause = order.verb is Verb.PAUSE
            find = self.workspaces.find_for_pause if is_pause else self.workspaces.find_now
            return await OperatorAccess(find).check(order)
        if order.source is Source.ALERT:
            return await self._check_alert(order)
        found = await self._find_person(order.actor, order.verb)
        if isinstance(found, outcomes.Refusal):
            return found
        workspace, role = found
        denial = check_policy(workspace.policy, order.verb, order.actor, role)
        return denial or _access(workspace, order.actor)

    async def newer_key(self, access: Access) -> Access | None:
        """Return the access with the key that has replaced a refused one, if any."""
        return await OperatorAccess(self.workspaces.find_now).newer_key(access)

    async def _check_alert(self, order: Order) -> Access | outcomes.Refusal:
        """Return the access of an alert, if its token may pause now, and by the mode of the workspace now."""
        workspace = await _find_workspace(self.workspaces.find_now, order.actor, order.verb)
        if not isinstance(workspace, Workspace):
            return workspace
        if workspace.auto_pause is AutoPause.OBSERVE:
            return outcomes.Refusal(outcomes.Why.OBSERVED)
        may_pause = workspace.lets_pause(program_name(order.actor.user_id) or "")
        return _access(workspace, order.actor) if may_pause else outcomes.Refusal(outcomes.Why.AUTO_PAUSE_OFF)

    async def check_viewer(self, actor: Actor) -> Access | outcomes.Refusal:
        """Return the access of a person who looks at the sessions, or why they see none.

        A view is in no conversation, so people who are allowed to pause in some see the sessions there, too.
        """
        found = await self._find_person(actor, Verb.PAUSE)
        if isinstance(found, outcomes.Refusal):
            return found
        workspace, role = found
        policy = workspace.policy
        denials = {verb: check_policy(policy, verb, actor, role) for verb in policy.rules}
        if (denial := denials[Verb.PAUSE]) and not (denial.why is outcomes.Why.NOT_HERE and not actor.channel_id):
            return denial
        return _access(workspace, actor, frozenset(verb for verb, denial in denials.items() if denial is None))

    async def check_several(self, actor: Actor) -> Access | outcomes.Refusal:
        """Return the access of a person who wants to pause several sessions at once where they are, or why not."""
        found = await self._find_person(actor, Verb.PAUSE)
        if isinstance(found, outcomes.Refusal):
            return found
        workspace, role = found
        denial = check_several(workspace.policy, actor, role)
        return denial or _access(workspace, actor)

    async def _find_person(self, actor: Actor, verb: Verb) -> tuple[Workspace, Role] | outcomes.Refusal:
        """Return the workspace and the role of a person, as fresh as the verb needs them. A pause waits for nothing."""
        find = self.workspaces.find_for_pause if verb is Verb.PAUSE else self.workspaces.find_now
        workspace = await _find_workspace(find, actor, verb)
        if not isinstance(workspace, Workspace):
            return workspace
        if verb is Verb.PAUSE:
            role = await self.roles.get_for_pause(workspace, actor)
        elif verb is Verb.END:
            role = await self.roles.fetch(workspace, actor, within=END_LOOKUP)
        else:
            role = await self.roles.get(workspace, actor)
        return workspace, role


def _access(workspace: Workspace, actor: Actor, allowed: frozenset[Verb] = frozenset()) -> Access | outcomes.Refusal:
    if workspace.anchor_key is None:
        return outcomes.Refusal(outcomes.Why.NO_KEY)
    return Access(workspace, workspace.anchor_key.value, actor.person, allowed)


async def _find_workspace(
    find: Callable[[str], Awaitable[Workspace | None]], actor: Actor, verb: Verb
) -> Workspace | outcomes.Refusal:
    """Return the workspace of an order, or why it is refused before anybody is asked who gave it."""
    try:
        workspace = await find(actor.team_id)
    except StoreError as error:
        _log.error("workspace lookup failed; request refused", extra={"team": actor.team_id, "why": str(error)})
        return outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE)
    if workspace is None:
        return outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE)
    if verb is Verb.END and workspace.policy.end is None:
        return outcomes.Refusal(outcomes.Why.END_OFF)
    return workspace
