"""Make each fault, and write the measured part of docs/faults.md. It takes a quarter of an hour."""

import argparse
import asyncio
import resource
import sys
import tempfile
from pathlib import Path

from bench.faults.catalog import FAULTS, Fault
from bench.faults.people import End
from bench.faults.rooted import NotPossibleError
from bench.faults.stage import Machine
from bench.pages import setting, spread, write_part
from bench.revisions import ROOT
from harness.databases import postgresql

_PAGE = ROOT / "docs/faults.md"
_TITLES = ("fault", "how it is made", "to Anchor, s", "until the word, s", *End)
_HEAD = f"| {' | '.join(_TITLES)} |\n|{'---|' * len(_TITLES)}"


def main() -> int:
    """Measure, and print or write the table. Return 1 if somebody was told nothing."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description="Measure what faults do to pauses.")
    parser.add_argument("--write", action="store_true", help="write docs/faults.md")
    parser.add_argument("--only", choices=[fault.name for fault in FAULTS], nargs="+", help="some of the faults")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    lines, untold = [_HEAD], 0
    for fault in FAULTS:
        if options.only and fault.name not in options.only:
            continue
        sys.stderr.write(f"scripts/faults: {fault.title}\n")
        sys.stderr.flush()
        line, left = _measure(fault)
        sys.stderr.write(f"{line}\n")
        lines.append(line)
        untold += left
    table = f"{setting()}\n\n" + "\n".join(lines)
    sys.stdout.write(f"{table}\n")
    if options.write:
        write_part(_PAGE, "scripts/faults", table)
    return 1 if untold else 0


def _measure(fault: Fault) -> tuple[str, int]:
    """Return the row of a fault, and how many people were told nothing."""
    title = f"| {fault.title} | {fault.made} |"
    with postgresql() as server, tempfile.TemporaryDirectory() as directory:
        try:
            one = asyncio.run(fault.run(Machine(Path(directory), server)))
        except NotPossibleError as error:
            return f"{title} not measured: {error} |{' – |' * (1 + len(End))}", 0
    ends = " | ".join(f"{one.ends[end]:,}" for end in End)
    untold = one.ends[End.DONE_UNTOLD] + one.ends[End.LEFT_UNTOLD]
    return f"{title} {spread(one.to_anchor)} | {spread(one.to_word)} | {ends} |", untold


if __name__ == "__main__":
    sys.exit(main())
