"""Server that has imported what tests need from other projects, and forks a pytest for each request.

A request is a line on stdin: a list of tests, and the file for the output. The answers are lines on stdout.
"""

import contextlib
import importlib
import json
import os
import sys

import pytest

_LIBRARIES = (
    *("aiohttp.web", "alembic.command", "cryptography.fernet", "httpx", "httpx_aiohttp", "hypothesis", "jsonschema"),
    *("psycopg", "slack_bolt.async_app", "slack_sdk.web.async_client", "sqlalchemy.dialects.postgresql", "trustme"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.ext.asyncio", "uvloop", "yaml"),
)
_OPTIONS = (
    *("-x", "-q", "-p", "no:xdist", "-p", "no:cov", "--timeout", "0", "--hypothesis-seed", "0"),
    *("-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"),
)


class _Reporter:
    """Tells which test begins, and which fails."""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _say("begins", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _say("fails", report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            _say("fails", report.nodeid)


def _say(*words: str | int) -> None:
    os.write(_answers, f"{json.dumps(words)}\n".encode())


def _run(tests: list[str], output: str) -> int:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    return int(pytest.main([*_OPTIONS, *tests], plugins=[_Reporter()]))


if __name__ == "__main__":
    _answers = os.dup(1)
    os.dup2(2, 1)
    sys.path.insert(0, "tests")
    importlib.import_module("harness.virtual_time")  # first: libraries keep functions of `time`
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
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
