"""One mutation in a copy of the checkout: the tests that could notice it run until one fails."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from scripts.mutation.checkout import ROOT, Checkout
from scripts.mutation.coverage_map import CoverageMap, Test
from scripts.mutation.sites import Mutation, users

_MOST_COVERING, _COVERING_SECONDS = 150, 60.0  # of processor time when they were measured
_MOST_OF_FOLDER, _FOLDER_SECONDS = 100, 30.0
_MOST_COSTLY, _COSTLY_SECONDS = 20, 60.0  # tests with a process or PostgreSQL
_AT_IMPORT = ("tests/test_documentation.py", "tests/test_documented_limits.py")  # the lines they test run at import
_FIRST = 8  # tests that run alone first: importing the files of all others takes seconds
_HANGS_AFTER = 300.0  # seconds without news: no test takes so long, also on a busy machine
_LONGEST_TRIAL = 1_200.0
_NONE_FAILED = (0, 5)  # pytest's exit codes: all passed, or no test was found


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutation, the test that noticed it, and how many tests ran."""

    mutation: Mutation
    killed_by: str | None
    hung: bool
    covering: int
    ran: int
    seconds: float

    def __str__(self) -> str:
        end = (
            f"killed by {self.killed_by}"
            if self.killed_by
            else f"SURVIVED {self.ran} of {self.covering} covering tests"
        )
        where = f"{self.mutation.file}:{self.mutation.line}"
        return f"{where}  {self.mutation.what}  {'timed out: ' if self.hung else ''}{end}  [{self.seconds:.0f} s]"


@dataclass(frozen=True, slots=True)
class _Run:
    failed: str | None
    begun: int
    hung: bool = False


class Trials:
    """A copy of the checkout, with the tests to run in it."""

    def __init__(self, directory: Path, tests: CoverageMap) -> None:
        self._tests = tests
        self._checkout = Checkout(directory)
        self._output = directory.with_suffix(".output")
        self._server = subprocess.Popen(  # noqa: S603 - our own words
            [self._checkout.python, "-m", "scripts.mutation.warm"],
            cwd=directory,
            env=self._checkout.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers = queue.SimpleQueue[list[Any]]()
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """End the server."""
        self._server.terminate()
        self._server.wait()

    def judge(self, mutation: Mutation, earlier: str | None) -> Verdict:
        """Run tests until one fails with the mutation, again when it runs alone, and not without the mutation.

        The one that failed in an `earlier` run is the first.
        """
        began = time.monotonic()
        covering, batches = self._plan(mutation, earlier)
        ran = 0
        for left in batches:
            while left and time.monotonic() - began < _LONGEST_TRIAL:
                with self._checkout.edited(mutation.file, mutation.line, mutation.after):
                    run = self._run(left)
                    ran += run.begun
                    if run.failed is None:
                        break
                    is_sure = self._run([run.failed]).failed is not None
                if is_sure and self._passes(run.failed):
                    return Verdict(mutation, run.failed, run.hung, covering, ran, time.monotonic() - began)
                del left[: left.index(run.failed) + 1]
        return Verdict(mutation, None, False, covering, ran, time.monotonic() - began)  # noqa: FBT003

    def _plan(self, mutation: Mutation, earlier: str | None) -> tuple[int, list[list[str]]]:
        lines = {(mutation.file, line) for line in mutation.lines} or users(ROOT, set(mutation.names))
        covering = self._tests.covering(lines)
        cheap = [test for test in covering if not test.costly]
        chosen = _best(cheap, _MOST_COVERING, _COVERING_SECONDS) or _best(covering, _MOST_COSTLY, _COSTLY_SECONDS)
        names = {test.name for test in chosen}
        folder = [test for test in self._of_folder(mutation.file) if test.name not in names and not test.costly]
        more = _best(folder, _MOST_OF_FOLDER, _FOLDER_SECONDS, each="::") if covering else []
        more = [*(test for test in self._tests.tests.values() if test.name.startswith(_AT_IMPORT)), *more]
        batches = [[test.name for test in batch] for batch in (chosen[:_FIRST], chosen[_FIRST:], more)]
        return len(covering), [[earlier] if earlier else [], *batches]

    def _of_folder(self, file: str) -> list[Test]:
        folder = PurePath("tests", *PurePath(file).parts[1:-1])
        while folder != PurePath("tests") and not (ROOT / folder).is_dir():
            folder = folder.parent
        return [test for test in self._tests.tests.values() if PurePath(test.name.partition("::")[0]).parent == folder]

    def _passes(self, test: str) -> bool:
        """Return whether a test passes without the mutation, now: a busy machine can let it fail for a while."""
        if self._run([test]).failed is None:
            return True
        print(f"fails without a mutation, too: {test}")
        return False

    def _run(self, tests: list[str]) -> _Run:
        run, code = self._fork(tests)
        if run.failed is None and code not in _NONE_FAILED:  # nothing could be imported
            return _Run(tests[0], run.begun)
        if run.failed is not None and run.failed not in tests:  # a file that can't be imported, or other parameters
            start = run.failed.partition("[")[0]
            return _Run(next((name for name in tests if name.startswith(start)), tests[0]), run.begun, run.hung)
        return run

    def _fork(self, tests: list[str]) -> tuple[_Run, int]:
        print(json.dumps([tests, str(self._output)]), file=self._server.stdin, flush=True)
        failed, current, begun, pid, hung = None, None, 0, None, False
        while True:
            try:
                match self._answers.get(timeout=_HANGS_AFTER):
                    case ["pid", number]:
                        pid = number
                    case ["begins", name]:
                        current, begun = name, begun + 1
                    case ["fails", name]:
                        failed = failed or name
                    case ["ends", code]:
                        return _Run(failed, begun, hung), code
            except queue.Empty:
                if self._server.poll() is not None:
                    raise RuntimeError("the server of this copy has ended") from None
                if pid is not None:  # else it has not begun: the machine stands still
                    failed, hung = failed or current or tests[0], True
                    _kill(pid)

    def _read(self) -> None:
        for line in self._server.stdout or ():
            self._answers.put(json.loads(line))


def _best(tests: list[Test], most: int, seconds: float, *, each: str = "[") -> list[Test]:
    """Return those that are most about few lines, and quick; the first of `each` test, or file, before the second."""
    cases = Counter[str]()

    def order(test: Test) -> tuple[int, float]:
        group = test.name.partition(each)[0]
        cases[group] += 1
        return cases[group], test.lines * (0.1 + test.seconds)

    chosen = list[Test]()
    for test in sorted(sorted(tests, key=lambda test: (test.lines, test.name)), key=order):
        seconds -= test.seconds
        if len(chosen) == most or seconds < 0:
            break
        chosen.append(test)
    return chosen


def _kill(pid: int) -> None:
    """Kill a process and all below it, if it is there."""
    below = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(path) == pid]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    for child in below:
        _kill(child)


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
