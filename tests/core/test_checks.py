"""Which Python releases normalize text in linear time."""

import pytest

from harness.product import checks

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
