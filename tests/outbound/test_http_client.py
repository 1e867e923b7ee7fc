"""The bodies of answers, and the Retry-After header, in the forms that servers write."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.outbound.http import read_body, read_retry_after

DATE = "Wed, 25 Nov 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05 GMT", "date": DATE}, 5.0),
        ({"retry-after": "Tue, 24 Nov 2026 00:00:05 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05 GMT"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05", "date": DATE}, None),
        ({"retry-after": "Wed, 25 Nov 99999 00:00:05 GMT", "date": DATE}, None),
    ],
)
def test_it_is_read_or_taken_as_absent(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


class Drops(httpx.AsyncByteStream):
    """A body of 4 MB in 40,000 chunks."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(40_000):
            yield b"x" * 100


@pytest.mark.anyio
async def test_a_large_body_in_small_chunks_takes_little_time() -> None:
    began = time.process_time()
    body = await read_body(httpx.Response(200, stream=Drops()), 4_000_000)
    assert (len(body or b""), time.process_time() - began < 1.0) == (4_000_000, True)
