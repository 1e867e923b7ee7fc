"""Orders that cross each other, at several processes and with faults: what is stored and told is what Anchor has done.

The orders, the processes and the faults of a trial follow from its seed. See `harness.crossing` for the letters.
"""

import math
from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.crossing import trial
from harness.faults import OneConnection, one_connection

TIMES = 20 if settings.get_current_profile_name() == "nightly" else 1
TRIALS = {"sqlite": 28, "postgresql": 10}
"""Those of each scene, and how many times as many: 10,640 in all at night, else 266."""

SCENES = [
    (1, "ewv"),
    (1, "bewvc"),
    (1, "kewvcdr"),
    (3, "dr"),
    (3, "ewvdrt"),
    (3, "ewvcdrts"),
    (3, "kewvcdrt"),
    (3, "fewvcdrt"),
    (3, "bewvcdr"),
    (3, "C"),
    (3, "Tw"),
    (3, "S"),
    (3, "Sc"),
    (3, "p"),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[OneConnection]:
    url = next(request.getfixturevalue("postgresql_urls")) if request.param == "postgresql" else None
    with one_connection(url) as store:
        yield store


@pytest.mark.parametrize(("processes", "faults"), SCENES)
def test_what_is_stored_and_told_is_what_anchor_has_done(store: OneConnection, processes: int, faults: str) -> None:
    kind = "sqlite" if store.driver.longest_use == math.inf else "postgresql"

    @settings(max_examples=TIMES * TRIALS[kind], phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        assert trial(store, seed, processes=processes, faults=faults) == []

    check()
