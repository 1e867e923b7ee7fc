"""The command line of `scripts/bench`."""

import argparse
from collections.abc import Sequence

from bench.applications import BOTS, OLD, PEERS, VARIANTS
from bench.catalog import MEASURES
from bench.sections import SECTIONS

_APPLICATIONS = tuple(application.name for application in (*BOTS, *OLD, *VARIANTS, *PEERS))
_MEASURES = tuple(dict.fromkeys(measure.name for measure in MEASURES))  # some have one name


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure this bot and its peers. A run of a whole section writes it into docs/performance.md.",
    )
    sections = [section.name for section in SECTIONS]
    parser.add_argument("section", nargs="?", default=sections[0], choices=sections, help="the part of the page")
    parser.add_argument("--rounds", type=int, help="how often to measure everything (otherwise 1 to 5, by the section)")
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of each throughput measurement (3)")
    parser.add_argument("--apps", type=_names(_APPLICATIONS), help=f"some of {','.join(_APPLICATIONS)}")
    parser.add_argument("--only", type=_names(_MEASURES), help=f"some of {','.join(_MEASURES)}")
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="REV",
        help="measure the bots of this git revision, too; can be repeated",
    )
    parser.add_argument("--write", action="store_true", help="write docs/performance.md after a run of a part, too")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=("npm", "taskset"),
        help="go on without the peers in JavaScript, or without cores of their own",
    )
    return parser.parse_args(arguments)


def _names(known: Sequence[str]) -> "type[list[str]]":
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
        return names

    return read  # type: ignore[return-value]
