"""`anchor-bot demo`: the page, until somebody ends it."""

import asyncio
import os
import signal
import sys
import webbrowser
from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import TextIO

from bot.demo.bot_process import BotFailedError
from bot.demo.page.server import NotServedError, page
from bot.demo.runner import DemoRunner


async def serve(out: TextIO, *, port: int, browser: bool, changes: Mapping[str, str] = MappingProxyType({})) -> int:
    """Serve the page at `port` (0: any free one) until cancelled, and return the exit code if it can't be served.

    The page is there at once, and shows that the bot starts. `browser` says whether to open one, if there is a screen;
    `changes` goes to `DemoRunner`.
    """
    runner = DemoRunner(changes)
    try:
        async with page(runner, port) as url:
            print(f"The demo is at {url}\nEnd it with Ctrl-C.", file=out, flush=True)
            opening = asyncio.create_task(_open(url, browser=browser))
            try:
                async with runner:
                    return await asyncio.Future[int]()
            finally:
                opening.cancel()
    except BotFailedError as error:
        print(error, file=out)
        return 1
    except NotServedError as error:
        print(f"--port {port} can't be listened on ({error}): name another one, or leave it out.", file=out)
        return 1


async def until_signal(work: Coroutine[None, None, int]) -> int:
    """Run `work`, which the first SIGINT, SIGTERM or SIGHUP cancels: then all that it has started is stopped.

    Return its exit code, or 0 after a signal. Raises KeyboardInterrupt after Ctrl-C.
    """
    working, received = asyncio.ensure_future(work), list[signal.Signals]()

    def end(number: signal.Signals) -> None:
        if not received:
            working.cancel()
        received.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    await asyncio.wait({working})
    if not received:
        return working.result()
    if received[0] is signal.SIGINT:
        raise KeyboardInterrupt
    return 0


async def _open(url: str, *, browser: bool) -> None:
    # without a screen, webbrowser would take over the terminal with lynx
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if browser and has_screen:
        await asyncio.to_thread(webbrowser.open, url)
