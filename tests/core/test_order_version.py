"""The value of a Resume button: the session, and the version beside it. `test_message_ids` finds the session in it."""

import pytest

from bot.core.requests import button_value, read_version
from harness import SESSION
from harness.product import SessionId


def test_a_version_is_read_as_it_was_written() -> None:
    version = "0123456789abcdef" * 2
    session_id, _, rest = button_value(SessionId(SESSION), version[:28]).partition(" ")
    assert (session_id, read_version(rest)) == (SESSION, version[:28])


@pytest.mark.parametrize("rest", ["", "checkout agent", "after=yesterday", f"after={28 * '0'} x"])
def test_what_another_program_writes_beside_the_session_is_no_version(rest: str) -> None:
    assert read_version(rest) is None
