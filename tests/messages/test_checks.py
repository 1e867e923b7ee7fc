"""The words of `anchor-bot doctor`."""

from collections.abc import Callable

import pytest

from bot.messages import checks
from messages.examples import KINDS, VALUES

SETTINGS = checks.CheckName.SETTINGS
SAY_IT_THEMSELVES = {checks.Wrong.DATABASE_UNUSABLE, checks.Unanswered.DATABASE_DOWN}


@pytest.mark.parametrize(("warnings", "ending"), [("Is it?", "Is it?"), ("It is.", "It is."), ("It is", "It is.")])
def test_a_line_ends_with_one_mark(warnings: str, ending: str) -> None:
    finding = checks.Finding(checks.Questionable.SETTINGS_ODD, {"warnings": warnings})
    assert checks.check_line(checks.Checked(SETTINGS, finding)).endswith(f": {ending}")


def test_the_line_of_each_finding(wording: Callable[[str, str], None]) -> None:
    for kind in KINDS:
        name = kind.name.lower().replace("_", "-")
        wording(name, checks.check_line(checks.Checked(SETTINGS, checks.Finding(kind, VALUES))))


@pytest.mark.parametrize("kind", [*checks.Wrong, *checks.Unanswered])
def test_each_failure_says_how_to_fix_it(kind: checks.Kind) -> None:
    assert checks.Finding(kind, VALUES).fix or kind in SAY_IT_THEMSELVES


def test_nothing_steers_a_terminal() -> None:
    check = checks.Checked(SETTINGS, checks.Finding(checks.Wrong.ROW_UNREADABLE, VALUES | {"why": "x\x1b[2J\n"}))
    assert checks.check_line(check).isprintable()
