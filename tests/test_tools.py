"""The tools of this repository: mutations, the setup and the snapshot of texts."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.process import run_command
from harness.snapshot import TESTS, Snapshot
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
    assert (seed, mutant["killed_by"]) == (7, "tests/test_one.py")
    assert record.find_again([mutant], found) == ({} if expected is None else {found[expected]: mutant})


async def test_the_server_imports_no_module_of_the_bot_before_a_mutation() -> None:
    assert await run_command(sys.executable, "-m", "scripts.mutation.warm", cwd=ROOT) == ""


FIRST, SECOND = TESTS / "conversations/test_button.py", TESTS / "conversations/test_command.py"
MESSAGES = (
    (SECOND, "⏸️ *Paused* by <@U0ALICE0001>", "Session `3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b`", "It is kept for 5 min."),
    (FIRST, "⛔ *Not paused*", "Session `9c0d7e11-2222-4333-8444-555566667777`"),
    (FIRST, "⏸️ *Paused* by <@U0BOB000001>", "It is kept for 7 min."),
)


def sent(snapshot: Snapshot, *messages: tuple[Path, *tuple[str, ...]]) -> Snapshot:
    for file, *lines in messages:
        with snapshot.recording(file):
            snapshot.saw(*lines)
    return snapshot


def updated(page: Path, *messages: tuple[Path, *tuple[str, ...]], is_complete: bool = True) -> str:
    snapshot = Snapshot(page)
    snapshot.update = True
    sent(snapshot, *messages).write(is_complete=is_complete)
    return page.read_text()


def test_an_unknown_line_fails_its_test_and_a_known_one_that_nothing_sends_is_found(tmp_path: Path) -> None:
    updated(tmp_path / "texts.txt", *MESSAGES)
    snapshot = sent(Snapshot(tmp_path / "texts.txt"), *MESSAGES[:2])
    assert snapshot.unsent() == []
    with pytest.raises(pytest.fail.Exception, match="It is lost for N min"):
        sent(snapshot, (FIRST, "⛔ *Not paused*", "It is lost for 5 min."))
    assert sent(Snapshot(tmp_path / "texts.txt"), MESSAGES[1]).unsent() == [
        "It is kept for N min.",
        "⏸️ *Paused* by @person",
    ]


def test_a_named_text_is_compared_whole(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path / "texts.txt")
    snapshot.update = True
    snapshot.check(FIRST, "two paragraphs", "One.\n\n  Two of 2.  \n")
    snapshot.write(is_complete=True)
    Snapshot(tmp_path / "texts.txt").check(FIRST, "two paragraphs", "One.\n\n  Two of 2.")
    with pytest.raises(pytest.fail.Exception, match="Two of 3"):
        Snapshot(tmp_path / "texts.txt").check(FIRST, "two paragraphs", "One.\n\n  Two of 3.")
    assert Snapshot(tmp_path / "texts.txt").unsent() == ["conversations/test_button.py: two paragraphs"]
