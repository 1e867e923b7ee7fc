"""The actions of a person in the app's Home tab and in its modals."""

from collections.abc import Awaitable, Callable, Mapping

from bot.demo.page.fields import BadOrderError, Order, choice, entries, text
from bot.demo.people import Person
from bot.sim.slack import SimSlack, View


class ViewOrders:
    """Carries out the orders of one person; `kinds` has them by name."""

    def __init__(self, slack: SimSlack, person: Person) -> None:
        self._slack = slack
        self._person = person
        self.kinds: Mapping[str, Callable[[Order], Awaitable[None]]] = {
            "open_home": self._open_home,
            "act": self._act,
            "submit": self._submit,
            "close": self._close,
        }

    async def _open_home(self, order: Order) -> None:
        """Turn to a tab of the app's, "home" or "messages"."""
        await self._slack.open_home(self._person.user, self._person.workspace, tab=text(order, "tab"))

    async def _act(self, order: Order) -> None:
        """Press a button, or make a choice that the app gets immediately: `block` and `action` say where."""
        action, block = text(order, "action"), text(order, "block")
        await self._slack.act(self._person.user, self._view(order), action, choice(order, "choice"), block_id=block)

    async def _submit(self, order: Order) -> None:
        """Submit the modal; `values` has the typed and chosen values by block_id."""
        await self._slack.submit(self._person.user, self._view(order), entries(order, "values"))

    async def _close(self, order: Order) -> None:
        """Cancel; with `clear` everything that lies below as well."""
        await self._slack.close(self._person.user, self._view(order), clear=order.get("clear") is True)

    def _view(self, order: Order) -> View:
        user, workspace = self._person.user, self._person.workspace
        seen = (self._slack.home_of(user, workspace), *self._slack.modals_of(user, workspace))
        view = next((one for one in seen if one is not None and one.id == text(order, "view")), None)
        if view is None:
            raise BadOrderError("What that was in is gone.")
        return view
