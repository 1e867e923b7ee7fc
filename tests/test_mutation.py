"""scripts/mutate: mutants are found again after a change, and the server for its trials has not imported the bot."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.process import run_command
from scripts.mutation import record
from scripts.mutation.sites import Mutation
from scripts.mutation.trial import Verdict

ROOT = Path(__file__).parents[1]
ORDERS = "bot/usecases/orders.py"
SITE = Mutation(ORDERS, 10, "condition flipped", "    if _is_late(order):", "    if not _is_late(order):")
ELSEWHERE = replace(SITE, file="bot/core/orders.py", line=40)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([SITE], 0),
        ([replace(SITE, line=3), replace(SITE, line=12), ELSEWHERE], 1),
        ([replace(ELSEWHERE, before="if is_late(order):", after="if not is_late(order):")], 0),
        ([ELSEWHERE, replace(ELSEWHERE, line=50)], None),
        ([replace(SITE, after="    if not (_is_late(order)):")], None),
    ],
    ids=["the same", "other lines", "moved, public and not indented", "moved to one of two lines", "another mutation"],
)
def test_a_mutant_is_found_again_if_its_code_is_there(
    tmp_path: Path, found: list[Mutation], expected: int | None
) -> None:
    file = tmp_path / "mutants.json"
    record.write(file, 7, "c0ffee", [Verdict(SITE, "tests/test_one.py", hung=False, covering=1, ran=1, seconds=1.0)])
    assert json.loads(file.read_text())["commit"] == "c0ffee"
    seed, (mutant,) = record.read(file)
    assert (seed, mutant["killed"]) == (7, True)
    assert record.find_again([mutant], found) == ({} if expected is None else {found[expected]: mutant})


@pytest.mark.anyio
async def test_the_server_imports_no_module_of_the_bot_before_a_mutation() -> None:
    assert await run_command(sys.executable, "-m", "scripts.mutation.warm", cwd=ROOT) == ""
