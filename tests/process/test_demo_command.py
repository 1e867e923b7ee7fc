"""`anchor-bot demo` and `scripts/demo`, as a newcomer starts and ends them."""

import asyncio
import io
import os
import pty
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest

import bot
from bot.demo import serve
from process.demo_process import GONE_WITHIN, demo, get

pytestmark = pytest.mark.anyio

SCRIPT = Path(bot.__file__).parents[1] / "scripts/demo"
ENVIRON = {**os.environ, "PYTHON": sys.executable}  # with another one the script would make our .venv anew


def bots_of(process: int) -> list[str]:
    """The bots that this process has started and that still run."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [child for child in children if b"bot\0run" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_there(process: str) -> bool:
    return Path(f"/proc/{process}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
async def test_it_serves_the_page_without_a_terminal_until_it_is_ended_and_leaves_no_bot(
    number: signal.Signals,
) -> None:
    async with demo("--no-browser") as it:
        url = await it.says("The demo is at ")
        assert "<title>#alerts · Anchor demo</title>" in await get(url)
        [child] = bots_of(it.process.pid)
        assert await it.ends(number) == 0
    assert not is_there(child)


async def test_the_port_can_be_chosen_and_one_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with demo("--port", str(port)) as it:
            assert await it.says(f"--port {port} can't be listened on") == (
                "(Address already in use): name another one, or leave it out."
            )
            assert await it.process.wait() == 1
    async with demo("--port", str(port), "--no-browser") as it:
        assert await it.says("The demo is at ") == f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(("arguments", "opened"), [((), True), (("--no-browser",), False)], ids=["asked", "not asked"])
async def test_it_opens_a_browser_where_there_is_one(tmp_path: Path, arguments: tuple[str, ...], opened: bool) -> None:
    browser, told = tmp_path / "browser", tmp_path / "told"
    browser.write_text(f'#!/bin/sh\necho "$1" >{told}\n')
    browser.chmod(stat.S_IRWXU)
    async with demo(*arguments, environ={"BROWSER": f"{browser} %s"}) as it:
        url = await it.says("The demo is at ")
        await get(url)
        await asyncio.sleep(0.5)
        assert await it.ends(signal.SIGTERM) == 0
    assert (told.read_text() if told.exists() else "") == (f"{url}\n" if opened else "")


async def test_without_a_screen_no_browser_takes_the_terminal_over() -> None:
    async with demo() as it:
        await it.says("End it with Ctrl-C.")
        assert await it.ends(signal.SIGTERM) == 0


async def test_a_bot_that_does_not_start_is_shown_with_what_it_wrote() -> None:
    out = io.StringIO()
    assert await serve(out, port=0, browser=False, changes={"LOG_LEVEL": "LOUD"}) == 1
    assert "LOG_LEVEL" in out.getvalue()


async def test_the_script_ends_after_the_transcript_where_there_is_no_terminal() -> None:
    process = await asyncio.create_subprocess_exec(
        SCRIPT, "--no-browser", env=ENVIRON, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    written, _ = await process.communicate()
    assert process.returncode == 0
    assert written.decode().endswith("All went as it should.\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--port", "none"), "argument --port: 'none' is no port: write a number from 0 (any free one) to 65535"),
        (("--colour",), "unrecognized arguments: --colour"),
    ],
    ids=["port", "unknown"],
)
async def test_the_script_refuses_arguments_before_it_plays(arguments: tuple[str, ...], complaint: str) -> None:
    process = await asyncio.create_subprocess_exec(SCRIPT, *arguments, env=ENVIRON, stderr=asyncio.subprocess.PIPE)
    _, written = await process.communicate()
    assert process.returncode == 2
    assert written.decode().splitlines()[-1].endswith(complaint)


async def test_on_a_terminal_the_script_plays_and_then_serves_the_page() -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(SCRIPT, "--no-browser", env=ENVIRON, stdin=theirs, stdout=theirs)
    os.close(theirs)
    try:
        written = await asyncio.to_thread(read_until, ours, b"End it with Ctrl-C.")
        played, _, served = written.partition("All went as it should.")
        assert "=== Over Socket Mode ===" in played
        assert "<title>" in await get(served.split("The demo is at ")[1].split()[0])
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(GONE_WITHIN):
            assert await process.wait() == 0
    finally:
        os.close(ours)


def read_until(terminal: int, end: bytes) -> str:
    """What is written to the terminal up to `end`."""
    written = b""
    while end not in written:
        written += os.read(terminal, 4096)
    return written.decode()
