"""scripts/setup: what it installs, what it says meanwhile, and its one sentence when it can't."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts/setup"
PYTHON = """#!/bin/sh
case "$*" in
    -V) echo Python 3.13.5 ;;
    *version_info*) exit {old} ;;
    *ensurepip,*) exit {bare} ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *" pip install "*) echo Collecting one; echo "{says}"; echo "$*" >>pip; exit {failed} ;;
    "- "*) cat >/dev/null; cp "$0" .venv/bin/anchor-bot ;;
esac
"""


class Checkout:
    """The script and the lists of packages, and a Python that installs nothing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "scripts").mkdir()
        shutil.copy(SCRIPT, directory / "scripts/setup")
        (directory / "requirements.txt").write_text("one==1\ntwo==2 ; sys_platform == 'win32'\nthree==3\n")
        (directory / "requirements-dev.txt").write_text("one==1\nthree==3\nfour==4\n")
        self.let_python()

    def let_python(self, *, old: int = 0, bare: int = 0, failed: int = 0, says: str = "") -> None:
        python = self.directory / "python"
        python.write_text(PYTHON.format(old=old, bare=bare, failed=failed, says=says))
        python.chmod(stat.S_IRWXU)

    def setup(self, *arguments: str, code: int = 0, **environ: str) -> list[str]:
        done = subprocess.run(  # noqa: S603 - ours
            ("/bin/sh", "scripts/setup", *arguments),
            cwd=self.directory,
            env=os.environ | {"PYTHON": str(self.directory / "python")} | environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (code, "")
        return done.stderr.splitlines()

    @property
    def installed(self) -> list[str]:
        return [line.split()[-1] for line in (self.directory / "pip").read_text().splitlines()]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_running_takes_one_list_and_the_rest_is_added(checkout: Checkout) -> None:
    environment, packages, end = checkout.setup("--run-only")
    assert ("Python 3.13.5" in environment, " s" in environment) == (True, True)
    assert (" 2 packages into .venv, about " in packages, end.endswith(" s")) == (True, True)
    assert checkout.installed == ["requirements.txt"]
    assert checkout.setup("--run-only") == []
    assert len(checkout.setup()) == 2
    assert checkout.setup() == checkout.setup("--run-only") == []
    assert checkout.installed == ["requirements.txt", "requirements-dev.txt"]
    (checkout.directory / "requirements-dev.txt").write_text("one==1\n")
    assert len(checkout.setup()) == 3
    assert checkout.installed == ["requirements.txt", "requirements-dev.txt", "requirements-dev.txt"]


def test_what_keeps_it_from_installing_is_one_sentence(checkout: Checkout) -> None:
    for old, bare, about in ((1, 0, "3.11"), (0, 1, "apt install python3-venv")):
        checkout.let_python(old=old, bare=bare)
        (sentence,) = checkout.setup(code=1)
        assert about in sentence
    checkout.let_python()
    (sentence,) = checkout.setup(code=1, VENV="/proc/here")
    assert f"/proc/here in {checkout.directory}" in sentence
    script = checkout.directory / "scripts/setup"
    script.write_bytes(SCRIPT.read_bytes().replace(b"\n", b"\r\n"))
    (sentence,) = checkout.setup(code=1)
    assert "CRLF" in sentence


@pytest.mark.parametrize(
    ("says", "is_offline"),
    [("ERROR: No matching distribution", False), ("WARNING: Retrying (Retry(total=0, connect=None)) after", True)],
    ids=["a version is missing", "no network"],
)
def test_a_failure_shows_what_pip_wrote_and_is_repeated(checkout: Checkout, says: str, *, is_offline: bool) -> None:
    checkout.let_python(failed=1, says=says)
    lines = checkout.setup("--run-only", code=1)
    assert "Collecting one" in lines
    assert ("network" in lines[-1]) == is_offline
    checkout.let_python()
    assert len(checkout.setup("--run-only")) == 3
