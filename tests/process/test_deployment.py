"""The image, compose, Caddy and the service of systemd, as far as they can be checked without Docker."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

import bot
from bot.config.catalog import SETTINGS
from bot.config.env_file import read_environment
from bot.config.settings import LONGEST_DRAIN
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import single_workspace_process
from harness.dockerfile import all_of, environment_of, health_check, read_stages
from harness.process import bot_process
from harness.programs import needs

pytestmark = pytest.mark.anyio

ROOT = Path(bot.__file__).parents[1]
DOCKERFILE, COMPOSE = ROOT / "Dockerfile", ROOT / "compose.yaml"
SERVICE, CADDYFILE = ROOT / "deploy/anchor-bot.service", ROOT / "deploy/Caddyfile"
BUILD, IMAGE = read_stages(DOCKERFILE)
HOME, INSTALLED = "/var/lib/anchor-bot", "/opt/anchor-bot"
LONGEST_STOP = 10
"""Seconds, as docs/operations.md promises."""


NOTHING: Mapping[str, str] = {}


def run(*command: str | Path, cwd: Path = ROOT, variables: Mapping[str, str] = NOTHING) -> str:
    """Run a command to its end, which must be a good one, and return what it writes."""
    done = subprocess.run(  # noqa: S603 - ours
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_shell_does_not_split_a_value_of_the_file_with_settings(tmp_path: Path) -> None:
    """The example of the page, which a shell would split at & without its quotes."""
    page = (ROOT / "docs/deployment.md").read_text()
    (line,) = re.findall(r"^\s*(DATABASE_URL=.*&.*)$", page, re.MULTILINE)
    (tmp_path / "env").write_text(f"{line}\n")
    read = run("sh", "-c", "set -a && . ./env && printenv DATABASE_URL", cwd=tmp_path).strip()
    assert {"DATABASE_URL": read} == read_environment({}, tmp_path / "env")


# --- the image ---


@pytest.mark.skipif(not Path(sys.executable).with_name("hadolint").exists(), reason="hadolint is for Linux on x86-64")
def test_the_dockerfile_is_clean() -> None:
    run(Path(sys.executable).with_name("hadolint"), DOCKERFILE)


def test_the_image_runs_as_nobody_in_particular_and_keeps_its_state_in_one_volume() -> None:
    (user,), (directory,), (volume,) = (list(all_of(IMAGE, name)) for name in ("USER", "WORKDIR", "VOLUME"))
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user.arguments)
    assert (directory.arguments, volume.arguments) == (HOME, f'["{HOME}"]')
    assert set(environment_of(IMAGE)) <= {*SETTINGS, "PATH", "PYTHONDONTWRITEBYTECODE"}
    assert "slim" in IMAGE[0].arguments


def test_what_is_copied_into_the_image_is_in_the_context() -> None:
    """`.dockerignore` excludes everything but this."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    included = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {word for one in all_of(BUILD, "COPY") for word in one.words[:-1]}
    shared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert lines[0] == "*"
    assert set(shared["shared-data"]) <= copied
    assert copied == included
    assert [name for name in copied if not (ROOT / name).exists()] == []


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
    for step in BUILD[2:]:
        if step.name == "COPY":
            *names, target = step.words
            for name in names:
                (source / name).parent.mkdir(exist_ok=True)
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, source / (target if (ROOT / name).is_dir() else name))
        else:
            command = step.arguments.replace(INSTALLED, str(installed)).replace("python -m", f"{sys.executable} -m")
            await asyncio.to_thread(run, "sh", "-c", command, cwd=source, variables=own_pip())
    async with SimSlack() as slack, SimAnchor() as anchor:
        own = {**environment_of(IMAGE), "HOST": "127.0.0.1", "PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
        environ = environment(slack, anchor) | own | {"PORT": str(free_port()), "DATABASE_URL": ""}
        program = (str(installed / "bin/anchor-bot"),)
        async with bot_process(environ, command=program, directory=state, covered=False) as started:
            await started.says("ready")
            assert await started.stop() == 0
    assert (state / "anchor-bot.db").exists()
    assert (installed / "share/anchor-chatops/licenses.md").exists()


def own_pip() -> dict[str, str]:
    """The variables of this machine's pip, and of its certificates."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME"))}


# --- compose and Caddy ---


def compose() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def test_compose_runs_the_bot_without_rights_and_lets_it_end() -> None:
    services = compose()["services"]
    bot_service = services["bot"]
    assert bot_service["read_only"]
    assert bot_service["cap_drop"] == ["ALL"]
    assert bot_service["volumes"] == [f"state:{HOME}"]
    assert int(bot_service["stop_grace_period"].removesuffix("s")) > LONGEST_STOP
    assert set(bot_service["environment"]) <= set(SETTINGS)
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    volumes = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert volumes == {*compose()["volumes"], "./deploy/Caddyfile"}
    assert {network for service in services.values() for network in service["networks"]} == set(compose()["networks"])


@needs("caddy")
async def test_caddy_forwards_what_is_for_the_public_and_limits_it(tmp_path: Path) -> None:
    """With its configuration but for TLS, which needs a public name."""
    port, home = free_port(), {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    async with single_workspace_process({"ALERTS_TOKEN": "s3cret-of-the-alerts"}) as at:
        target = at.bot.url.removeprefix("http://")
        variables = home | {"DOMAIN": "bot.test", "BOT": target}
        run("caddy", "validate", "--config", CADDYFILE, "--adapter", "caddyfile", variables=variables)
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
    assert statuses == [401, 401, 404, 404, 431]


REQUESTS = (("/slack/events", 10), ("/alerts", 10), ("/readyz", 10), ("/metrics", 10), ("/slack/events", 30_000))
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


# --- systemd ---


def service() -> dict[str, str]:
    lines = SERVICE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@needs("systemd")
def test_systemd_understands_the_service(tmp_path: Path) -> None:
    command = f"{INSTALLED}/bin/anchor-bot"
    text = SERVICE.read_text()
    assert command in text
    own = tmp_path / "anchor-bot.service"
    own.write_text(text.replace(command, str(Path(sys.executable).with_name("anchor-bot"))))
    assert run("systemd-analyze", "verify", "--man=no", own) == ""


def test_the_service_gives_the_bot_a_directory_and_the_time_to_stop() -> None:
    found = service()
    assert (found["DynamicUser"], found["StateDirectory"]) == ("yes", "anchor-bot")
    assert int(found["TimeoutStopSec"]) > LONGEST_STOP > LONGEST_DRAIN
