"""Print the files of bot/ that a command, a click, an alert and a key change enter, from a trace of the running bot."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

import bot
from harness.administration import AdminHarness
from harness.conversation import post_json
from harness.many_workspaces import many_workspaces
from harness.single_workspace import single_workspace

PACKAGE = Path(bot.__file__).parent

LIMITS = {"command": 18, "click": 20, "alert": 11, "key change": 20}
"""The most files outside `core` and `messages`."""

_TOKEN = "s3cret-of-the-path-1234567890"


class Trace:
    """The files of bot/ that are entered, in order; `sim` and `demo` do not count."""

    def __init__(self) -> None:
        self.files: dict[str, None] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            relative = path.relative_to(PACKAGE)
            if relative.parts[0] not in {"sim", "demo"}:
                self.files.setdefault(str(relative))

    async def of(self, settled: float = 0.3) -> AsyncIterator[None]:
        """Trace inside the block, and until what it started has ended."""
        sys.setprofile(self)
        try:
            yield
            await asyncio.sleep(settled)
        finally:
            sys.setprofile(None)


@asynccontextmanager
async def traced(paths: dict[str, list[str]], name: str) -> AsyncIterator[None]:
    """Record the files that are entered inside the block under a name."""
    trace = Trace()
    async with asynccontextmanager(trace.of)():
        yield
    paths[name] = list(trace.files)


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
            team = await AdminHarness.open(many, with_key=True)
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
    paths = asyncio.run(trace_all())
    for name, files in paths.items():
        sys.stdout.write(f"{name}: {len(counted(files))} files outside core and messages (at most {LIMITS[name]})\n")
        sys.stdout.writelines(f"  {file}\n" for file in files)
    return max(len(counted(files)) > LIMITS[name] for name, files in paths.items())


if __name__ == "__main__":
    sys.exit(main())
