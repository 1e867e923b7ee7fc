"""The databases of trials."""

from collections.abc import Iterator

import pytest

from usecases.faults import OneConnection, one_connection


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[OneConnection]:
    url = next(request.getfixturevalue("postgresql_urls")) if request.param == "postgresql" else None
    with one_connection(url) as store:
        yield store
