"""The benchmark: its names, its page, and its count of what a process takes."""

import pytest

from bench.applications import APPLICATIONS
from bench.measures import MEASURES
from bench.report import PAGE, ages


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_names_what_exists_and_the_page_has_a_place_for_it(name: str) -> None:
    assert set(MEASURES[name].applications) <= {application.name for application in APPLICATIONS}
    assert f"<!-- scripts/bench {name} writes this part -->" in PAGE.read_text()
    assert f"{name}: " in ages()
