"""The benchmark: its names, its page, and its count of what a process takes."""

import subprocess
import sys

import pytest

from bench.applications import APPLICATIONS
from bench.machine import Meter
from bench.measures import MEASURES
from bench.report import PAGE, ages
from bench.running import cores

WORKER = """
import sys, threading, time
def work():
    sys.stdin.readline()
    for _ in range(40): time.sleep(0.001)
    while time.thread_time() < 0.05: pass
    print("done", flush=True)
    time.sleep(60)
threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_names_what_exists_and_the_page_has_a_place_for_it(name: str) -> None:
    assert set(MEASURES[name].applications) <= {application.name for application in APPLICATIONS}
    assert f"<!-- scripts/bench {name} writes this part -->" in PAGE.read_text()
    assert f"{name}: " in ages()


def test_all_threads_of_a_process_are_counted() -> None:
    command = (sys.executable, "-c", WORKER)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        meter = Meter(process.pid, core=cores()[0])
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        usage = meter.read()
        process.kill()
    assert usage.switches >= 40
    assert usage.cpu >= 0.04
