"""Run the benchmark: rounds of all applications in turn, with the measures that were asked for."""

import argparse
import asyncio
import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import uvloop

from bench import report
from bench.applications import APPLICATIONS, Application, at_revision, install_bolt_js
from bench.measures import MEASURES
from bench.running import Launcher, NotStartedError, cores
from bench.services import Services

_LONGEST = 1_800.0  # seconds for one measure; with valgrind on a busy machine it takes as long
_TOOLS = {"taskset": "util-linux", "node": "nodejs", "npm": "npm", "valgrind": "valgrind"}


def main() -> int:
    """Measure and report; return 1 if an answer was wrong, 2 if the run could not begin."""
    options = _options()
    if options.ages:
        print(report.ages())
        return 0
    wanted = options.apps or [name for measure in options.only for name in MEASURES[measure].applications]
    try:
        applications = _applications(wanted, options.against, options.only)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        _say(str(error))
        return 2
    results = report.Results(applications, options.rounds)
    of_load, of_applications = cores()
    os.sched_setaffinity(0, {of_load})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as directory, ExitStack() as closing:
        try:
            uvloop.run(_measure(results, options, of_applications, Path(directory), closing))
        except asyncio.CancelledError:
            return 130
    for measure in options.only:
        print(f"### {measure}\n\n{report.explanation(measure)}\n\n{results.table(measure)}\n")
        if options.write:
            report.write_page(results, measure)
    print(results.setting())
    print("\n".join(results.problems) or "Every answer was right.")
    print(f"\ndocs/performance.md was measured:\n{report.ages()}")
    return 1 if results.problems else 0


async def _measure(
    results: report.Results, options: argparse.Namespace, core: int, directory: Path, closing: ExitStack
) -> None:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # scripts/bench forwards Ctrl-C so
    services = Services()
    await services.start()
    launcher = Launcher(services, core, directory, closing)
    for number in range(1, options.rounds + 1):
        for measure in options.only:
            named = options.apps or MEASURES[measure].applications
            for application in results.applications[:: 1 if number % 2 else -1]:
                if application.name in named:
                    where = f"round {number}, {application.full_name}, {measure}"
                    _say(where)
                    await _measure_one(results, launcher, application, measure, number)


async def _measure_one(
    results: report.Results, launcher: Launcher, application: Application, measure: str, number: int
) -> None:
    """Measure one application in one round. Report a problem and go on."""
    gc.collect()  # it is off otherwise: a collection would count as the application's time
    gc.disable()
    problems = list[str]()
    try:
        async with asyncio.timeout(_LONGEST):
            results.add(application, measure, number, await MEASURES[measure].run(launcher, application))
    except (NotStartedError, OSError, ValueError, subprocess.CalledProcessError, aiohttp.ClientError) as error:
        problems.append(f"{type(error).__name__} {error}")
    problems += launcher.services.book.check()
    results.problems.extend(f"round {number}, {application.full_name}, {measure}: {one}" for one in problems)


def _applications(names: list[str], revisions: list[str], measures: list[str]) -> list[Application]:
    """Return the applications in the order of the tables. Raises CalledProcessError or FileNotFoundError."""
    needed = ["taskset", *(["node", "npm"] if "bolt-js" in names else [])]
    for tool in [*needed, *(["valgrind"] if "instructions" in measures else [])]:
        if shutil.which(tool) is None:
            raise FileNotFoundError(f"{tool} is missing. On Debian: apt install {_TOOLS[tool]}")
    if "bolt-js" in names:
        install_bolt_js()
    chosen = [one for one in APPLICATIONS if one.name in names]
    bots = [one for one in chosen if one.is_bot]
    others = [one for revision in revisions for one in at_revision(bots, revision)]
    return [*bots, *others, *(one for one in chosen if not one.is_bot)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this bot and its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure everything (5)")
    parser.add_argument("--only", nargs="+", default=["rate"], choices=MEASURES, help="the measures (rate)")
    parser.add_argument("--apps", nargs="+", choices=[one.name for one in APPLICATIONS], help="the applications")
    parser.add_argument("--against", nargs="+", default=[], metavar="REV", help="also the bots of these git revisions")
    parser.add_argument("--write", action="store_true", help="write the measured parts of docs/performance.md")
    parser.add_argument("--ages", action="store_true", help="only print how old each part of docs/performance.md is")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"scripts/bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
