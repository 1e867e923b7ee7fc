"""The tests that run a line: measured once for each state of the bot and its tests, and kept."""

import hashlib
import json
import os
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from coverage.numbits import numbits_to_nums

from scripts.mutation import recorder
from scripts.mutation.checkout import ROOT, Checkout, files

CACHE = ROOT / ".mutation"
_WORKERS = "4"  # some tests wait
_IS_NO_CODE = ("tests/README.md", "tests/mutants.json")
_SCHEMA = """
CREATE TABLE test (id INTEGER PRIMARY KEY, name TEXT UNIQUE, seconds REAL, costly INTEGER, passed INTEGER,
                   lines INTEGER DEFAULT 0);
CREATE TABLE hit (file TEXT, test INTEGER, bits BLOB);
CREATE INDEX by_file ON hit (file);
"""


@dataclass(frozen=True, slots=True)
class Test:
    """A test, its processor time, how many lines of the bot it runs, and whether it needs a process or PostgreSQL."""

    name: str
    seconds: float
    lines: int
    costly: bool


class CoverageMap:
    """The records of one run of the tests."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path)) as database:
            self.tests = {
                number: Test(name, seconds, lines, bool(costly))
                for number, name, seconds, lines, costly in database.execute(
                    "SELECT id, name, seconds, lines, costly FROM test WHERE passed"
                )
            }
        self._path = path

    def covering(self, lines: set[tuple[str, int]]) -> list[Test]:
        """Return the tests that run one of these lines of files."""
        found = set[int]()
        with closing(sqlite3.connect(self._path)) as database:
            for file in {file for file, _ in lines}:
                wanted = {line for other, line in lines if other == file}
                for test, bits in database.execute("SELECT test, bits FROM hit WHERE file = ?", (file,)):
                    if test in self.tests and not wanted.isdisjoint(numbits_to_nums(bits)):
                        found.add(test)
        return [self.tests[number] for number in sorted(found)]


def load() -> CoverageMap:
    """Return the records of this state of the files, measured now if they are not there yet."""
    digest = hashlib.sha256()
    for name in files():
        if name.startswith(("bot/", "tests/", "pyproject.toml", "requirements-dev.txt")) and name not in _IS_NO_CODE:
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    path = CACHE / f"{digest.hexdigest()[:16]}.db"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="mutate-") as directory:
            _measure(Path(directory).resolve(), path)
    return CoverageMap(path)


def _measure(directory: Path, path: Path) -> None:
    checkout, records = Checkout(directory / "copy"), directory / "records"
    records.mkdir()
    options = ["-q", "-m", "not long and not realtime", "--ignore", "tests/browser", "--tb", "no"]
    options += ["--timeout", "1200", "-p", "scripts.mutation.recorder", "-n", _WORKERS, "--dist", "worksteal"]
    subprocess.run(  # noqa: S603 - our own words
        [checkout.python, "-m", "pytest", *options],
        cwd=checkout.root,
        env=checkout.environment | {recorder.DIRECTORY: str(records)},
        check=False,
    )
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as database, database:
        database.executescript(_SCHEMA)
        for file in records.glob("tests.*"):
            lines = (
                file.read_text().splitlines()
            )  # the copy's path may be in the name of a test: elsewhere it has another
            rows = [json.loads(line) for line in lines if str(checkout.root) not in line]
            database.executemany("INSERT OR IGNORE INTO test (name, seconds, costly, passed) VALUES (?, ?, ?, ?)", rows)
        numbers = dict(database.execute("SELECT name, id FROM test"))
        for file in records.glob("lines.*"):
            _merge(file, f"{checkout.root}{os.sep}", numbers, database)
    partial.replace(path)


def _merge(file: Path, root: str, numbers: dict[str, int], database: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(file)) as lines:
        found = lines.execute(
            "SELECT path, context, numbits FROM line_bits JOIN file ON file.id = file_id JOIN context ON context.id ="
            " context_id"
        )
        for path, test, bits in found:
            if test in numbers and path.startswith(root):
                database.execute("INSERT INTO hit VALUES (?, ?, ?)", (path.removeprefix(root), numbers[test], bits))
                counted = len(numbits_to_nums(bits))
                database.execute("UPDATE test SET lines = lines + ? WHERE id = ?", (counted, numbers[test]))
