"""The wheel is whole: what it installs works where nothing of the checkout is in reach."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import bot
from bot.demo.page.assets import read_assets
from harness.process import bot_process, fetch

pytestmark = pytest.mark.anyio

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """The bot as somebody has it who installed the wheel with the pinned requirements."""

    command: tuple[str, ...]
    packages: Path
    empty: Path


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    venv, wheels, empty = (tmp_path_factory.mktemp(name) for name in ("venv", "wheels", "empty"))
    await python("venv", "--without-pip", venv)  # the tests' own pip installs there too, and spares a second one
    (packages,) = (venv / "lib").glob("python*/site-packages")
    borrow_requirements(packages)
    await python("hatchling", "build", "--target", "wheel", "--directory", wheels)
    pip = ("pip", "--python", venv / "bin/python", "--quiet", "--disable-pip-version-check")
    await python(*pip, "install", "--no-deps", "--no-index", *wheels.iterdir())
    return Installation((str(venv / "bin/anchor-bot"),), packages, empty)


def borrow_requirements(packages: Path) -> None:
    """Link the pinned requirements, and nothing else, from the tests' own environment."""
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    pinned = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalpha()]
    for one in pinned:
        if one.marker is None or one.marker.evaluate():
            borrow(distribution(one.name), packages)


def borrow(package: Distribution, packages: Path) -> None:
    """Link all that a package has installed, but for its commands."""
    for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(package.locate_file(top))))


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


def files(directory: Path) -> set[str]:
    paths = {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()}
    return {str(path) for path in paths if "__pycache__" not in path.parts}


async def test_it_has_every_file_and_knows_its_version(installation: Installation) -> None:
    assert files(installation.packages / "bot") == files(CHECKOUT / "bot")
    shared = installation.packages.parents[2] / "share/anchor-chatops"
    assert files(shared) == {"manifest.yml", ".env.example"}
    for name in files(shared):
        assert (shared / name).read_text() == (CHECKOUT / name).read_text()
    assert await run(*installation.command, "--version", cwd=installation.empty, env={}) == (
        f"anchor-bot {bot.__version__}\n"
    )


async def test_the_demo_runs_and_its_page_has_all_its_files(installation: Installation) -> None:
    at, arguments = installation, ("demo", "--no-browser")
    async with bot_process({}, command=at.command, arguments=arguments, directory=at.empty, covered=False) as demo:
        url = await demo.prints("The demo is at ")
        for path, asset in read_assets().items():
            assert await fetch(f"{url}{path}") == asset.body.decode()
        assert await demo.stop() == 0
