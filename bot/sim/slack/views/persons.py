"""Whose Home tab and modals they are, and what the client does not let a person do with them."""

from bot.sim.slack.platform import Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.views.open_views import Owner
from bot.sim.slack.views.view import View
from bot.sim.slack.workspace import User, Workspace


class Persons:
    """Looks people and their views up."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def workspace_of(self, user_id: str) -> Workspace:
        """Return the first workspace of which this person is a member, else one that knows them from outside."""
        known = [workspace for workspace in self._platform.workspaces.values() if user_id in workspace.users]
        if not known:
            raise KeyError(user_id)
        own = (workspace for workspace in known if self._platform.is_colleague(workspace, workspace.users[user_id]))
        return next(own, known[0])

    def home(self, user_id: str, workspace: Workspace | None) -> View | None:
        """Return what the Home tab shows; None if nothing was ever published."""
        there = workspace or self.workspace_of(user_id)
        return self._platform.views.home(Owner(there.team_id, user_id))

    def modals(self, user_id: str, workspace: Workspace | None) -> tuple[View, ...]:
        """Return the stack, the visible one last; without a workspace those of the first that has some."""
        everywhere = [workspace] if workspace else self._platform.workspaces.values()
        stacks = (self._platform.views.modals(Owner(there.team_id, user_id)) for there in everywhere)
        return next((stack for stack in stacks if stack), ())

    def visible(self, user_id: str, view: View | None) -> View:
        """Return a view as it is now, or the visible modal; NotPossibleError if this person does not see it."""
        if view is None:
            present = next(reversed(self.modals(user_id, None)), None)
        else:
            present = self._platform.views.find(view.id)
        if present is None:
            raise NotPossibleError("the view is gone" if view else "no modal is open")
        if present.user_id != user_id:
            raise NotPossibleError("this person does not see the view")
        self.workspace_and_user(present)
        if not self._is_on_top(present):
            raise NotPossibleError("another view lies on it")
        return present

    def workspace_and_user(self, view: View) -> tuple[Workspace, User]:
        """Return whose app the view is, and who has it; NotPossibleError for somebody who was deactivated."""
        workspace = self._platform.workspaces[view.team_id]
        user = workspace.users[view.user_id]
        if user.deleted:
            raise NotPossibleError("a deactivated person can't log in")
        return workspace, user

    def _is_on_top(self, view: View) -> bool:
        return view.type == "home" or self._platform.views.modals(Owner(view.team_id, view.user_id))[-1].id == view.id
