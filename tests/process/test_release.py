"""Releases: the wheel, and the commands of docs/service.md and docs/backup.md."""

import asyncio
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import bot
from bot.demo.page.assets import read_assets
from bot.demo.sandbox import environment
from bot.outbound.store.encryption import new_key
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import OTHER_SESSION, SESSION, paused
from harness.bots import PATIENT
from harness.conversation import until
from harness.databases import postgresql_programs
from harness.process import bot_process, fetch, run_command
from harness.programs import needs
from harness.secret_scan import leaks

CHECKOUT = Path(__file__).parents[2]
VERSIONS = ("0.1.0", "0.2.0")
PROJECT_URL = "https://git.example.com/anchor-bot"
_PARTS = ["bot", "deploy", "docs", "scripts", ".gitignore", ".env.example", "manifest.yml", "pyproject.toml"]
_PARTS += ["README.md", "LICENSE", "requirements.txt", "Dockerfile", "compose.yaml"]


async def make_releases(copy: Path, target: Path) -> None:
    """Make two releases of a copy of the checkout."""
    for name in _PARTS:
        (shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy)(CHECKOUT / name, copy / name)
    git, env = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com"), surroundings(PYTHON=sys.executable)
    await run_command(*git, "init", "-q", cwd=copy, env=env)
    for version in VERSIONS:
        (copy / "bot/__init__.py").write_text(f'"""The bot."""\n\n__version__ = "{version}"\n')
        text = f"# Changelog\n\n## [{version}] - 2026-11-26\n\n- New.\n\n## [0.0.1] - 2026-01-01\n\n- Old.\n"
        (copy / "CHANGELOG.md").write_text(text)
        await run_command(*git, "add", ".", cwd=copy, env=env)
        await run_command(*git, "commit", "-q", "-m", version, cwd=copy, env=env)
        await run_command("scripts/release", PROJECT_URL, cwd=copy, env=env)
        shutil.copytree(copy / "dist", target, dirs_exist_ok=True)


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


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of two releases, by their versions.

    An asynchronous fixture would keep its event loop, which all later tests of this session would then share.
    """
    target = tmp_path_factory.mktemp("releases")
    asyncio.run(make_releases(tmp_path_factory.mktemp("checkout"), target))
    return {version: target / f"anchor_chatops-{version}-py3-none-any.whl" for version in VERSIONS}


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


@pytest.mark.long
@needs("git")
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
    notes = (dist / "NOTES.md").read_text()
    assert len(notes.splitlines()) <= 50
    assert notes.startswith("- New.\n\n")
    assert f"{PROJECT_URL}/blob/v0.2.0/CHANGELOG.md" in notes


@pytest.mark.long
@needs("git")
async def test_the_wheel_has_every_file_knows_its_version_and_runs_the_demo(installation: Installation) -> None:
    assert files(installation.packages / "bot") == files(CHECKOUT / "bot")
    shared = installation.packages.parents[2] / "share/anchor-chatops"
    originals = {name: CHECKOUT / name for name in ("manifest.yml", ".env.example")}
    assert files(shared) == set(originals)
    assert all((shared / name).read_text() == path.read_text() for name, path in originals.items())
    assert await run_command(*installation.command, "--version", cwd=installation.empty, env={}) == "anchor-bot 0.1.0\n"
    at, arguments = installation, ("demo", "--no-browser")
    async with bot_process({}, command=at.command, arguments=arguments, directory=at.empty, covered=False) as demo:
        prefix = "The demo is at "
        await until(lambda: any(line.startswith(prefix) for line in demo.printed), within=60.0)
        url = next(line for line in demo.printed if line.startswith(prefix)).removeprefix(prefix)
        assets = read_assets()
        del assets["install"]
        for path, asset in assets.items():
            assert await fetch(f"{url}{path}") == asset.body.decode()
        steps = await fetch(f"{url}install")  # with the release's own links
        assert f'href="{PROJECT_URL}/blob/HEAD/docs/install.md#over-http"' in steps
        assert await demo.stop() == 0


DOCS = Path(bot.__file__).parents[1] / "docs"
PAGES = "\n".join((DOCS / f"{name}.md").read_text() for name in ("service", "backup", "workspaces"))
SERVICE = "anchor-bot.service"
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANCHOR_API_KEY")
PORTS = ("3000", "3001", "3002")

USERADD = """#!/bin/bash -eu
grep -x "User=${@: -1}" anchor-bot.service
[ "$2" = --home-dir ]
mkdir "$3"
"""
PLACES = {
    "python3 -m venv /opt/anchor-bot\n": "",
    "/opt/anchor-bot/bin/pip install --constraint constraints.txt": "[ -s constraints.txt ] && pip",
    "/opt/anchor-bot": "$RUN/venv",
    "/usr/local/bin": "$BIN",
    "/etc/systemd/system": "$RUN/units",
    "/var/lib/anchor-bot": "$RUN/state",
}
"""What the commands have on a real machine, and what they have here."""
AWAIT = 'await() { for _ in {1..300}; do if "$@"; then return; fi; sleep 0.1; done; exit 1; }'
SYSTEMCTL = (
    f"#!/bin/bash -eu\n{AWAIT}"
    """
verb=$1
shift
if [ "$1" = --now ]; then shift; fi
is_ready() { curl --fail --silent --output "$RUN/readyz" "http://127.0.0.1:$1/readyz"; }
is_gone() { [ ! -e "/proc/$1" ] || grep -q "^State:.Z" "/proc/$1/status"; }
start() {
    port=${PORT}
    if [[ $1 = *@* ]]; then port=${1#*@}; fi
    env PORT="$port" anchor-bot run >>"$RUN/log" 2>&1 </dev/null &
    echo $! >"$RUN/$1.pid"
    await is_ready "$port"
}
stop() {
    pid=$(cat "$RUN/$1.pid")
    rm "$RUN/$1.pid"
    kill "$pid"
    await is_gone "$pid"
}
for unit; do
    case "$verb" in
        start | enable) start "$unit" ;;
        stop | disable) stop "$unit" ;;
        restart) stop "$unit" && start "$unit" ;;
    esac
done
"""
)
INSTALL = """
import asyncio, sys
from bot.core.workspace import Installation
from bot.core.fields import Secret
from bot.outbound.store.store import open_store

async def install(url, key):
    async with open_store(Secret(url), [Secret(key)]) as store:
        await store.rows.save(
            Installation("T0HOME00001", "Acme", None, "A1", "U1", Secret("xoxb-1"), ("commands",), "U2", 1785000000)
        )

asyncio.run(install(*sys.argv[1:]))
"""


def commands(title: str, other: str) -> str:
    """The commands of a section, without those for the `other` kind of database."""
    section = PAGES.partition(f"\n## {title}\n")[2].partition("\n#")[0]
    parts, lines = section.split("```"), []
    for before, block in zip(parts[::2], parts[1::2], strict=False):
        kinds = re.findall(r"For (SQLite|PostgreSQL)", before.strip().rpartition("\n\n")[2])
        language, *written = block.splitlines()
        if language == "console" and kinds[-1:] != [other]:
            lines += written
    assert lines
    assert all(line.startswith("$ ") for line in lines)
    return "\n".join(line.removeprefix("$ ") for line in lines)


def script(other: str, key: str) -> str:
    """All sections, and between them what shows that they have done their work."""
    unset = f"unset {' '.join(SECRETS)}"
    told = "anchor-bot journal --format json | grep -c"
    is_version = '[ "$(anchor-bot --version)" = "anchor-bot {}" ]'.format
    backup = commands("Back up", other)
    elsewhere = f"mkdir ../elsewhere\n(cd ../elsewhere && ! {backup.splitlines()[-1]})\nrmdir ../elsewhere"
    parts = [
        commands("systemd", other).replace(
            "anchor-bot init\n",  # which leaves values to fill in
            f"(umask 077; env | grep -E '^({'|'.join(SECRETS)})=' >.env)\n{unset}\necho ENCRYPTION_KEYS={key} >>.env\n",
        ),
        is_version("0.1.0"),
        f"anchor-bot pause {SESSION}",
        "" if other == "SQLite" else elsewhere,  # which makes no file where no database is
        backup,
        f"anchor-bot pause {OTHER_SESSION}",
        "cp ../../constraints.txt ../../anchor_chatops-*.whl .",
        commands("Upgrade", other),
        "rm constraints.txt anchor_chatops-*.whl",
        is_version("0.2.0"),
        f"[ $({told} Paused) = 2 ]",
        commands("Restore", other),
        f"[ $({told} Paused) = 1 ] && {told} {SESSION}",
        "touch $RUN/restored && await test -e $RUN/served",
        f"[ $({told} Paused) = 2 ] && {told} {OTHER_SESSION}",
    ]
    rest = [
        f'"$RUN/venv/bin/python" ../../install.py "${{DATABASE_URL:-sqlite:///anchor-bot.db}}" {key}',
        commands("Rotate the encryption key", other),
        f"grep -q '^ENCRYPTION_KEYS=[^,]*$' .env && ! grep -q {key} .env",
        "anchor-bot workspaces list | grep 'T0HOME00001  no key'",
        "" if other == "PostgreSQL" else commands("Scale out", other),
    ]
    text = "\n".join([AWAIT, *parts, *rest, commands("Remove", other)])
    for real, here in PLACES.items():
        text = text.replace(real, here)
    return text


@pytest.fixture
async def directory(tmp_path: Path, wheels: dict[str, Path]) -> AsyncIterator[Path]:
    """A directory with the page's wheels in it; no bot is left running at the end."""
    (tmp_path / "bin").mkdir()
    pip = f'#!/bin/sh\nexec {shlex.join(pip_install(tmp_path / "run/venv"))} "$@"\n'
    for name, text in {"useradd": USERADD, "systemctl": SYSTEMCTL, "pip": pip}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "install.py").write_text(INSTALL)
    (tmp_path / "run/units").mkdir(parents=True)
    await make_environment(tmp_path / "run/venv")
    assert {wheel.name for wheel in wheels.values()} == set(
        re.findall(r"anchor_chatops-[\d.]+-py3-none-any[.]whl", PAGES)
    )
    for file in (*wheels.values(), *(wheels["0.2.0"].with_name(name) for name in ("constraints.txt", SERVICE))):
        shutil.copy(file, tmp_path)
    yield tmp_path
    for left in (tmp_path / "run").glob("*.pid"):
        os.kill(int(left.read_text()), 9)


async def run(text: str, directory: Path, environ: Mapping[str, str]) -> str:
    """Run a script; its output goes to a file, which a bot that is left running can't keep open."""
    shell = ("timeout", "400", "bash", "-eux", "-o", "pipefail", "-c", text)
    with (directory / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *shell, cwd=directory, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
        code = await process.wait()
    written = (directory / "output").read_text() + (directory / "run/log").read_text()
    assert code == 0, written
    return written


async def serve_one(slack: SimSlack, run: Path) -> None:
    """Let somebody pause an agent in Slack when the database is restored."""
    await until((run / "restored").exists, within=300)
    delivery = await slack.command(slack.alice, slack.alerts, OTHER_SESSION)
    assert delivery.ack is not None
    assert delivery.ack.text == paused(session=OTHER_SESSION)
    (run / "served").touch()


@needs("curl", "git")
@pytest.mark.long
@pytest.mark.timeout(500)  # it starts some twenty processes one after the other
@pytest.mark.parametrize(
    ("database", "other"),
    [("SQLite", "PostgreSQL"), pytest.param("PostgreSQL", "SQLite", marks=pytest.mark.postgresql)],
)
async def test_the_commands_work_with_the_wheels_and_a_restored_bot_serves(
    request: pytest.FixtureRequest, directory: Path, database: str, other: str
) -> None:
    url = "" if database == "SQLite" else str(next(request.getfixturevalue("postgresql_urls")))
    async with SimSlack(socket_mode=True, ack_deadline=PATIENT) as slack, SimAnchor() as anchor:
        for session in (SESSION, OTHER_SESSION):
            anchor.add_session(session_id=session)
        ports = {port: str(free_port()) for port in PORTS}
        changes = {"PORT": ports["3000"], "DATABASE_URL": url}
        path = os.pathsep.join(map(str, (directory / "bin", postgresql_programs(), os.environ["PATH"])))
        own = {"BIN": str(directory / "bin"), "RUN": str(directory / "run"), "PATH": path}
        text = script(other, new_key().reveal())
        for port, real in ports.items():
            text = text.replace(port, real)
        written, _ = await asyncio.gather(
            run(text, directory, environment(slack, anchor, **changes) | own), serve_one(slack, directory / "run")
        )
    assert leaks(written) == []
    assert [path.name for path in (directory / "run/state").iterdir()] == []
    assert [path.name for path in (directory / "run/units").iterdir()] == []
    assert not (directory / "bin/anchor-bot").is_symlink()
