"""The wheel is whole: what it installs works where nothing of the checkout is in reach."""

import asyncio
import hashlib
import os
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

import bot
from bot.demo.page.assets import read_assets
from harness.process import bot_process, fetch
from scripts.licenses_page import pinned

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
    for one in pinned():
        if one.marker is None or one.marker.evaluate():
            borrow(distribution(one.name), packages)


def borrow(package: Distribution, packages: Path) -> None:
    """Link all that a package has installed, but for its commands."""
    for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(package.locate_file(top))))


async def python(module: str, *arguments: str | Path, cwd: Path = CHECKOUT) -> str:
    """Run a module of the tests' own Python, uncounted by coverage."""
    return await run(sys.executable, "-m", module, *arguments, cwd=cwd, env=surroundings())


def surroundings(**changes: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTHON"))}
    return env | {"SOURCE_DATE_EPOCH": "1785000000"} | changes


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
    assert files(shared) == {"manifest.yml", ".env.example", "licenses.md"}
    for path in (CHECKOUT / "manifest.yml", CHECKOUT / ".env.example", CHECKOUT / "docs/licenses.md"):
        assert (shared / path.name).read_text() == path.read_text()
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


@pytest.mark.long
async def test_the_demo_holds_its_conversation(installation: Installation) -> None:
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    assert await run(*installation.command, "demo", "--check", cwd=installation.empty, env=env)


async def test_the_sdist_makes_the_same_files_again(tmp_path: Path) -> None:
    """Elsewhere, at another time, and by somebody whose files nobody else can read."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    await python("hatchling", "build", "--directory", tmp_path / "first")
    (sdist,) = (tmp_path / "first").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / sdist.name.removesuffix(".tar.gz")
    for path in unpacked.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (0, 0))
    await python("hatchling", "build", "--directory", tmp_path / "second", cwd=unpacked)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert len(first) == 2
    assert [name for name in first if first[name] != second.get(name)] == []


async def test_a_release_has_its_notes_and_checksums_and_is_made_from_a_commit_only(tmp_path: Path) -> None:
    def write_changelog(heading: str) -> None:
        (tmp_path / "CHANGELOG.md").write_text(
            f"# Changelog\n\n{heading}\n\n- New.\n\n## [0.0.1] - 2026-01-01\n\n- Old.\n"
        )

    async def release() -> tuple[int, str]:
        env = surroundings(PYTHON=sys.executable)
        process = await asyncio.create_subprocess_exec(
            "scripts/release", cwd=tmp_path, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        return await process.wait(), (await process.communicate())[1].decode()

    async def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        await run("git", *who, *arguments, cwd=tmp_path, env=surroundings())

    copied = (
        "bot",
        "docs",
        "scripts",
        ".gitignore",
        ".env.example",
        "manifest.yml",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    )
    for name in copied:
        await run("cp", "-R", CHECKOUT / name, tmp_path / name, cwd=tmp_path, env=surroundings())
    await git("init", "-q")
    write_changelog("## [Unreleased]")
    await git("add", ".")
    await git("commit", "-q", "-m", "a")
    code, said = await release()
    assert (code, "has no section" in said) == (1, True)
    write_changelog(f"## [{bot.__version__}] - 2026-11-26")
    code, said = await release()
    assert (code, "not committed" in said) == (1, True)
    assert not (tmp_path / "dist").exists()
    await git("commit", "-q", "-a", "-m", "b")
    assert (await release())[0] == 0
    made = tmp_path / "dist"
    assert (made / "NOTES.md").read_text() == "- New.\n"
    lines = [line.split() for line in (made / "SHA256SUMS").read_text().splitlines()]
    sums = {name: known for known, name in lines}
    assert sums.keys() == {path.name for path in made.iterdir()} - {"NOTES.md", "SHA256SUMS"}
    assert all(hashlib.sha256((made / name).read_bytes()).hexdigest() == known for name, known in sums.items())
    assert len(sums) == 2
