"""The bodies of answers, and the Retry-After header, in the forms that servers write."""

import time
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader

from bot.outbound.http import read_body, read_retry_after


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
        ({"retry-after": "Wed, 25 Nov 2026 00:00:05 GMT"}, None),
    ],
)
def test_it_is_read_or_taken_as_absent(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


async def test_a_large_body_in_small_chunks_takes_little_time() -> None:
    body = StreamReader(Mock(_reading_paused=False), 2**16)
    for _ in range(40_000):
        body.feed_data(b"x" * 100)
    body.feed_eof()
    began = time.process_time()
    assert (len(await read_body(body, 4_000_000)), time.process_time() - began < 1.0) == (4_000_000, True)
