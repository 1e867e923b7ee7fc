"""The orders of the page: a person's actions in Slack, the switches, and the reset."""

from collections.abc import Awaitable, Callable, Mapping

from bot.demo.bot_process import BotFailedError
from bot.demo.page.fields import BadOrderError, Order, text
from bot.demo.page.view_orders import ViewOrders
from bot.demo.people import Person
from bot.demo.runner import DemoRunner
from bot.sim.slack import Message, NotPossibleError


class Orders:
    """Carries out the orders of one person."""

    def __init__(self, runner: DemoRunner, person: Person) -> None:
        self._runner = runner
        self._demo = runner.demo
        self._agents = self._demo.agents_at(person.workspace)
        self._slack = self._demo.sandbox.slack
        self._user = person.user
        self._workspace = person.workspace
        self._kinds: Mapping[str, Callable[[Order], Awaitable[str | None]]] = {
            "enter": self._enter,
            "click": self._click,
            "press": self._press,
            "shortcut": self._use_shortcut,
            "global_shortcut": self._use_global_shortcut,
            "switch": self._switch,
            "alert": self._alert,
            "storm": self._raise_storm,
            "auto_pause": self._choose_auto_pause,
            "end": self._end,
            "restart": self._restart,
            "reset": self._reset,
            **ViewOrders(self._slack, person).kinds,
        }

    async def execute(self, order: Order) -> str:
        """Do what was asked, and return what went wrong, in a sentence; nothing if all went well."""
        try:
            kind = self._kinds.get(text(order, "do"))
            return "There is no such order." if kind is None else await kind(order) or ""
        except BadOrderError as error:
            return str(error)
        except NotPossibleError as error:
            return f"Slack does not let you: {error}."
        except BotFailedError as error:
            return str(error)
        except KeyError as missing:
            return f"There is no {missing} here."

    async def _enter(self, order: Order) -> None:
        """Enter a line in the composer of a channel, or of a thread in it."""
        thread_ts = text(order, "thread_ts") or None
        await self._slack.enter(self._user, text(order, "channel"), text(order, "line"), thread_ts=thread_ts)

    async def _click(self, order: Order) -> None:
        """Click a Block Kit button: its `block` is the block_id, its `action` the action_id. A menu has a `choice`."""
        action, block, value = text(order, "action"), text(order, "block"), text(order, "choice") or None
        await self._slack.click(self._user, self._message(order), action, value=value, block_id=block)

    async def _press(self, order: Order) -> None:
        """Click a legacy button: its `block` is the attachment's id, its `action` the action's."""
        attachment_id, action_id = text(order, "block"), text(order, "action")
        if not attachment_id.isdecimal():
            raise BadOrderError("An attachment has a number.")
        await self._slack.press(self._user, self._message(order), int(attachment_id), action_id)

    async def _use_shortcut(self, order: Order) -> None:
        """Choose a shortcut in the menu of a message: `shortcut` is its callback_id."""
        await self._slack.use_shortcut(self._user, self._message(order), text(order, "shortcut"))

    async def _use_global_shortcut(self, order: Order) -> str:
        """Use a global shortcut: its `name` is the callback_id."""
        delivery = await self._slack.use_global_shortcut(self._user, text(order, "name"), self._workspace)
        return "" if delivery.ack else "Sorry, that didn't work. Try again?"

    async def _switch(self, order: Order) -> None:
        await self._demo.switches.set(text(order, "name"), on=order.get("on") is True)

    async def _alert(self, order: Order) -> str:
        return await self._demo.raise_alert(text(order, "session_id"))

    async def _raise_storm(self, _: Order) -> str:
        return await self._demo.raise_storm()

    async def _choose_auto_pause(self, order: Order) -> str:
        return await self._demo.auto_pause.choose(text(order, "mode"))

    async def _end(self, order: Order) -> None:
        self._agents.end(text(order, "session_id"))

    async def _restart(self, order: Order) -> None:
        self._agents.restart(text(order, "session_id"))

    async def _reset(self, _: Order) -> None:
        await self._runner.begin()

    def _message(self, order: Order) -> Message:
        channel, ts = text(order, "channel"), text(order, "ts")
        message = next((one for one in self._slack.seen_by(self._user, channel) if one.ts == ts), None)
        if message is None:
            raise BadOrderError("The message is gone.")
        return message
