"""Run the benchmark: rounds of all applications in turn, with the measures that were asked for."""

import argparse
import gc
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import report
from bench.applications import BOTS, OLD, PEERS, VARIANTS, Application
from bench.catalog import MEASURES, Measure
from bench.databases import Databases
from bench.machine import cores
from bench.measures import Stage
from bench.options import parse
from bench.preparation import MissingToolError, install_bolt_js, pinning, require_valgrind
from bench.results import Results
from bench.revisions import check_out, current
from bench.running import Launcher, NotStartedError
from bench.sections import SECTIONS, Section
from bench.services import Services


def main() -> int:
    """Prepare, measure and report; return 1 if an answer of this bot was wrong, 2 if the run could not begin."""
    options = parse()
    section = next(one for one in SECTIONS if one.name == options.section)
    rounds = options.rounds or section.rounds
    try:
        applications, measures = _applications(options, section), _measures(options, section)
        pair = cores()
        prefix = pinning(pair[1], options.without)
    except MissingToolError as error:
        _say(str(error))
        return 2
    except subprocess.CalledProcessError:
        return 2  # git has said why
    if prefix:
        os.sched_setaffinity(0, {pair[0]})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = Results(applications)
    with tempfile.TemporaryDirectory() as directory, closing(Databases(Path(directory))) as databases:
        uvloop.run(
            _measure(rounds, options.seconds, measures, results, Parts(prefix, pair, Path(directory), databases))
        )
    run = report.setting(rounds, options.seconds, results)
    sys.stdout.write(f"{run}\n\n{report.tables(results, measures)}")
    if options.write or not (options.apps or options.only or options.without):
        report.write_page(section, results, measures, run)
        _say("docs/performance.md is written")
    return 1 if results.problems else 0


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a run that exist before its event loop."""

    prefix: tuple[str, ...]
    cores: tuple[int, int]
    directory: Path
    databases: Databases


async def _measure(rounds: int, seconds: float, measures: list[Measure], results: Results, parts: Parts) -> None:
    services = Services()
    await services.start()
    launcher = Launcher(services, parts.prefix, parts.directory)
    gc.disable()
    for number in range(1, rounds + 1):
        order = results.applications if number % 2 else list(reversed(results.applications))
        for application in order:
            _say(f"round {number} of {rounds}: {application.full_name}")
            stage = Stage(application, services, launcher, parts.databases, parts.cores, seconds)
            await _measure_one(stage, measures, results, number)


async def _measure_one(stage: Stage, measures: list[Measure], results: Results, number: int) -> None:
    """Measure one application in one round, and go on after a problem: it is reported."""
    wanted = [measure for measure in measures if measure.is_for(stage.application)]
    name = f"round {number}, {stage.application.full_title}"
    try:
        wanted.sort(key=lambda measure: not measure.is_first)
        together = [(one, one.run) for one in wanted if one.run is not None]
        if together:
            async with stage.start() as running:
                for measure, run in together:
                    _add(results, stage, number, measure, await run(stage, running))
        for measure in wanted:
            if measure.run_alone is not None:
                _add(results, stage, number, measure, await measure.run_alone(stage))
    except (NotStartedError, TimeoutError, ValueError, subprocess.CalledProcessError) as error:
        problems = [*stage.problems, *stage.services.book.check(), f"{type(error).__name__} {error}"]
        results.problems.extend(f"{name}: {problem}" for problem in problems)


def _add(results: Results, stage: Stage, number: int, measure: Measure, numbers: dict[str, float]) -> None:
    results.add(stage.application, number, numbers)
    where = f"round {number}, {stage.application.full_title}, {measure.name}"
    results.problems.extend(f"{where}: {problem}" for problem in stage.problems)
    stage.problems.clear()


def _applications(options: argparse.Namespace, section: Section) -> list[Application]:
    """Return the applications in the order of the tables. Raises MissingToolError or CalledProcessError."""
    names = options.apps or section.applications
    revisions = [current(), *map(check_out, options.against)]
    bots = [bot.at(revision) for bot in (*BOTS, *OLD, *VARIANTS) if bot.name in names for revision in revisions]
    peers = [peer for peer in PEERS if peer.name in names]
    if "npm" in options.without:
        peers = [peer for peer in peers if not peer.name.startswith("bolt-js")]
    if any(peer.name.startswith("bolt-js") for peer in peers):
        install_bolt_js()
    return bots + peers


def _measures(options: argparse.Namespace, section: Section) -> list[Measure]:
    """Return the measures. Raises MissingToolError."""
    names = options.only or section.measures
    if "instructions" in names:
        require_valgrind()
    return [measure for measure in MEASURES if measure.name in names]


def _say(text: str) -> None:
    sys.stderr.write(f"scripts/bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
