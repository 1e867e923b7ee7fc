"""The file of a run, such as tests/mutants.json: its seed, its commit, and each mutant with the test that failed."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.mutation.checkout import ROOT
from scripts.mutation.sites import Mutation
from scripts.mutation.trial import Verdict

Mutant = Mapping[str, Any]
"""`file`, `line`, `kind`, `before` and `after` as in a Mutation, and `killed_by`: the test that failed, or None."""


def read(path: Path) -> tuple[int, list[Mutant]]:
    """Return the seed and the mutants of an earlier run."""
    record = json.loads(path.read_text())
    return record["seed"], record["mutants"]


def write(path: Path, seed: int, commit: str, verdicts: Iterable[Verdict]) -> None:
    """Write what is known by now."""
    mutants = [_mutant(verdict) for verdict in sorted(verdicts, key=lambda verdict: verdict.mutation)]
    path.write_text(
        json.dumps({"seed": seed, "commit": commit, "mutants": mutants}, indent=1, ensure_ascii=False) + "\n"
    )


def commit() -> str:
    """Return the commit of the checkout, with `-dirty` if a file differs from it."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def find_again(mutants: Sequence[Mutant], found: Iterable[Mutation]) -> dict[Mutation, Mutant]:
    """Return those mutants whose code is still there, by what they are now.

    In their file it is the closest line with the same text. Code that was moved to another file is found there if no
    other line has its text.
    """
    places = dict[tuple[str, ...], list[Mutation]]()
    for mutation in found:
        places.setdefault(_text(mutation.before, mutation.after), []).append(mutation)
    again = dict[Mutation, Mutant]()
    for mutant in mutants:
        same = [one for one in places.get(_text(mutant["before"], mutant["after"]), ()) if one not in again]
        here = [one for one in same if one.file == mutant["file"]]
        if here or len(same) == 1:
            again[min(here or same, key=lambda one: abs(one.line - mutant["line"]))] = mutant
    return again


def no_longer_killed(again: Mapping[Mutation, Mutant], verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts about those that were killed before, and survive now."""
    return [
        one for one in verdicts if one.mutation in again and again[one.mutation]["killed_by"] and one.killed_by is None
    ]


def _mutant(verdict: Verdict) -> Mutant:
    one = verdict.mutation
    values = {"file": one.file, "line": one.line, "kind": one.what, "before": one.before, "after": one.after}
    return values | {"killed_by": verdict.killed_by}


def _text(before: str, after: str) -> tuple[str, ...]:
    """Return what makes a mutation the same one. Its line can be indented otherwise, and a name can be public now."""
    return tuple(re.sub(r"\b_(?=\w)", "", line.strip()) for line in (before, after))
