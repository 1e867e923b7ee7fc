"""`anchor-bot demo` and `scripts/demo`, as a newcomer starts and ends them."""

import asyncio
import os
import pty
import shlex
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest

from bot.sim.local_server import free_port
from demo.page_client import open_page
from harness.conversation import until
from harness.process import CONSOLE_SCRIPT, bot_process, fetch

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).parents[2] / "scripts/demo"


def bots_of(process: int) -> list[str]:
    """The bots that this process has started and that still run."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [child for child in children if b"bot\0run" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_there(process: str) -> bool:
    return Path(f"/proc/{process}").exists()


def used_by(process: int, began: float) -> float:
    """The processor time of a process and its bots in seconds, with their own waits.

    These are the seconds since `began` in which none of them waited for a processor.
    """
    tasks = [
        path for one in (str(process), *bots_of(process)) for path in Path(f"/proc/{one}/task").glob("*/schedstat")
    ]
    times = [list(map(int, path.read_text().split())) for path in tasks]  # in nanoseconds: it ran, it waited to run
    ran, waited = (sum(one[place] for one in times) / 1e9 for place in (0, 1))
    return max(ran, time.monotonic() - began - waited)


def make_command(path: Path, text: str) -> Path:
    """Write a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(stat.S_IRWXU)
    return path


@pytest.mark.parametrize(
    ("number", "with_browser"), [(signal.SIGTERM, False), (signal.SIGHUP, True)], ids=["SIGTERM", "SIGHUP"]
)
async def test_it_serves_the_page_until_it_is_ended_and_leaves_no_bot(
    tmp_path: Path, number: signal.Signals, *, with_browser: bool
) -> None:
    opened, port = tmp_path / "opened", free_port()
    browser = make_command(tmp_path / "browser", f'echo "$1" >{opened}.part; mv {opened}.part {opened}')
    environ = {"BROWSER": f"{browser} %s"} if with_browser else {}
    async with bot_process(environ, arguments=("demo", "--port", str(port))) as demo:
        url = await demo.prints("The demo is at ")
        assert url == f"http://127.0.0.1:{port}/"
        assert "<title>#alerts · Anchor demo</title>" in await fetch(url)
        await until(lambda: bots_of(demo.process.pid))
        [child] = bots_of(demo.process.pid)
        await until(lambda: opened.exists() is with_browser)
        assert await demo.stop(number) == 0
    assert not is_there(child)
    assert (opened.read_text() if opened.exists() else "") == (f"{url}\n" if with_browser else "")


async def test_the_script_serves_the_page_before_it_prints_anything_else_and_soon_an_alert(tmp_path: Path) -> None:
    """In a checkout that is set up already; the argument is passed on. The page is there in 1.5 s, an alert in 3 s."""
    opened = tmp_path / "opened"
    browser = make_command(tmp_path / "browser", f'echo "$1" >{opened}')
    make_command(tmp_path / "scripts/setup", "exit 0")
    make_command(tmp_path / ".venv/bin/anchor-bot", f'exec {shlex.join(CONSOLE_SCRIPT)} "$@"')
    script = shutil.copy(SCRIPT, tmp_path / "scripts/demo")
    ours, theirs = pty.openpty()
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        script, "--no-browser", env=os.environ | {"BROWSER": f"{browser} %s"}, stdin=theirs, stdout=theirs
    )
    os.close(theirs)
    try:
        written = await asyncio.to_thread(read_until, ours, b"End it with Ctrl-C.")
        before, _, served = written.partition("The demo is at ")
        assert before == ""
        url = served.split()[0]
        assert "<title>" in await fetch(url)
        assert used_by(process.pid, began) < 1.5
        async with open_page(url) as alice:
            await alice.until(lambda: "Pause session" in str(alice.slack))
        assert used_by(process.pid, began) < 3.0
        started = bots_of(process.pid)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            assert await process.wait() == 130
    finally:
        os.close(ours)
        if process.returncode is None:
            process.terminate()
    assert [bot for bot in started if is_there(bot)] == []
    assert not opened.exists()


def read_until(terminal: int, end: bytes) -> str:
    """Read what is written to the terminal up to `end`."""
    written = b""
    while end not in written:
        written += os.read(terminal, 4096)
    return written.decode()
