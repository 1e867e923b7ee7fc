"""A release is whole: what its wheel installs works where nothing of the checkout is in reach."""

import json
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


def test_a_release_has_all_that_operators_need_with_the_address_of_the_repository(wheels: dict[str, Path]) -> None:
    dist = wheels["0.2.0"].parent
    sums = [line.split()[1] for line in (dist / "SHA256SUMS").read_text().splitlines()]
    packages = (dist / "constraints.txt").read_text().splitlines()
    bill = json.loads((dist / "sbom.json").read_text())
    assert {one["name"] + "==" + one["version"] for one in bill["components"]} == set(packages)
    assert bill["metadata"]["component"]["version"] == "0.2.0"
    rows = (dist / "licenses.md").read_text().splitlines()[2:]
    assert len(rows) in {len(packages), len(packages) - 1}, "one of them is for Windows"
    for name in ("anchor-bot.service", "prometheus-rules.yml", "grafana-dashboard.json"):
        assert name in sums
        assert "PROJECT_URL/" not in (dist / name).read_text()
    assert f"{PROJECT_URL}/blob" in (dist / "grafana-dashboard.json").read_text()


async def test_the_wheel_has_every_file_knows_its_version_and_runs_the_demo(installation: Installation) -> None:
    assert files(installation.packages / "bot") == files(CHECKOUT / "bot")
    shared = installation.packages.parents[2] / "share/anchor-chatops"
    originals = {name: CHECKOUT / name for name in ("manifest.yml", ".env.example")}
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
        assert f'href="{PROJECT_URL}/blob/HEAD/docs/install.md#over-http"' in steps
        assert await demo.stop() == 0
