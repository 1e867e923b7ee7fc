"""The benchmark: its names, and the rows that it writes for every revision."""

import pytest

from bench.applications import BOTS, OLD, PEERS, VARIANTS
from bench.catalog import MEASURES
from bench.revisions import ROOT
from bench.sections import SECTIONS, Section

APPLICATIONS = {one.name for one in (*BOTS, *OLD, *VARIANTS, *PEERS)}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_names_what_exists_and_the_page_has_a_place_for_it(section: Section) -> None:
    assert set(section.applications) <= APPLICATIONS
    assert set(section.measures) <= {measure.name for measure in MEASURES}
    assert f"<!-- scripts/bench {section.name} writes this part -->" in (ROOT / "docs/performance.md").read_text()
