"""Server that has imported what tests need from other projects, and forks a pytest for each request.

A request is a line on stdin: a list of tests, and the file for the output. The answers are lines on stdout.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import sys

import pytest

_LIBRARIES = (
    *("aiohttp.web", "cryptography.hazmat.primitives.ciphers.aead", "httpx", "hypothesis"),
    *("psycopg", "slack_bolt.async_app", "slack_sdk.web.async_client", "trustme"),
    *("uvloop", "yaml"),
)
_OPTIONS = (
    *("-x", "-q", "-p", "no:xdist", "--timeout", "0", "--hypothesis-seed", "0"),
    *("-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"),
)


class _Tests:
    """The chosen tests, in their order. Tells which begins, and which fails."""

    def __init__(self, names: list[str]) -> None:
        self._names = {_of(name): name for name in names}
        self.functions = list(dict.fromkeys(name.partition("[")[0] for name in names))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the chosen ones, or all of a test whose parameters are other ones with the mutation."""
        known = {
            function for function, _ in map(_of, (item.nodeid for item in items if _of(item.nodeid) in self._names))
        }
        order = {test: place for place, test in enumerate(self._names)}
        last = len(order)
        items[:] = [item for item in items if (test := _of(item.nodeid)) in order or test[0] not in known]
        items.sort(key=lambda item: order.get(_of(item.nodeid), last))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _say("begins", self._names.get(_of(nodeid), nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _say("fails", self._names.get(_of(report.nodeid), report.nodeid))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            _say("fails", report.nodeid)


def _of(name: str) -> tuple[str, tuple[str, ...]]:
    """Return a test and its parameters. Their sequence depends on which directories pytest is given."""
    function, _, parameters = name.partition("[")
    return function, tuple(sorted(parameters.removesuffix("]").split("-")))


def _say(*words: str | int) -> None:
    os.write(_answers, f"{json.dumps(words)}\n".encode())


def _import_alone(name: str, file: str) -> None:
    """Import a module without its package, which imports the bot."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec and spec.loader:
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _run(tests: list[str], output: str) -> int:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    chosen = _Tests(tests)
    code = pytest.main([*_OPTIONS, *chosen.functions], plugins=[chosen])
    sys.stdout.flush()
    return int(code)


if __name__ == "__main__":
    _answers = os.dup(1)
    os.dup2(2, 1)
    _import_alone("harness.virtual_time", "tests/harness/virtual_time.py")  # first: libraries keep functions of `time`
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    if "bot" in sys.modules:
        raise RuntimeError("the bot has to be imported after each mutation")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 3  # pytest's for an internal error
            try:
                code = _run(*json.loads(line))
            finally:
                os._exit(code)
        _say("pid", child)
        _say("ends", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
