"""The value of a Resume button: the session, and the version beside it."""

import pytest

from bot.core.order_version import button_value, read_version
from bot.core.session_id import Found, SessionId, find_session_id
from bot.request_id import new_id
from harness import SESSION

ID = SessionId(SESSION)


def test_a_version_is_read_as_it_was_written_and_every_version_of_the_bot_finds_the_session() -> None:
    version = new_id()
    found = find_session_id(button_value(ID, version))
    assert isinstance(found, Found)
    assert (found.session_id, read_version(found.rest)) == (ID, version)


@pytest.mark.parametrize("rest", ["", "checkout agent", "after=yesterday", f"after={28 * '0'} x"])
def test_what_another_program_writes_beside_the_session_is_no_version(rest: str) -> None:
    assert read_version(rest) is None
