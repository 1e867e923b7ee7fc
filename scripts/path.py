"""Print the files of bot/ that a command, a click, an alert and a key change enter, from a trace of the running bot.

A path is the task of the request, with those that it starts; other tasks that run meanwhile do not count. Files of
`core` and `messages` are printed, and do not count. A key change has two consequences that nobody waits for: direct
messages to the admins, and a fresh Home. Each begins with a function of FOLLOW_UPS in a task of its own, and is a path
of its own.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType

import bot
from bot.inbound import http
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.views import HomeView
from harness.bots import Tenant, many_workspaces, single_workspace
from harness.conversation import post_json

PACKAGE = f"{Path(bot.__file__).parent}/"

NOTICE, HOME = "notice to the admins", "Home after the change"

LIMITS = {"command": 25, "click": 26, "alert": 15, "key change": 20, NOTICE: 14, HOME: 23}
"""The most files outside `core` and `messages`."""

FOLLOW_UPS = {WorkspaceMonitor._notify_all.__code__: NOTICE, HomeView.publish.__code__: HOME}  # noqa: SLF001 - not called
"""The functions that begin a path of their own, with all that they call, await and start."""

REQUEST = http._track_request.__code__  # noqa: SLF001 - not called
"""The function that begins the path of each request."""

_entered: ContextVar[dict[str, None] | None] = ContextVar("_entered", default=None)
"""The files of the path that the task is part of."""

_SETTLED = 1.0  # seconds, for what a request has started
_TOKEN = "s3cret-of-the-path-1234567890"


class Trace:
    """The files of bot/ that a request enters, in order, and those of follow-ups; `sim` and `demo` do not count."""

    def __init__(self, name: str) -> None:
        self._beginnings = {REQUEST: name} | FOLLOW_UPS
        self.files: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note the file of a call."""
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(PACKAGE):
            return
        if path := self._beginnings.get(frame.f_code):
            _entered.set(self.files[path])  # for this task, and for each that it starts
        relative, entered = name.removeprefix(PACKAGE), _entered.get()
        if entered is not None and relative.split("/")[0] not in {"sim", "demo"}:
            entered.setdefault(relative)


@asynccontextmanager
async def traced(paths: dict[str, list[str]], name: str) -> AsyncIterator[None]:
    """Record the files that a request enters under a name, and those of follow-ups under theirs."""
    trace = Trace(name)
    sys.setprofile(trace)
    try:
        yield
        await asyncio.sleep(_SETTLED)
    finally:
        sys.setprofile(None)
    paths.update({path: list(files) for path, files in trace.files.items()})


async def trace_all() -> dict[str, list[str]]:
    """Trace each of the four once, after one of its kind, so that nothing is loaded or connected for the first time."""
    paths: dict[str, list[str]] = {}
    async with single_workspace(ALERTS_TOKEN=_TOKEN, ALERTS_CHANNEL="C0ALERTS001") as at:
        await at.command()
        async with traced(paths, "command"):
            await at.command()
        await at.click()
        await at.wait_for_messages(3)
        async with traced(paths, "click"):
            await at.click()
        alert = {"session_id": at.session, "text": "It spends too fast."}
        async with traced(paths, "alert"):
            await post_json(f"{at.bot.url}/alerts", alert, headers={"Authorization": f"Bearer {_TOKEN}"})
    with tempfile.TemporaryDirectory() as directory:
        async with many_workspaces(f"sqlite:///{directory}/bot.db") as many:
            team = await Tenant.open(many, with_key=True)
            await team.open_home()
            await team.open_modal("anchor_set_key")
            await asyncio.sleep(0.3)  # until what opening it started has ended
            async with traced(paths, "key change"):
                await team.submit({"key": team.key})
    return paths


def counted(files: Iterable[str]) -> list[str]:
    """Those that a reader has to follow."""
    return [name for name in files if name.split("/")[0] not in {"core", "messages"}]


def main() -> int:
    """Print the paths. Return 1 if one is too long."""
    paths = asyncio.run(trace_all())
    for name, files in paths.items():
        sys.stdout.write(f"{name}: {len(counted(files))} files outside core and messages (at most {LIMITS[name]})\n")
        sys.stdout.writelines(f"  {file}\n" for file in files)
    return max(len(counted(files)) > LIMITS[name] for name, files in paths.items())


if __name__ == "__main__":
    sys.exit(main())
