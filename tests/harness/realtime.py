"""Tests of promises in seconds: they run alone, up to three times, since another program can take the machine away."""

import os
import time

import pytest
from _pytest.runner import runtestprotocol

TRIES = 3
PAUSE = 5.0  # seconds after a try that failed


def run_in_real_time(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test until it succeeds, and report the last try. Of each, print the load of the machine and the error."""
    terminal: pytest.TerminalReporter | None = item.config.pluginmanager.get_plugin("terminalreporter")
    reports: list[pytest.TestReport] = []
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for number in range(1, TRIES + 1):
        reports[:] = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = [report for report in reports if report.failed]
        load = " ".join(f"{average:.1f}" for average in os.getloadavg())
        if terminal:
            terminal.write_line(f"{item.name}: try {number} {'failed' if failed else 'passed'}, load {load}")
        if not failed:
            break
        if terminal and number < TRIES:
            terminal.write_line("\n".join(report.longreprtext for report in failed))
        time.sleep(PAUSE)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
