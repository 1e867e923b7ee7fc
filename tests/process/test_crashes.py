"""A bot that is killed while it works: no acknowledged order is lost, no resume repeated."""

import pytest

from harness.crashes import crashes, find_faults

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]


@pytest.mark.parametrize(
    ("socket_mode", "seed", "waves"),
    [
        pytest.param(False, 4, 2, id="once"),
        *(
            pytest.param(mode, seed, 6, id=f"{'socket' if mode else 'http'}-{seed}", marks=pytest.mark.long)
            for mode in (False, True)
            for seed in (1, 2, 3)
        ),
    ],
)
async def test_nothing_is_lost_when_the_bot_is_killed(
    database_url: str, seed: int, waves: int, *, socket_mode: bool
) -> None:
    """On a file the next process takes over at once; beside other processes it waits for the leases."""
    async with crashes(database_url, socket_mode=socket_mode, seed=seed, waves=waves) as at:
        await at.run()
        assert await find_faults(at) == {}
    assert at.taken_over > 0
