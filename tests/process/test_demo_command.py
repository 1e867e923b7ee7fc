"""`anchor-bot demo`, as a newcomer starts and ends it."""

import os
import signal
import stat
from pathlib import Path

import pytest

import bot
from bot.sim.local_server import free_port
from harness.conversation import until
from harness.process import bot_process, fetch, run_command

pytestmark = pytest.mark.anyio


def bots_of(process: int) -> list[str]:
    """The bots that this process has started and that still run."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [child for child in children if b"bot\0run" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_there(process: str) -> bool:
    return Path(f"/proc/{process}").exists()


async def test_it_serves_the_page_until_it_is_ended_and_leaves_no_bot(tmp_path: Path) -> None:
    opened, port = tmp_path / "opened", free_port()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}.part; mv {opened}.part {opened}\n')
    browser.chmod(stat.S_IRWXU)
    async with bot_process({"BROWSER": f"{browser} %s"}, arguments=("demo", "--port", str(port))) as demo:
        url = await demo.prints("The demo is at ")
        assert url == f"http://127.0.0.1:{port}/"
        assert "<title>#alerts · Anchor demo</title>" in await fetch(url)
        await until(lambda: bots_of(demo.process.pid))
        [child] = bots_of(demo.process.pid)
        await until(opened.exists)
        assert await demo.stop(signal.SIGHUP) == 0
    assert not is_there(child)
    assert opened.read_text() == f"{url}\n"


@pytest.mark.slow
async def test_without_a_network_the_setup_says_so_in_its_last_line(tmp_path: Path) -> None:
    index = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_RETRIES": "1", "VENV": str(tmp_path / "venv")}
    setup = Path(bot.__file__).parents[1] / "scripts/setup"
    written = await run_command("sh", "-c", f"{setup} --run-only 2>&1", env={**os.environ, **index}, code=1)
    assert "can't be reached" in written.splitlines()[-1]
