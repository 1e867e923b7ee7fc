"""Messages while leaders are lost and Slack and the database fail: none is lost, none is left outdated.

The alerts, the changes and the faults of a trial follow from its seed. See `harness.outbox_world` for the letters.
"""

import math
from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.faults import OneConnection, one_connection
from harness.outbox_world import trial

TIMES = 20 if settings.get_current_profile_name() == "nightly" else 1
TRIALS = {"sqlite": 10, "postgresql": 2}
"""Those of each scene, and how many times as many: 2,880 in all at night, else 144."""

SCENES = [
    (1, ""),
    (1, "hlxnr"),
    (1, "kbcn"),
    (3, "kq"),
    (3, "flx"),
    (3, "Tb"),
    (3, "Uh"),
    (3, "kcs"),
    (3, "bcr"),
    (3, "fhn"),
    (3, "H"),
    (1, "n"),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[OneConnection]:
    url = next(request.getfixturevalue("postgresql_urls")) if request.param == "postgresql" else None
    with one_connection(url) as store:
        yield store


@pytest.mark.parametrize(("processes", "faults"), SCENES)
def test_no_message_is_lost_outdated_or_sent_twice_without_need(
    store: OneConnection, processes: int, faults: str
) -> None:
    kind = "sqlite" if store.driver.longest_use == math.inf else "postgresql"

    trials, alerts = (TRIALS[kind] // 5 + 1, 110) if "H" in faults else (TRIALS[kind], 12)

    @settings(max_examples=TIMES * trials, phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        assert trial(store, seed, processes=processes, faults=faults, alerts=alerts) == []

    check()
