"""Command line of the mutation tests."""

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock

from scripts.mutation import coverage_map, record, sites
from scripts.mutation.checkout import ROOT
from scripts.mutation.sites import Mutation
from scripts.mutation.trial import Trials, Verdict


def main() -> int:
    """Choose mutations, try them, and report. Return 1 if one survives that was killed before."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=sites.__doc__)
    parser.add_argument("--seed", type=int, help="which mutations are chosen: 1, or that of the earlier run")
    parser.add_argument("--count", type=int, default=120, help="how many, without an earlier run")
    parser.add_argument("--only", nargs="+", default=["bot"], metavar="PATH", help="choose in these files and folders")
    parser.add_argument("--against", type=Path, metavar="FILE", help="try the mutations of such a file, and compare")
    parser.add_argument("--fill", type=int, default=0, metavar="N", help="beside these choose new ones, up to N in all")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the results, as JSON")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    options = parser.parse_args()
    if missing := [path for path in options.only if not (ROOT / path).exists()]:
        parser.error(f"not there: {' '.join(missing)}")
    seed, earlier = record.read(options.against) if options.against else (1, [])
    seed = seed if options.seed is None else options.seed
    found = sites.mutations_of(ROOT)
    again = record.find_again(earlier, found)
    for mutant in earlier:
        if mutant not in again.values():
            print(f"{mutant['file']}:{mutant['line']}  is gone: {mutant['before'].strip()}")
    wanted = (options.fill if options.against else options.count) - len(again)
    mutations = sorted([*again, *_choose(_within(options.only, found), seed, wanted, again)])
    keep = partial(record.write, options.output, seed, record.commit()) if options.output else lambda _: None
    killers = {mutation: mutant["killed_by"] for mutation, mutant in again.items()}
    verdicts = _try(mutations, killers, options.jobs, keep)
    print(f"\n{sum(verdict.killed_by is not None for verdict in verdicts)} of {len(verdicts)} mutations were killed")
    lost = record.no_longer_killed(again, verdicts)
    for verdict in lost:
        print(f"no longer killed: {verdict}")
    return bool(lost)


def _within(paths: Sequence[str], found: Sequence[Mutation]) -> list[Mutation]:
    """Return those in one of these files or folders."""
    return [one for one in found if any((ROOT / one.file).is_relative_to(ROOT / path) for path in paths)]


def _choose(found: Sequence[Mutation], seed: int, count: int, others: Collection[Mutation]) -> list[Mutation]:
    """Return as many of each kind, as long as there are more, in other lines than the `others`."""
    picked = random.Random(seed)  # noqa: S311 - nothing secret
    kinds = defaultdict[str, list[Mutation]](list)
    for mutation in found:
        kinds[mutation.kind].append(mutation)
    turns = [picked.sample(of_kind, len(of_kind)) for _, of_kind in sorted(kinds.items())]
    taken, chosen = {(one.file, one.line) for one in others}, list[Mutation]()
    while any(turns) and len(chosen) < count:
        for turn in turns:
            while turn:
                mutation = turn.pop()
                if (mutation.file, mutation.line) not in taken and sites.is_change(ROOT, mutation):
                    taken.add((mutation.file, mutation.line))
                    chosen.append(mutation)
                    break
    return chosen[: max(count, 0)]


def _try(
    mutations: Sequence[Mutation],
    killers: Mapping[Mutation, str | None],
    jobs: int,
    keep: Callable[[list[Verdict]], None],
) -> list[Verdict]:
    """Try them in as many copies of the checkout as there are jobs, each first with the test that killed it earlier.

    `keep` is called with the verdicts after each.
    """
    tests = coverage_map.load()
    left, verdicts, writing = iter(mutations), list[Verdict](), Lock()

    def work(directory: Path) -> None:
        trials = Trials(directory, tests)
        try:
            for mutation in left:
                verdict = trials.judge(mutation, killers.get(mutation))
                with writing:
                    verdicts.append(verdict)
                    print(f"{len(verdicts)}/{len(mutations)}  {verdict}", flush=True)
                    keep(verdicts)
        finally:
            trials.close()

    with tempfile.TemporaryDirectory(prefix="mutate-") as directory:
        copies = [Path(directory).resolve() / str(job) for job in range(jobs)]
        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(work, copies))
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
