"""What tests of processes share: two releases."""

import asyncio
import os
from pathlib import Path

import pytest

from harness.releases import released


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop of production, in real time."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of two releases, by their versions.

    An asynchronous fixture would keep its event loop, which all later tests of this session would then share.
    """
    base = tmp_path_factory.getbasetemp()
    directory = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "releases"
    directory.mkdir(exist_ok=True)
    return asyncio.run(released(directory))
