"""Messages while leaders are lost and Slack and the database fail: none is lost, none is left outdated.

The alerts, the changes and the faults of a trial follow from its seed. See `harness.outbox_world` for the letters.
"""

from functools import partial

import pytest

from harness.faults import OneConnection, check_trials
from harness.outbox_world import World

TRIALS = {"sqlite": 10, "postgresql": 2}
"""Those of each scene, 136 in all; a fifth of them, with more alerts, for the scene H."""

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


@pytest.mark.parametrize(("processes", "faults"), SCENES)
def test_no_message_is_lost_outdated_or_sent_twice_without_need(
    store: OneConnection, processes: int, faults: str
) -> None:
    alerts, trials = 12, TRIALS[store.kind]
    if "H" in faults:
        alerts, trials = 110, trials // 5 + 1
    check_trials(store, partial(World, store, processes, faults), alerts, trials=trials)
