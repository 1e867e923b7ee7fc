"""Write the measured part of docs/scale.md. It takes about six minutes of one processor."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.pages import setting, spread, write_part
from bench.revisions import ROOT
from bench.scale import claims
from bench.scale.hour import Hour
from bench.scale.simulation import Measured, simulate

_PAGE = ROOT / "docs/scale.md"


@dataclass(frozen=True, slots=True)
class _Run:
    title: str
    hour: Hour
    processes: int = 1


_TEN_MINUTES = Hour(10_000, 50_000 // 6, 5_000 // 6, 600.0)
_RUNS = (
    _Run("the bad hour, 1 process", Hour()),
    _Run("10 minutes of it, 1 process", _TEN_MINUTES),
    _Run("10 minutes of it, 3 processes", _TEN_MINUTES, 3),
    _Run("10 times as many of all, 3 processes, 3 minutes", Hour(100_000, 25_000, 2_500, 180.0), 3),
)


def main() -> int:
    """Simulate, measure, and print or write the tables."""
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description="Measure how far the bot reaches.")
    parser.add_argument("--write", action="store_true", help="write docs/scale.md")
    options = parser.parse_args()
    hours = []
    for run in _RUNS:
        sys.stderr.write(f"scripts/bench: {run.title}\n")
        hours.append((run, simulate(run.hour, processes=run.processes)))
    tables = f"{setting()}\n\n{_hours(hours)}\n\n{_claims(asyncio.run(claims.measure()))}"
    sys.stdout.write(f"{tables}\n")
    if options.write:
        write_part(_PAGE, "scripts/bench scale", tables)
    return 0


def _hours(hours: Sequence[tuple[_Run, Measured]]) -> str:
    """Return a table with a column for each run."""
    measured = [one for _, one in hours]
    rows = [
        (
            "workspaces; alerts; pauses",
            [f"{r.hour.workspaces:,}; {r.hour.alerts:,}; {r.hour.pauses:,}" for r, _ in hours],
        ),
        ("the turn of a pause at Anchor, s", [spread(one.to_anchor) for one in measured]),
        ("pauses not sent", [f"{one.not_sent:,}" for one in measured]),
        ("an alert to its button, quiet workspaces, s", [spread(one.waits.get("quiet", ())) for one in measured]),
        ("the same, workspaces with a storm, s", [spread(one.waits.get("stormy", ())) for one in measured]),
        ("the same, the flooded channel, s", [spread(one.waits.get("flooded", ())) for one in measured]),
        ("a repeated alert on its card, s", [spread(one.waits.get("repeated", ())) for one in measured]),
        ("a pause on its card, s", [spread(one.waits.get("paused", ())) for one in measured]),
        ("never shown within half an hour", [f"{one.missing:,}" for one in measured]),
        ("cards; messages posted; updates", [f"{one.cards:,}; {one.posts:,}; {one.updates:,}" for one in measured]),
        ("calls that Slack refused as too fast", [f"{one.too_fast:,}" for one in measured]),
        ("alerts at the same time, most", [f"{one.most_alerts:,}" for one in measured]),
        ("reads of Anchor, in all; most in a second", [f"{one.reads:,}; {one.most_reads:,}" for one in measured]),
        ("from a check of a workspace to the next, s", [spread(one.check_intervals) for one in measured]),
        ("time with the lock of the cards", [f"{one.use.seconds_with_lock / one.ended_at:.0%}" for one in measured]),
        (
            "transactions with it; the longest, s",
            [f"{one.use.with_lock:,}; {one.use.longest_with_lock:.2f}" for one in measured],
        ),
        ("longest transaction of any kind, s", [f"{one.use.longest:.1f}" for one in measured]),
        ("transactions given up after 5 s", [f"{one.failed:,}" for one in measured]),
    ]
    head = f"| p50; p99; max | {' | '.join(run.title for run, _ in hours)} |\n|---|{'---|' * len(hours)}\n"
    return head + "\n".join(f"| {title} | {' | '.join(cells)} |" for title, cells in rows)


def _claims(measured: Sequence[claims.Claim]) -> str:
    """Return a table with a row for each claim."""
    lines = [
        "| open cards | of these due | messages claimed | statements | ms | bytes of a card |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.cards:,} | {one.due:,} | {one.claimed:.0f} | {one.statements:,.0f} | {one.seconds * 1000:,.0f} "
        f"| {one.bytes_each:,.0f} |"
        for one in measured
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
