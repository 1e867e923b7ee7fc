"""Write the measured part of a page: what and where was measured, and the tables."""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import description
from bench.revisions import ROOT

_END = "<!-- end of the measured part -->"


def spread(values: Sequence[float]) -> str:
    """Return the median, the 99th percentile and the maximum of seconds, or a dash."""
    if not values:
        return "–"
    ordered = sorted(values)
    at = [ordered[min(len(ordered) - 1, int(part * len(ordered)))] for part in (0.5, 0.99, 1.0)]
    return "; ".join(f"{one:,.2f}" if one < 10 else f"{one:,.0f}" for one in at)  # noqa: PLR2004 - three digits


def setting() -> str:
    """Return the day, the revision and the machine of a run."""
    command = ("git", "describe", "--always", "--dirty")
    revision = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - fixed
    return f"{datetime.now(UTC):%Y-%m-%d}, revision {revision}. {description()}."


def write_part(page: Path, program: str, text: str) -> None:
    """Replace the part of a page that a program writes."""
    begin = f"<!-- {program} writes this part -->"
    before, _, rest = page.read_text().partition(begin)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{_END}{rest.partition(_END)[2]}")
