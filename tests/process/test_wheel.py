"""The wheel is whole: what it installs works where nothing of the checkout is in reach."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import bot
from bot.demo.page.assets import read_assets
from process.demo_process import demo, get

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """The bot as somebody has it who installed the wheel with the pinned requirements."""

    venv: Path
    empty: Path

    async def anchor_bot(self, *arguments: str, **environ: str) -> str:
        """Run the command in the empty directory, and return what it writes."""
        return await run(self.venv / "bin/anchor-bot", *arguments, cwd=self.empty, env={"PATH": os.defpath, **environ})


@pytest.fixture(scope="module")
async def installation() -> AsyncIterator[Installation]:
    with tempfile.TemporaryDirectory() as directory:
        venv, wheels, empty = (Path(directory, name) for name in ("venv", "wheels", "empty"))
        empty.mkdir()
        await python("venv", "--without-pip", venv)  # the pip at hand installs there too, and spares a second one
        await python("hatchling", "build", "--target", "wheel", "--directory", wheels)
        install = ("pip", "--python", venv / "bin/python", "--quiet", "--disable-pip-version-check", "install")
        await python(*install, "--require-hashes", "--requirement", "requirements.txt")
        await python(*install, "--no-deps", *wheels.iterdir())
        yield Installation(venv, empty)


async def python(module: str, *arguments: str | Path) -> str:
    """Run a module of the tests' own Python in the checkout, uncounted by coverage."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTHON"))}
    return await run(sys.executable, "-m", module, *arguments, cwd=CHECKOUT, env=env)


async def run(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> str:
    """Run a command to its end, which must be a good one, and return what it writes."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    written = (await process.communicate())[0].decode()
    assert process.returncode == 0, written
    return written


async def test_it_knows_its_version(installation: Installation) -> None:
    assert await installation.anchor_bot("--version") == f"anchor-bot {bot.__version__}\n"


async def test_it_makes_the_tables_of_a_database(installation: Installation) -> None:
    key = (await installation.anchor_bot("keys", "new")).strip()
    file = installation.venv.parent / "bot.db"
    file.touch()
    for _ in range(2):
        listed = await installation.anchor_bot(
            "workspaces", "list", ENCRYPTION_KEYS=key, DATABASE_URL=f"sqlite:///{file}"
        )
        assert listed == "No workspace is installed.\n"


async def test_the_demo_plays(installation: Installation) -> None:
    assert (await installation.anchor_bot("demo", "--check")).endswith("All went as it should.\n")


async def test_the_page_is_served_with_all_its_files(installation: Installation) -> None:
    command = (str(installation.venv / "bin/anchor-bot"),)
    async with demo("--no-browser", command=command, directory=installation.empty, covered=False) as it:
        url = await it.says("The demo is at ")
        for path, asset in read_assets().items():
            assert await get(f"{url}{path}") == asset.body.decode()
