"""Pytest plugin that records the lines that each test runs, and the processor time that it takes."""

import json
import os
import resource
import uuid
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

DIRECTORY = "MUTATION_RECORDS"
_TEST = "COVERAGE_TEST"  # the harness passes variables with this prefix to the processes that it starts
_SETTINGS = """
[run]
source = {root}/bot
omit =
    */bot/sim/*
    */bot/demo/*
parallel = true
core = ctrace
data_file = {directory}/lines
context = ${{{test}-}}
"""


def pytest_configure(config: pytest.Config) -> None:
    """Record in each worker, not in the process that distributes the tests."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.rootpath, Path(os.environ[DIRECTORY])))


class Recorder:
    """Coverage with the name of the test as its context, also in the processes that a test starts."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._directory = directory
        self._passed = True
        name = uuid.uuid4().hex
        self._tests = (directory / f"tests.{name}").open("a")  # a worker that dies leaves what it has measured
        settings = directory / f"settings.{name}"
        settings.write_text(_SETTINGS.format(root=root, directory=directory, test=_TEST))
        self._coverage = coverage.Coverage(config_file=str(settings))
        self._coverage.start()
        os.environ["COVERAGE_PROCESS_START"] = str(settings)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Attribute lines and time to the test."""
        os.environ[_TEST] = item.nodeid
        self._coverage.switch_context(item.nodeid)
        self._passed, began = True, _processor_time()
        try:
            return (yield)
        finally:
            self._coverage.switch_context("")
            costly = item.nodeid.startswith("tests/process/") or bool(item.get_closest_marker("postgresql"))
            record = (item.nodeid, _processor_time() - began, costly, self._passed)
            print(json.dumps(record), file=self._tests, flush=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test did not pass."""
        self._passed = self._passed and report.passed

    def pytest_sessionfinish(self) -> None:
        """Write the lines of the last test."""
        self._coverage.stop()
        self._coverage.save()


def _processor_time() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
