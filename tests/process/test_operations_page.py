"""The commands of docs/operations.md, from installation to removal, run as they stand there.

Only `pipx` and `systemctl` are stand-ins: the former links this environment's command (tests/process/test_wheel.py
installs the wheel), the latter starts and stops the bot.
"""

import asyncio
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import bot
from bot.demo.sandbox import environment
from bot.outbound.store.fields import new_key
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import OTHER_SESSION, SESSION
from harness.databases import postgresql_programs
from harness.process import CONSOLE_SCRIPT
from harness.secret_scan import leaks

pytestmark = pytest.mark.anyio

PAGE = (Path(bot.__file__).parents[1] / "docs/operations.md").read_text()
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANCHOR_API_KEY")
PORTS = ("3000", "3001", "3002")

PIPX = f"""#!/bin/bash -eu
case "$1" in
    install)
        [ "$(grep -o [.]whl <<<"$*" | wc -l)" = 1 ]
        ls -- "${{@: -1}}"
        ln -sf {CONSOLE_SCRIPT[0]} "$BIN/anchor-bot"
        ;;
    uninstall) rm "$BIN/anchor-bot" ;;
esac
"""
SYSTEMCTL = """#!/bin/bash -eu
verb=$1
shift
if [ "$1" = --now ]; then shift; fi
await() { for _ in {1..300}; do if "$@"; then return; fi; sleep 0.1; done; exit 1; }
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
INSTALL = """
import asyncio, sys
from bot.core.installation import Installation
from bot.core.secret import Secret
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
    section = PAGE.partition(f"\n### {title}\n")[2].partition("\n#")[0]
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
    backup = commands("Back up", other)
    elsewhere = f"mkdir ../elsewhere\n(cd ../elsewhere && ! {backup.splitlines()[-1]})\nrmdir ../elsewhere"
    parts = [
        commands("Install", other).replace(
            "anchor-bot init\n", f"anchor-bot init && {unset} && echo ENCRYPTION_KEYS={key} >>.env\n"
        ),
        f"anchor-bot pause {SESSION}",
        "" if other == "SQLite" else elsewhere,  # which makes no file where no database is
        backup,
        f"anchor-bot pause {OTHER_SESSION}",
        "mv ../anchor_chatops-*.whl .",
        commands("Upgrade", other),
        "mv anchor_chatops-*.whl ..",
        f"[ $({told} Paused) = 2 ]",
        commands("Restore", other),
        f"[ $({told} Paused) = 1 ] && {told} {SESSION}",
        f'{sys.executable} ../install.py "${{DATABASE_URL:-sqlite:///anchor-bot.db}}" {key}',
        commands("Rotate the encryption key", other),
        f"grep -q '^ENCRYPTION_KEYS=[^,]*$' .env && ! grep -q {key} .env",
        "anchor-bot workspaces show T0HOME00001 | grep 'Anchor key *not set'",
        "" if other == "PostgreSQL" else commands("Scale out", other),
        commands("Remove", other),
    ]
    return "\n".join(parts)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory with the page's wheels in it; no bot is left running at the end."""
    for name, text in {"pipx": PIPX, "systemctl": SYSTEMCTL}.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "install.py").write_text(INSTALL)
    (tmp_path / "run").mkdir()
    for wheel in re.findall(r"anchor_chatops-[\d.]+-py3-none-any[.]whl", PAGE):
        (tmp_path / wheel).touch()
    yield tmp_path
    for left in (tmp_path / "run").glob("*.pid"):
        os.kill(int(left.read_text()), 9)


async def run(text: str, directory: Path, environ: Mapping[str, str]) -> str:
    """Run a script; its output goes to a file, which a bot that is left running can't keep open."""
    shell = ("timeout", "100", "bash", "-eux", "-o", "pipefail", "-c", text)
    with (directory / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *shell, cwd=directory, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
        )
        code = await process.wait()
    written = (directory / "output").read_text() + (directory / "run/log").read_text()
    assert code == 0, written
    return written


@pytest.mark.long
@pytest.mark.parametrize(("database", "other"), [("SQLite", "PostgreSQL"), ("PostgreSQL", "SQLite")])
async def test_the_commands_work(request: pytest.FixtureRequest, directory: Path, database: str, other: str) -> None:
    url = "" if database == "SQLite" else str(next(request.getfixturevalue("postgresql_urls")))
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        for session in (SESSION, OTHER_SESSION):
            anchor.add_session(session_id=session)
        ports = {port: str(free_port()) for port in PORTS}
        changes = {"PORT": ports["3000"], "DATABASE_URL": url}
        path = os.pathsep.join(map(str, (directory / "bin", postgresql_programs(), os.environ["PATH"])))
        own = {"BIN": str(directory / "bin"), "RUN": str(directory / "run"), "PATH": path}
        text = script(other, new_key().reveal())
        for port, real in ports.items():
            text = text.replace(port, real)
        written = await run(text, directory, environment(slack, anchor, **changes) | own)
    assert leaks(written) == []
    assert [path.name for path in (directory / "anchor-bot").iterdir()] == []
    assert not (directory / "bin/anchor-bot").exists()
