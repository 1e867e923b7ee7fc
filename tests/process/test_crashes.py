"""A bot that is killed while it works: no acknowledged order is lost, no resume repeated."""

from collections.abc import Callable
from statistics import median

import pytest

from harness.crash_reckoning import reckon
from harness.crashes import crashes

pytestmark = pytest.mark.anyio


@pytest.mark.long
@pytest.mark.no_cover
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_nothing_is_lost_when_the_bot_is_killed(
    database_url: str, seed: int, *, socket_mode: bool, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """On a file the next process takes over at once; beside other processes it waits for the leases."""
    async with crashes(database_url, socket_mode=socket_mode, seed=seed) as at:
        await at.run()
        result = await reckon(at)
    counts = dict(sorted(result.counts.items())) | {"seconds until the first was taken over": at.recovery_seconds}
    record_testsuite_property("what happened", counts)
    print(counts)  # noqa: T201 - for those who run it with -s
    assert result.faults == {}, {what: result.examples[what][:3] for what in result.faults}
    assert result.counts["taken over"] > 0
    if database_url.startswith("sqlite"):
        assert median(at.recovery_seconds) < 0.5
