"""All that a person does with the app's Home tab and its modals."""

from collections.abc import Mapping, Sequence

from bot.sim.slack.delivery import Delivery
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.events import Events
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.platform import Platform
from bot.sim.slack.views.acts import Acts, Target
from bot.sim.slack.views.filling import filled
from bot.sim.slack.views.homes import Homes
from bot.sim.slack.views.persons import Persons
from bot.sim.slack.views.submissions import Submissions
from bot.sim.slack.views.view import View


class Surfaces:
    """Always acts on a view as it is now; NotPossibleError if the person does not see it any more."""

    def __init__(self, platform: Platform, dispatch: Dispatch, events: Events) -> None:
        self._platform = platform
        self.persons = Persons(platform)
        self.homes = Homes(platform, events, self.persons)
        interactions = Interactions(platform, dispatch)
        self._acts = Acts(platform, interactions, self.persons)
        self._submissions = Submissions(platform, interactions, self.persons)

    async def act(
        self,
        user_id: str,
        view: View,
        target: Target,
        choice: str | Sequence[str] | None,
        overrides: Mapping[str, object],
    ) -> Delivery:
        """Click or choose."""
        return await self._acts.act(self.persons.visible(user_id, view), target, choice, overrides)

    def fill(self, user_id: str, view: View, block_id: str, value: str | Sequence[str]) -> View:
        """Type or choose in an input."""
        present = self.persons.visible(user_id, view)
        workspace, user = self.persons.workspace_and_user(present)
        return self._platform.views.put(filled(workspace, user, present, block_id, value))

    async def submit(
        self,
        user_id: str,
        view: View | None,
        values: Mapping[str, str | Sequence[str]],
        overrides: Mapping[str, object],
    ) -> Delivery:
        """Fill in and submit."""
        present = self.persons.visible(user_id, view)
        for block_id, value in values.items():
            present = self.fill(user_id, present, block_id, value)
        return await self._submissions.submit(present, overrides)

    def close(self, user_id: str, view: View | None, *, clear: bool) -> None:
        """Cancel."""
        self._submissions.close(self.persons.visible(user_id, view), clear=clear)
