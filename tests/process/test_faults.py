"""The measurements of docs/faults.md in a small form: one fault, for a few seconds."""

from pathlib import Path

import pytest

from bench.faults.catalog import FAULTS
from bench.faults.people import End
from bench.faults.stage import Machine
from harness.databases import PostgreSQL

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("name", ["file-locked"])
async def test_pauses_are_measured_while_there_is_a_fault(tmp_path: Path, name: str) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    measured = await fault.run(Machine(tmp_path, PostgreSQL(tmp_path), seconds=2.0))
    assert measured.ends == {End.DONE: 20}
    assert len(measured.to_anchor) == len(measured.to_word) == 20
    assert 0 < min(measured.to_anchor) < min(measured.to_word)
