"""A release is whole: what its wheel installs works where nothing of the checkout is in reach."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo.page.assets import read_assets
from harness.process import bot_process, fetch, run_command
from harness.programs import needs
from harness.releases import CHECKOUT, PROJECT_URL, make_environment, pip_install

pytestmark = [pytest.mark.anyio, pytest.mark.long, needs("git")]


@dataclass(frozen=True, slots=True)
class Installation:
    """The bot as somebody has it who installed the wheel with the pinned requirements."""

    command: tuple[str, ...]
    packages: Path
    empty: Path


@pytest.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Installation:
    venv, empty = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("empty")
    packages = await make_environment(venv)
    await run_command(*pip_install(venv), wheels["0.1.0"])
    return Installation((str(venv / "bin/anchor-bot"),), packages, empty)


def files(directory: Path) -> set[str]:
    paths = {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()}
    return {str(path) for path in paths if "__pycache__" not in path.parts}


async def test_the_wheel_has_every_file_knows_its_version_and_runs_the_demo(installation: Installation) -> None:
    assert files(installation.packages / "bot") == files(CHECKOUT / "bot")
    shared = installation.packages.parents[2] / "share/anchor-chatops"
    originals = {
        path.name: path for path in map(CHECKOUT.joinpath, ("manifest.yml", ".env.example", "docs/licenses.md"))
    }
    assert files(shared) == set(originals)
    assert all((shared / name).read_text() == path.read_text() for name, path in originals.items())
    assert await run_command(*installation.command, "--version", cwd=installation.empty, env={}) == "anchor-bot 0.1.0\n"
    at, arguments = installation, ("demo", "--no-browser")
    async with bot_process({}, command=at.command, arguments=arguments, directory=at.empty, covered=False) as demo:
        url = await demo.prints("The demo is at ")
        assets = read_assets()
        del assets["install"]
        for path, asset in assets.items():
            assert await fetch(f"{url}{path}") == asset.body.decode()
        steps = await fetch(f"{url}install")  # with the release's own links
        assert steps.startswith("## Install it in Slack\n")
        assert PROJECT_URL in steps
        assert await demo.stop() == 0
