"""One page that is open: it gets what it shows at every change, and its orders are executed."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Mapping

from aiohttp import web

from bot.demo.page.orders import Orders
from bot.demo.page.views import Json, demo_view, slack_view
from bot.demo.people import Person
from bot.demo.runner import DemoRunner
from bot.sim.change_event import ChangeEvent


class Connection:
    """Frames are JSON objects. To the page: {"slack": view}, {"demo": view} and {"done": id, "problem": sentence}.

    {"run": number} says which demo that is. After a reset it is another one, and the page loads itself again.
    From it: {"id": number, "do": kind, …}, one of `Orders`; each is answered by a "done", in no certain order.
    """

    def __init__(self, runner: DemoRunner, person: Person, socket: web.WebSocketResponse) -> None:
        demo = runner.demo
        self._socket = socket
        self._orders = Orders(runner, person)
        self._change_events = {
            "run": runner.change_event,
            "slack": demo.sandbox.slack.platform.change_event,
            "demo": demo.sandbox.anchor.change_event,
        }
        self._views: Mapping[str, Callable[[], Json | int]] = {
            "run": lambda: runner.number,
            "slack": lambda: slack_view(demo.sandbox, person),
            "demo": lambda: demo_view(demo, person),
        }
        self._shown: dict[str, Json | int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def hold(self) -> None:
        """Serve the page until it is closed, and then until what it ordered is done: Slack sends a click to its end."""
        pushes = [asyncio.create_task(self._push(name, event)) for name, event in self._change_events.items()]
        try:
            async for frame in self._socket:
                self._start(self._execute(frame.data))
        finally:
            for push in pushes:
                push.cancel()
            await asyncio.gather(*pushes, *self._tasks, return_exceptions=True)

    async def _push(self, name: str, change_event: ChangeEvent) -> None:
        async for view in change_event.watch(self._views[name]):
            await self._show(name, view)

    async def _show(self, name: str, view: Json | int) -> None:
        if self._shown.get(name) != view:
            self._shown[name] = view
            await self._send({name: view})

    async def _execute(self, frame: str | bytes) -> None:
        try:
            order = json.loads(frame)
            number = order["id"]
        except (ValueError, TypeError, KeyError):
            return  # nobody waits for an answer to it
        problem = await self._orders.execute(order)
        await self._show("slack", self._views["slack"]())  # the outcome is shown before the order counts as done
        await self._send({"done": number, "problem": problem})

    async def _send(self, frame: dict[str, object]) -> None:
        with contextlib.suppress(ConnectionError):  # the page was closed
            await self._socket.send_json(frame)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
