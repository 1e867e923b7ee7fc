"""Messages while leaders are lost and Slack and the database fail: none is lost, none is left outdated.

The alerts, the changes and the faults of a trial follow from its seed. See `harness.outbox_world` for the letters.
"""

from functools import partial

import pytest

from harness.faults import OneConnection, check_trials
from harness.outbox_world import trial

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
    number, alerts = TRIALS[store.kind], 12
    if "H" in faults:
        number, alerts = number // 5 + 1, 110
    check_trials(partial(trial, store, processes=processes, faults=faults, alerts=alerts), number)
