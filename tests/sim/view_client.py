"""Opens and publishes views for Alice, as an app does."""

from bot.sim.slack import SimSlack, View
from harness.blocks import Block
from harness.samples import Json
from sim.api_client import Api


class ViewClient:
    """Shows views by the Web API, and returns them as people see them."""

    def __init__(self, slack: SimSlack, api: Api) -> None:
        self._slack = slack
        self.api = api

    async def trigger(self) -> str:
        """The trigger id of a command that Alice types."""
        return (await self._slack.command(self._slack.alice, self._slack.alerts)).trigger_id

    async def open(self, view: Block) -> View:
        return self.named(await self.api.call("views.open", trigger_id=await self.trigger(), view=view))

    async def publish(self, view: Block) -> View:
        return self.named(await self.api.call("views.publish", user_id=self._slack.alice.id, view=view))

    async def update(self, view: View, shown: Block) -> View:
        return self.named(await self.api.call("views.update", view_id=view.id, view=shown))

    def named(self, answer: Json) -> View:
        """The view of an answer of the Web API, as it is now."""
        assert answer["ok"] is True, answer
        return self.current(answer["view"]["id"])

    def current(self, view_id: str) -> View:
        view = self._slack.platform.views.find(view_id)
        assert view is not None
        return view

    @property
    def top(self) -> View:
        """The modal that Alice sees."""
        view = self._slack.modal_of(self._slack.alice)
        assert view is not None
        return view
