"""Releases as scripts/release makes them, and environments for their wheels. Nothing is downloaded."""

import fcntl
import os
import shutil
import sys
import tempfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from harness.process import run_command

CHECKOUT = Path(__file__).parents[2]
VERSIONS = ("0.1.0", "0.2.0")
PROJECT_URL = "https://git.example.com/anchor-bot"
_PARTS = ["bot", "deploy", "docs", "scripts", ".gitignore", ".env.example", "manifest.yml", "pyproject.toml"]
_PARTS += ["README.md", "LICENSE", "requirements.txt", "Dockerfile", "compose.yaml"]


class Copy:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def make(self) -> None:
        for name in _PARTS:
            copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy
            copy(CHECKOUT / name, self.directory / name)
        await self.git("init", "-q")

    async def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        await run_command("git", *who, *arguments, cwd=self.directory, env=surroundings())

    async def commit(self, version: str, heading: str) -> None:
        (self.directory / "bot/__init__.py").write_text(f'"""The bot."""\n\n__version__ = "{version}"\n')
        self.write_changelog(heading)
        await self.git("add", ".")
        await self.git("commit", "-q", "--allow-empty", "-m", version)

    def write_changelog(self, heading: str) -> None:
        text = f"# Changelog\n\n{heading}\n\n- New.\n\n## [0.0.1] - 2026-01-01\n\n- Old.\n"
        (self.directory / "CHANGELOG.md").write_text(text)

    async def release(self) -> None:
        env = surroundings(PYTHON=sys.executable)
        await run_command("scripts/release", PROJECT_URL, cwd=self.directory, env=env)


async def released(directory: Path) -> dict[str, Path]:
    """Make two releases in a directory, which all processes of a run share, and return their wheels."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "made").exists():
            with tempfile.TemporaryDirectory() as copied:
                copy = Copy(Path(copied))
                await copy.make()
                for version in VERSIONS:
                    await copy.commit(version, f"## [{version}] - 2026-11-26")
                    await copy.release()
                    shutil.copytree(copy.directory / "dist", directory, dirs_exist_ok=True)
            (directory / "made").touch()
    return {version: directory / f"anchor_chatops-{version}-py3-none-any.whl" for version in VERSIONS}


async def make_environment(venv: Path) -> Path:
    """Make an environment with the pinned requirements, and nothing else, and return its packages."""
    await python("venv", "--without-pip", venv)  # the tests' own pip installs there too, and spares a second one
    (packages,) = (venv / "lib").glob("python*/site-packages")
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    for one in [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalpha()]:
        if one.marker is None or one.marker.evaluate():
            _borrow(distribution(one.name), packages)
    return packages


def pip_install(venv: Path) -> tuple[str, ...]:
    pip = (sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "--quiet", "--disable-pip-version-check")
    return (*pip, "install", "--no-deps", "--no-index", "--force-reinstall")


def _borrow(package: Distribution, packages: Path) -> None:
    """Link all that a package of the tests' own environment has installed, but for its commands."""
    for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(package.locate_file(top))))


async def python(module: str, *arguments: str | Path, cwd: Path = CHECKOUT) -> str:
    return await run_command(sys.executable, "-m", module, *arguments, cwd=cwd, env=surroundings())


def surroundings(**changes: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTHON"))}
    return env | {"SOURCE_DATE_EPOCH": "1785000000"} | changes
