"""Command line of the mutation tests."""

import argparse
import json
import queue
import random
import re
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.mutation import coverage_map, sites
from scripts.mutation.checkout import ROOT
from scripts.mutation.sites import Mutation
from scripts.mutation.trial import Trials, Verdict


def main() -> None:
    """Choose mutations, try them, and report."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=sites.__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which mutations are chosen")
    parser.add_argument("--count", type=int, default=120, help="how many")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--output", type=Path, help="file for the results, as JSON")
    parser.add_argument("--against", type=Path, help="try the mutations of such a file, and compare the results")
    parser.add_argument("--list", action="store_true", help="only print the mutations")
    options = parser.parse_args()
    earlier = json.loads(options.against.read_text()) if options.against else []
    found = sites.mutations_of(ROOT)
    mutations = _again(earlier, found) if earlier else _choose(found, options.seed, options.count)
    if options.list:
        for mutation in mutations:
            print(f"{mutation.file}:{mutation.line}  {mutation.what}: {mutation.after.strip()}")
        return
    verdicts = _try(mutations, options.jobs, options.output)
    print(f"\n{sum(verdict.killed_by is not None for verdict in verdicts)} of {len(verdicts)} mutations were killed")
    if earlier:
        _compare(earlier, verdicts)


def _choose(found: list[Mutation], seed: int, count: int) -> list[Mutation]:
    """Return as many of each kind, as long as there are more."""
    picked = random.Random(seed)  # noqa: S311 - nothing secret
    kinds = defaultdict[str, list[Mutation]](list)
    for mutation in found:
        kinds[mutation.kind].append(mutation)
    turns = [picked.sample(of_kind, len(of_kind)) for _, of_kind in sorted(kinds.items())]
    chosen = dict[tuple[str, int], Mutation]()
    while any(turns) and len(chosen) < count:
        for turn in turns:
            while turn:
                mutation = turn.pop()
                place = (mutation.file, mutation.line)
                if place not in chosen and sites.is_change(ROOT, mutation):
                    chosen[place] = mutation
                    break
    return sorted(list(chosen.values())[:count])


def _again(earlier: list[dict[str, Any]], found: list[Mutation]) -> list[Mutation]:
    """Return the mutations of the same lines: of those with the same text the one that is closest."""
    mutations = []
    for was in (verdict["mutation"] for verdict in earlier):
        same = [one for one in found if _text(asdict(one)) == _text(was)]
        if same:
            mutations.append(min(same, key=lambda one: abs(one.line - was["line"])))
        else:
            print(f"{was['file']}:{was['line']}  is gone: {was['before'].strip()}")
    return mutations


def _text(mutation: dict[str, Any]) -> tuple[str, ...]:
    """Return what makes a mutation the same one. A name can have become public."""
    return tuple(re.sub(r"\b_(?=\w)", "", mutation[name]) for name in ("file", "before", "after"))


def _try(mutations: list[Mutation], jobs: int, output: Path | None) -> list[Verdict]:
    tests = coverage_map.load()
    left, verdicts = queue.SimpleQueue[Mutation](), list[Verdict]()
    for mutation in mutations:
        left.put(mutation)

    def work(directory: Path) -> None:
        trials = Trials(directory, tests)
        try:
            while not left.empty():
                verdict = trials.judge(left.get())
                verdicts.append(verdict)
                print(f"{len(verdicts)}/{len(mutations)}  {verdict}", flush=True)
                if output:
                    output.write_text(json.dumps([verdict.json for verdict in verdicts], indent=1))
        finally:
            trials.close()

    with tempfile.TemporaryDirectory(prefix="mutate-") as directory:
        copies = [Path(directory).resolve() / str(job) for job in range(jobs)]
        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(work, copies))
    return sorted(verdicts, key=lambda verdict: verdict.mutation)


def _compare(earlier: list[dict[str, Any]], verdicts: list[Verdict]) -> None:
    kept = {_text(asdict(verdict.mutation)): verdict for verdict in verdicts}
    before = 0
    for was in earlier:
        verdict = kept.get(_text(was["mutation"]))
        if verdict and was["killed_by"]:
            before += 1
            if not verdict.killed_by:
                print(f"no longer killed, was by {was['killed_by']}:\n  {verdict}")
    print(f"Before, {before} of them were killed.")


if __name__ == "__main__":
    main()
