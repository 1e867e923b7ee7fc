"""Tests of promises in seconds: they run alone, up to three times, since another program can take the machine away."""

import os
import time

import pytest
from _pytest.runner import runtestprotocol

TRIES = 3
PAUSE = 5.0  # seconds after a try that failed


def run_in_real_time(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test until it succeeds, report the last try, and print the load of the machine."""
    terminal: pytest.TerminalReporter | None = item.config.pluginmanager.get_plugin("terminalreporter")
    reports: list[pytest.TestReport] = []
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for number in range(1, TRIES + 1):
        reports[:] = runtestprotocol(item, nextitem=nextitem, log=False)
        has_failed = any(report.failed for report in reports)
        load = " ".join(f"{average:.1f}" for average in os.getloadavg())
        if terminal:
            terminal.write_line(f"{item.name}: try {number} {'failed' if has_failed else 'passed'}, load {load}")
        if not has_failed:
            break
        time.sleep(PAUSE)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
