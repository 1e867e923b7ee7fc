"""What every test shares: the event loop it runs on, and the databases it may ask for."""

# ruff: noqa: E402 - pytest must know of the harness before it is imported

import gc
import inspect
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

gc.disable()  # until all tests are collected: a tenth of the time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and so do its children
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(65_536, most), most))  # both ends of each connection are here
MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is made as in /tmp
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 << 30:  # a disk can take seconds to write a file
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # processes run the code of this checkout, too
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment] # no schema needs it, and jsonschema loads it for seconds
pytest.register_assert_rewrite("harness")

from bot.cli.manifest import manifest
from bot.logs import TextFormatter
from harness.databases import PostgreSQL, new_databases, server_directory
from harness.secret_scan import leaks
from harness.snapshot import SNAPSHOT, is_recorded, watch_slack
from harness.virtual_time import VirtualTimeLoop, clock
from scripts import settings_page

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
SERVER = "TESTS_POSTGRESQL"
"""The variable with the directory of the PostgreSQL of a run, for the workers of xdist."""

settings.register_profile(
    "same examples", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=50
)
settings.register_profile("nightly", settings.get_profile("same examples"), derandomize=False, max_examples=300)
settings.load_profile("same examples")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--transports",
        choices=["one", "marked", "all"],
        default="marked",
        help="conversations on one transport each; those marked so on both; or all on both",
    )
    parser.addoption("--blocks", type=Path, help="a file for the JSON of all messages and views; without -n")
    parser.addoption("--update", action="store_true", help="rewrite tests/texts.txt and the pages made from code")
    parser.addoption("--all-texts", action="store_true", help="the run is complete: no line of tests/texts.txt is left")


def pytest_configure(config: pytest.Config) -> None:
    SNAPSHOT.update = config.getoption("update")
    watch_slack()
    if not is_worker(config):
        os.environ[SERVER] = str(server_directory())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not is_worker(config) and (directory := os.environ.pop(SERVER, None)):
        PostgreSQL(Path(directory)).remove()


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


OTHER_PROCESSES = ("process", "browser", "demo")
"""The directories of tests that start other processes, which do not follow virtual time."""


def parameters_of(item: pytest.Item) -> dict[str, object]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def pytest_itemcollected(item: pytest.Item) -> None:
    is_there = "postgresql" in parameters_of(item).values()
    if isinstance(item, pytest.Function) and ("postgresql_urls" in item.fixturenames or is_there):
        item.add_marker("postgresql")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run in virtual time but for what depends on other processes, or chooses an event loop of its own."""
    is_virtual = inspect.iscoroutinefunction(getattr(item, "obj", None)) and not (
        item.path.parent.name in OTHER_PROCESSES
        or item.get_closest_marker("postgresql")
        or item.get_closest_marker("realtime")
        or "anyio_backend" in parameters_of(item)
    )
    clock.begin_test(is_virtual=is_virtual)


@pytest.hookimpl(trylast=True)  # after -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("update"):
        items[:] = [item for item in items if is_recorded(item) or "wording" in getattr(item, "fixturenames", ())]


def pytest_collection_finish() -> None:
    """Let no test look for garbage among the modules and the tests."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the texts that a worker of xdist has recorded."""
    SNAPSHOT.add(**getattr(node, "workeroutput", {}).get("texts", {"sent": [], "named": {}}))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    options = session.config.option
    if options.blocks:
        options.blocks.write_text(json.dumps(list(SNAPSHOT.shown.values())))
    if is_worker(session.config):
        texts = {"sent": list(SNAPSHOT.sent), "named": dict(SNAPSHOT.named)}
        session.config.workeroutput["texts"] = texts  # type: ignore[attr-defined] # of xdist
    elif exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} and options.update:
        SNAPSHOT.write(is_complete=options.all_texts and exitstatus == pytest.ExitCode.OK)
        settings_page.write()
        MANIFEST.write_text(manifest())
    elif exitstatus == pytest.ExitCode.OK and options.all_texts and (unsent := SNAPSHOT.unsent()):
        # No failure: some lines are sent only if a message takes long enough, or not too long.
        sys.stdout.write("\n".join(["", "this run has not sent these lines of tests/texts.txt:", *unsent, ""]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test fails."""
    report = yield
    if report.skipped and os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


class Listener(logging.Handler):
    """Hears everything as it would be written; `leaked` has the lines with a secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(TextFormatter())
        self.leaked: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if leaks(line):
            self.leaked.append(line)


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test change nothing for the next ones, and log no secret, the bot's own loggers at DEBUG.

    No command ends this process a second later.
    """
    monkeypatch.setattr("bot.cli.main.force_exit_after", lambda *_, **__: None)
    root, ours, listener = logging.getLogger(), logging.getLogger("bot"), Listener()
    before = list(root.handlers), root.level, ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(listener)
    yield
    root.handlers[:], root_level, level = before
    root.setLevel(root_level)
    ours.setLevel(level)
    assert listener.leaked == []


@pytest.fixture
def wording(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/texts.txt, under a name that is unique in the test file."""

    def check(name: str, text: str) -> None:
        SNAPSHOT.check(request.path, name, text)

    return check


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, object]]:
    """A loop in virtual time; processes that tests start run on the loop of production."""
    return ("asyncio", {"loop_factory": VirtualTimeLoop})


@pytest.fixture(scope="session")
def postgresql_urls() -> Iterator[str]:
    """One empty database of a real PostgreSQL after the other. All workers of a run share the server."""
    return new_databases(PostgreSQL(Path(os.environ[SERVER])))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'bot.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """An empty database of each kind, as people write it."""
    if request.param == "sqlite":
        return sqlite_url
    return str(next(request.getfixturevalue("postgresql_urls")))
