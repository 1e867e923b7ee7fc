"""What every test shares: the event loop it runs on, and the databases it may ask for."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import postgresql
from leaks import Listener


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of production; tests about the loop itself choose their own."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(autouse=True)
def nothing_secret_is_logged() -> Iterator[None]:
    """Whatever a test does: what is logged meanwhile, the bot's own loggers at DEBUG, has no secret in it."""
    listener, ours = Listener(), logging.getLogger("bot")
    level = ours.level
    ours.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(listener)
    yield
    logging.getLogger().removeHandler(listener)
    ours.setLevel(level)
    assert listener.leaked == []


@pytest.fixture(scope="session")
def postgresql_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    """One empty database of a real PostgreSQL after the other."""
    with postgresql(tmp_path_factory.mktemp("pg")) as urls:
        yield urls


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, as people write it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    return str(next(request.getfixturevalue("postgresql_urls")))
