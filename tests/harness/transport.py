"""How Slack reaches the bot in a conversation test: over HTTP or over Socket Mode."""

import zlib
from dataclasses import dataclass

import pytest

HTTP_ONLY = pytest.mark.transport("http")
"""For a test of what exists over HTTP only."""

SOCKET_ONLY = pytest.mark.transport("socket")
"""For a test of what exists in Socket Mode only."""

BOTH_TRANSPORTS = pytest.mark.transport("http", "socket")
"""For a test of transports, timing, ordering, duplicates, or of the main outcome of a surface."""

_ALL = ("http", "socket")


@dataclass(slots=True)
class Transport:
    name: str = "http"

    @property
    def is_socket(self) -> bool:
        return self.name == "socket"


current_transport = Transport()


def transports_of(test: pytest.Function | pytest.Item, choice: str) -> tuple[str, ...]:
    """Return the transports that a test runs on.

    `choice` is the value of `--transports`: with "all" every test runs on both that it can run on, with "one" on one
    of them, and with "marked" on both only if it carries BOTH_TRANSPORTS. A digest of the test's name picks the one.
    """
    mark = test.get_closest_marker("transport")
    possible = mark.args if mark else _ALL
    if choice == "all" or (mark and choice == "marked"):
        return possible
    return (possible[zlib.crc32(test.nodeid.encode()) % len(possible)],)
