"""Orders that cross each other, at several processes and with faults: what is stored and told is what Anchor has done.

The orders, the processes and the faults of a trial follow from its seed. See `harness.crossing` for the letters.
"""

from functools import partial

import pytest

from harness.crossing import World
from harness.faults import OneConnection, check_trials

TRIALS = {"sqlite": 28, "postgresql": 10}
"""Those of each scene: 532 in all."""

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


@pytest.mark.parametrize(("processes", "faults"), SCENES)
def test_what_is_stored_and_told_is_what_anchor_has_done(store: OneConnection, processes: int, faults: str) -> None:
    check_trials(store, partial(World, store, processes, faults), 6, trials=TRIALS[store.kind])
