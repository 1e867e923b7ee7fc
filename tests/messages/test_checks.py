"""The words of `anchor-bot doctor`, and which Python releases normalize text in linear time."""

import pytest

from bot.messages import checks
from scripts.message_examples import KINDS, VALUES

SETTINGS = checks.CheckName.SETTINGS
SAY_IT_THEMSELVES = {checks.Wrong.DATABASE_UNUSABLE, checks.Unanswered.DATABASE_DOWN}


@pytest.mark.parametrize(("warnings", "ending"), [("Is it?", "Is it?"), ("It is.", "It is."), ("It is", "It is.")])
def test_a_line_ends_with_one_mark(warnings: str, ending: str) -> None:
    finding = checks.Finding(checks.Questionable.SETTINGS_ODD, {"warnings": warnings})
    assert checks.check_line(checks.Checked(SETTINGS, finding)).endswith(f": {ending}")


@pytest.mark.parametrize("kind", [*checks.Wrong, *checks.Unanswered])
def test_each_failure_says_how_to_fix_it(kind: checks.Kind) -> None:
    assert checks.Finding(kind, VALUES).fix or kind in SAY_IT_THEMSELVES


def test_codes_are_unique() -> None:
    """Programs know them by these."""
    assert len(set(map(str, KINDS))) == len(KINDS)


def test_nothing_steers_a_terminal() -> None:
    check = checks.Checked(SETTINGS, checks.Finding(checks.Wrong.URL_REJECTS, VALUES | {"why": "x\x1b[2J\n"}))
    assert all(text.isprintable() for text in [checks.check_line(check), *checks.check_record(check).values()])


PATCHED, UNPATCHED = checks.Good.PYTHON_PATCHED, checks.Questionable.PYTHON_UNPATCHED


@pytest.mark.parametrize(
    ("version", "kind", "named", "patched"),
    [
        ((3, 11, 15, "final", 0), UNPATCHED, "3.11.15", "3.11.16"),
        ((3, 11, 16, "final", 0), PATCHED, "3.11.16", "3.11.16"),
        ((3, 12, 13, "final", 0), UNPATCHED, "3.12.13", "3.12.14"),
        ((3, 13, 13, "final", 0), UNPATCHED, "3.13.13", "3.13.14"),
        ((3, 13, 14, "final", 0), PATCHED, "3.13.14", "3.13.14"),
        ((3, 14, 5, "final", 0), UNPATCHED, "3.14.5", "3.14.6"),
        ((3, 14, 10, "final", 0), PATCHED, "3.14.10", "3.14.6"),
        ((3, 15, 0, "alpha", 8), UNPATCHED, "3.15.0a8", "3.15.0b2"),
        ((3, 15, 0, "beta", 1), UNPATCHED, "3.15.0b1", "3.15.0b2"),
        ((3, 15, 0, "beta", 2), PATCHED, "3.15.0b2", "3.15.0b2"),
        ((3, 15, 0, "candidate", 1), PATCHED, "3.15.0rc1", "3.15.0b2"),
        ((3, 16, 0, "alpha", 1), PATCHED, "3.16.0a1", ""),
    ],
)
def test_a_python_before_its_patch_release_is_questionable(
    version: tuple[int, int, int, str, int], kind: checks.Kind, named: str, patched: str
) -> None:
    found = checks.judge_python(version)
    assert found == checks.Finding(kind, {"version": named, "patched": patched})
    assert checks.exit_code([checks.Checked(checks.CheckName.PYTHON, found)]) == 0
