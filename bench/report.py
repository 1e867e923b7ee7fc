"""Write the tables, for the terminal and for docs/performance.md."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.catalog import Measure
from bench.interpreter import build
from bench.machine import description
from bench.plot import plot
from bench.results import Results, spread
from bench.revisions import ROOT
from bench.sections import SECTIONS, Section

_PAGE = ROOT / "docs/performance.md"
_PICTURE = ROOT / "docs/pictures/performance.svg"
_BEGIN, _END = "<!-- scripts/bench {} writes this part -->", "<!-- end of the measured part -->"
_DISTURBED = 10  # percent
_SLOW_DISK = 100  # milliseconds
_PACKAGES = ("slack-bolt", "slack-sdk", "aiohttp", "httpx", "uvloop", "psycopg")


def tables(results: Results, measures: Sequence[Measure]) -> str:
    """Return a table for each measure that has numbers, and the problems, in Markdown."""
    parts = [_table(results, measure) for measure in measures]
    problems = [f"- {problem}" for problem in results.problems] or ["None: every answer was right."]
    return "\n\n".join([part for part in parts if part] + ["### Wrong answers", "\n".join(problems)]) + "\n"


def _table(results: Results, measure: Measure) -> str:
    measured = [one for one in results.applications if any(results.values(one, n.name) for n in measure.numbers)]
    if not measured:
        return ""
    compared = [number for number in measure.numbers if number.is_compared and len(measured) > 1]
    titles = [number.title for number in measure.numbers]
    titles += [f"ours ÷ it: {number.title.partition(',')[0]}" for number in compared]
    lines = [f"| application | {' | '.join(titles)} |", "|---|" + "---|" * len(titles)]
    for application in measured:
        cells = [spread(results.values(application, number.name), number.digits) for number in measure.numbers]
        cells += [spread(results.ratios(application, number.name), 2) for number in compared]
        lines.append(f"| {application.full_title} | {' | '.join(cells)} |")
    return f"### {measure.title}\n\n{measure.sentence}\n\n" + "\n".join(lines)


def setting(rounds: int, seconds: float, results: Results) -> str:
    """Return the machine, the versions and the extent of a run, and a warning if other programs disturbed it."""
    applications = results.applications
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    if any(application.name.startswith("bolt-js") for application in applications):
        packages += [f"@slack/bolt {_bolt_js_version()}", f"Node {_output('node', '--version').removeprefix('v')}"]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, revision {_output('git', 'describe', '--always', '--dirty')}. "
        f"{description()}. Python {sys.version.split()[0]} ({build()}), {', '.join(packages)}. "
        f"Rounds: {rounds}. Each throughput is measured for {seconds:g} s.{_warning(results)}"
    )


def _warning(results: Results) -> str:
    warnings = []
    share, wait = _most(results, "others", "others_at_25"), _most(results, "disk_at_1", "disk_at_25", "disk_at_100")
    if share >= _DISTURBED:
        warnings.append(
            f" **Other programs took up to {share:.0f} % of the applications' core: compare no times, nor commands per "
            "second.**"
        )
    if wait >= _SLOW_DISK:
        warnings.append(
            f" **The disk took up to {wait:.0f} ms for 8 KB: compare no p99 on PostgreSQL. With `TMPDIR=/dev/shm` the "
            "databases are in memory.**"
        )
    return "".join(warnings)


def _most(results: Results, *names: str) -> float:
    """Return the highest of numbers with these names."""
    found = (results.values(one, name) for one in results.applications for name in names)
    return max((number for of_one in found for number in of_one), default=0.0)


def write_page(section: Section, results: Results, measures: Sequence[Measure], run: str) -> None:
    """Replace a measured part of docs/performance.md; with the first one, the plot."""
    begin = _BEGIN.format(section.name)
    before, _, rest = _PAGE.read_text().partition(begin)
    _, _, after = rest.partition(_END)
    parts = [begin, run, f"{tables(results, measures)}\n{_END}"]
    if section is SECTIONS[0]:
        parts.insert(2, "![Time to the message and processor time per command](pictures/performance.svg)")
        _PICTURE.write_text(plot(results))
    _PAGE.write_text(before + "\n\n".join(parts) + after)


def _bolt_js_version() -> str:
    text = (Path(__file__).parent / "peers/bolt_js/package.json").read_text()
    return text.partition('"@slack/bolt": "')[2].partition('"')[0]


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - fixed
