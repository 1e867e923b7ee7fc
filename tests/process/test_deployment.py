"""The image, Caddy and the service of systemd, as far as they can be tried without Docker."""

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

import bot
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import single_workspace_process
from harness.dockerfile import environment_of, health_check, read_stages
from harness.process import bot_process, run_command
from harness.programs import needs

pytestmark = pytest.mark.anyio

ROOT = Path(bot.__file__).parents[1]
SERVICE, CADDYFILE = ROOT / "deploy/anchor-bot.service", ROOT / "deploy/Caddyfile"
BUILD, IMAGE = read_stages(ROOT / "Dockerfile")
INSTALLED = "/opt/anchor-bot"


async def run(*command: str | Path, variables: Mapping[str, str] | None = None, cwd: Path = ROOT) -> str:
    return await run_command(*command, cwd=cwd, env={"PATH": os.environ["PATH"], **(variables or {})})


async def test_the_health_check_tells_a_bot_that_answers_from_one_that_does_not() -> None:
    command = [sys.executable, *health_check(IMAGE)[1:]]
    async with single_workspace_process() as at:
        port = at.bot.url.rpartition(":")[2]
        check = await asyncio.create_subprocess_exec(*command, env={"PORT": port})
        assert await check.wait() == 0
        await at.bot.stop()
        check = await asyncio.create_subprocess_exec(*command, env={"PORT": port}, stderr=asyncio.subprocess.DEVNULL)
        assert await check.wait() != 0


@pytest.mark.long
async def test_the_steps_of_the_image_install_a_bot_that_runs(tmp_path: Path) -> None:
    """In an empty directory, with what is copied there and nothing else. It downloads the pinned packages."""
    source, installed, state = tmp_path / "src", tmp_path / "opt", tmp_path / "state"
    for directory in (source, state):
        directory.mkdir()
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME"))}
    for step in BUILD[2:]:
        if step.name == "COPY":
            *names, target = step.words
            for name in names:
                (source / name).parent.mkdir(exist_ok=True)
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, source / (target if (ROOT / name).is_dir() else name))
        else:
            python = f"{shlex.quote(sys.executable)} -m"
            command = step.arguments.replace(INSTALLED, str(installed)).replace("python -m", python)
            await run("sh", "-c", command, cwd=source, variables=pip)
    async with SimSlack() as slack, SimAnchor() as anchor:
        own = {**environment_of(IMAGE), "HOST": "127.0.0.1", "PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
        environ = environment(slack, anchor) | own | {"PORT": str(free_port()), "DATABASE_URL": ""}
        program = (str(installed / "bin/anchor-bot"),)
        async with bot_process(environ, command=program, directory=state, covered=False) as started:
            await started.says("ready")
            assert await started.stop() == 0
    assert (state / "anchor-bot.db").exists()
    assert (installed / "share/anchor-chatops/manifest.yml").exists()


@needs("caddy")
async def test_caddy_forwards_what_is_for_the_public_and_limits_it(tmp_path: Path) -> None:
    """With its configuration but for TLS, which needs a public name."""
    port, home = free_port(), {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    async with single_workspace_process({"ALERTS_TOKEN": "s3cret-of-the-alerts"}) as at:
        target = at.bot.url.removeprefix("http://")
        variables = home | {"DOMAIN": "bot.test", "BOT": target}
        await run("caddy", "validate", "--config", CADDYFILE, "--adapter", "caddyfile", variables=variables)
        own = {**home, "DOMAIN": f"http://127.0.0.1:{port}", "BOT": target, "PATH": os.environ["PATH"]}
        text = CADDYFILE.read_text().replace("{\n\tservers", "{\n\tadmin off\n\tservers", 1)
        (tmp_path / "Caddyfile").write_text(text)
        arguments = ("run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile")
        caddy = await asyncio.create_subprocess_exec("caddy", *arguments, env=own, stderr=asyncio.subprocess.DEVNULL)
        try:
            statuses = [await status_of(port, path, length) for path, length in REQUESTS]
        finally:
            caddy.terminate()
            await caddy.wait()
    assert statuses == [401, 401, 401, 404, 404, 431]


REQUESTS = (
    ("/slack/events", 10),
    ("/alerts", 10),
    ("/alerts/alertmanager", 10),
    ("/readyz", 10),
    ("/metrics", 10),
    ("/slack/events", 30_000),
)
"""A path, and the length of a header."""


async def status_of(port: int, path: str, length: int) -> int:
    """The status of a POST with a header of this length, once somebody answers."""
    headers = {"X-Header": "x" * length}
    async with aiohttp.ClientSession(headers=headers) as session, asyncio.timeout(30):
        while True:
            try:
                async with session.post(f"http://127.0.0.1:{port}{path}") as response:
                    return response.status
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
