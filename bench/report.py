"""The numbers of all rounds with their ratios, as tables for the terminal and for docs/performance.md."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from inspect import getdoc
from statistics import median

from bench.applications import ROOT, Application, run
from bench.machine import description
from bench.measures import MEASURES, OTHERS

PAGE = ROOT / "docs/performance.md"

_PART = re.compile(r"<!-- scripts/bench (\w+) writes this part -->\n(.*?)<!-- end of the measured part -->", re.DOTALL)
_REVISION = re.compile(r"revision ([0-9a-f]+)")
_PACKAGES = ("slack-bolt", "slack-sdk", "aiohttp", "httpx", "uvloop", "psycopg")
_DISTURBED = 10  # percent
_FEW, _SOME = 10, 100  # from which on a number has one digit less behind the point


class Results:
    """Numbers by application, measure, title and round; and what went wrong."""

    def __init__(self, applications: Sequence[Application], rounds: int) -> None:
        self.applications = applications
        self.rounds = rounds
        self.problems: list[str] = []
        self._values: defaultdict[tuple[str, str], dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))

    def add(self, application: Application, measure: str, round_number: int, numbers: dict[str, float]) -> None:
        """Add the numbers of a measure."""
        for title, value in numbers.items():
            self._values[application.full_name, measure][title][round_number] = value

    def table(self, measure: str) -> str:
        """Return the table of a measure: a row for each number, and the ratios *ours ÷ it* within the same rounds."""
        measured = [one for one in self.applications if self._values[one.full_name, measure]]
        columns = [f"{one.title}, {one.revision}" if one.revision else one.title for one in measured]
        found = dict.fromkeys(title for one in measured for title in self._values[one.full_name, measure])
        titles = [title for title in found if OTHERS not in title]
        lines = [f"| | {' | '.join(columns)} |", "|---" * (len(measured) + 1) + "|"]
        for title in titles:
            cells = [self._cell(one, measure, title) for one in measured]
            lines.append(f"| {title} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def setting(self) -> str:
        """Return when, where and with which versions it was measured, and whether other programs disturbed it."""
        packages = [f"{name} {version(name)}" for name in _PACKAGES]
        if any(one.name == "bolt-js" for one in self.applications):
            packages.append(f"Node {run('node', '--version').removeprefix('v')}")
        others = [
            value
            for numbers in self._values.values()
            for title, rounds in numbers.items()
            if OTHERS in title
            for value in rounds.values()
        ]
        text = (
            f"{datetime.now(UTC):%Y-%m-%d}, revision {run('git', 'describe', '--always', '--dirty', '--exclude=*')}. "
            f"{description()}. Python {sys.version.split()[0]} of {sys.base_prefix}, {', '.join(packages)}. "
            f"Rounds: {self.rounds}."
        )
        if max(others, default=0.0) >= _DISTURBED:
            text += f" **Others took up to {max(others):.0f} % of the core: compare no times but CPU.**"
        return text

    def _cell(self, application: Application, measure: str, title: str) -> str:
        values = self._values[application.full_name, measure][title]
        ours = self._values[application.name if application.revision else "http", measure][title]
        ratios = [ours[number] / value for number, value in values.items() if value and number in ours]
        if not values:
            return "–"
        return spread(list(values.values())) + (f"; ×{spread(ratios)}" if ratios and ours is not values else "")


def spread(values: Sequence[float]) -> str:
    """Return the median and the range, or the value if there is only one."""
    words = [f"{one:,.{2 - (one >= _FEW) - (one >= _SOME)}f}" for one in (median(values), min(values), max(values))]
    return words[0] if len(values) == 1 else f"{words[0]} ({words[1]}–{words[2]})"


def explanation(measure: str) -> str:
    """Return what a measure does."""
    return " ".join((getdoc(MEASURES[measure].run) or "").split())


def write_page(results: Results, measure: str) -> None:
    """Replace the measured part of docs/performance.md about a measure."""

    def replace(part: re.Match[str]) -> str:
        text = f"\n{results.setting()}\n\n{results.table(measure)}\n\n"
        return part[0].replace(part[2], text) if part[1] == measure else part[0]

    PAGE.write_text(_PART.sub(replace, PAGE.read_text()))


def ages() -> str:
    """Return how many commits ago each part of docs/performance.md was measured."""
    return "\n".join(f"{name}: {_age(text)}" for name, text in _PART.findall(PAGE.read_text()))


def _age(text: str) -> str:
    revision = _REVISION.search(text)
    try:
        return f"{run('git', 'rev-list', '--count', f'{revision[1]}..')} commits ago" if revision else "never"
    except subprocess.CalledProcessError:
        return "at a revision that is not here"
