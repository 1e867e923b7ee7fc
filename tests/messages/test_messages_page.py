"""docs/messages.md has every message as it is."""

from harness.wording import difference
from scripts.messages_page import PAGE, page, read


def test_the_page_has_every_text() -> None:
    """`wording` compares those from outside of Slack."""
    now = page(read())
    assert PAGE.read_text() == now, difference(PAGE.read_text(), now)
