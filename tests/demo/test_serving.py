"""The command that serves the page: what it says if it cannot."""

import io
import socket

import pytest

from bot.demo import serve

pytestmark = pytest.mark.anyio


async def test_a_port_that_is_taken_is_named() -> None:
    out = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert await serve(out, port=port, browser=False) == 1
    assert f"--port {port}" in out.getvalue()


async def test_a_bot_that_does_not_start_is_shown_with_what_it_wrote() -> None:
    out = io.StringIO()
    assert await serve(out, port=0, browser=False, changes={"LOG_LEVEL": "LOUD"}) == 1
    assert "LOG_LEVEL" in out.getvalue()
